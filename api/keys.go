package api

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Identity says who may say who a member is. With no Issuer, JWKS and JWTKey
// it is the trial identity: the program is its own issuer.
type Identity struct {
	Secret   [32]byte // the tenant's; the trial identity's key is derived from it
	Issuer   string   // expected iss; alone it is asked for its keys (OpenID discovery)
	Audience string   // expected aud of members; admins' is the same with "-admin". Trial: "firstcome" when empty; else not checked when empty
	JWKS     string   // address of a JSON Web Key Set
	JWTKey   string   // a shared secret of 32 bytes or more (HS256), or a PEM key (RS256, ES256, EdDSA)
	Client   *http.Client
	Now      func() time.Time
}

const (
	trialIssuer   = "firstcome-trial"
	trialAudience = "firstcome"
	adminSuffix   = "-admin"
)

// Trial reports whether the program is its own issuer.
func (i Identity) Trial() bool { return i.Issuer == "" && i.JWKS == "" && i.JWTKey == "" }

func (i Identity) issuer() string {
	if i.Trial() {
		return trialIssuer
	}
	return i.Issuer
}

func (i Identity) audience(admins bool) string {
	audience := i.Audience
	if audience == "" && i.Trial() {
		audience = trialAudience
	}
	if audience != "" && admins {
		audience += adminSuffix
	}
	return audience
}

func (i Identity) now() func() time.Time {
	if i.Now != nil {
		return i.Now
	}
	return time.Now
}

// errNoKeys: the issuer's keys were never fetched, so no token can be told good
// or bad.
var errNoKeys = errors.New("the issuer's keys are out of reach")

// keySource finds the key of a token. Its algorithms are the only ones that
// are verified, so a key is never used for what it is not.
type keySource interface {
	algorithms() []string
	find(ctx context.Context) jwt.Keyfunc
	// run keeps the keys fresh until ctx ends.
	run(ctx context.Context) error
}

// keys opens the source that the configuration names.
func (i Identity) keys(log *slog.Logger) (keySource, error) {
	switch {
	case i.JWKS != "" && i.JWTKey != "":
		return nil, errors.New("jwks and jwt-key exclude one another")
	case i.Trial() || i.JWTKey != "":
		return i.localKey()
	}
	return newRemoteKeys(i, log)
}

// localKey is one key that is at hand.
type localKey struct {
	method jwt.SigningMethod
	verify any
	sign   any // nil: only the public half is known
}

func (k *localKey) algorithms() []string { return []string{k.method.Alg()} }
func (k *localKey) find(context.Context) jwt.Keyfunc {
	return func(*jwt.Token) (any, error) { return k.verify, nil }
}
func (k *localKey) run(ctx context.Context) (_ error) { <-ctx.Done(); return nil }

// hmacLeast is the shortest shared secret (RFC 7518, 3.2), rsaLeast the
// shortest modulus in bits (3.3).
const (
	hmacLeast = 32
	rsaLeast  = 2048
)

func (i Identity) localKey() (*localKey, error) {
	if i.Trial() {
		key, err := hkdf.Expand(sha256.New, i.Secret[:], "firstcome trial identity", 32)
		if err != nil {
			return nil, fmt.Errorf("derive the trial identity's key: %w", err)
		}
		return &localKey{jwt.SigningMethodHS256, key, key}, nil
	}
	if strings.Contains(i.JWTKey, "-----BEGIN") {
		return pemKey([]byte(i.JWTKey))
	}
	if len(i.JWTKey) < hmacLeast {
		return nil, fmt.Errorf("jwt-key: a shared secret needs at least %d bytes, this has %d", hmacLeast, len(i.JWTKey))
	}
	key := []byte(i.JWTKey)
	return &localKey{jwt.SigningMethodHS256, key, key}, nil
}

func pemKey(text []byte) (*localKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("jwt-key: the PEM block cannot be read")
	}
	key, err := parseKey(block)
	if err != nil {
		return nil, fmt.Errorf("jwt-key: a %s that cannot be read: %w", block.Type, err)
	}
	k := &localKey{verify: key}
	if private, ok := key.(crypto.Signer); ok {
		k.sign, k.verify = key, private.Public()
	}
	switch public := k.verify.(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() < rsaLeast {
			return nil, fmt.Errorf("jwt-key: an RSA key needs at least %d bits, this has %d", rsaLeast, public.N.BitLen())
		}
		k.method = jwt.SigningMethodRS256
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() {
			return nil, errors.New("jwt-key: an elliptic key must be on the curve P-256 (ES256)")
		}
		k.method = jwt.SigningMethodES256
	case ed25519.PublicKey:
		k.method = jwt.SigningMethodEdDSA
	default:
		return nil, fmt.Errorf("jwt-key: a %T is none of RSA, EC P-256 and Ed25519", key)
	}
	return k, nil
}

func parseKey(block *pem.Block) (any, error) {
	switch block.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	case "CERTIFICATE":
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return cert.PublicKey, nil
	}
	return nil, errors.New("it is none of PUBLIC KEY, PRIVATE KEY and CERTIFICATE")
}
