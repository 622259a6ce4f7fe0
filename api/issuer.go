package api

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ErrCannotSign: only public keys are configured, so somebody else makes the tokens.
var ErrCannotSign = errors.New("no key that can sign is configured; ask your identity provider for a token")

// Issuer makes tokens that this configuration's doors accept: with the trial
// identity's key, or with a jwt-key that is a secret or a private key.
type Issuer struct {
	cfg Identity
	key *localKey
}

// NewIssuer opens the signing key. ErrCannotSign.
func NewIssuer(cfg Identity) (*Issuer, error) {
	if !cfg.Trial() && cfg.JWTKey == "" {
		return nil, ErrCannotSign
	}
	key, err := cfg.localKey()
	if err != nil {
		return nil, err
	}
	if key.sign == nil {
		return nil, ErrCannotSign
	}
	return &Issuer{cfg: cfg, key: key}, nil
}

// Mint makes a token for a subject of 1 to 128 bytes that is valid for ttl. An
// empty role makes a member's token, "viewer", "operator" or "owner" an admin's.
func (i *Issuer) Mint(subject, role string, ttl time.Duration) (string, error) {
	if !goodSubject(subject) {
		return "", fmt.Errorf("a subject must be 1 to %d bytes without control characters", subjectMost)
	}
	if _, ok := roles[role]; role != "" && !ok {
		return "", fmt.Errorf("%q is none of the roles viewer, operator and owner", role)
	}
	if ttl <= 0 {
		return "", errors.New("a token must be valid for some time")
	}
	now := i.cfg.now()()
	claims := jwt.MapClaims{"sub": subject, "iat": now.Unix(), "exp": now.Add(ttl).Unix()}
	if issuer := i.cfg.issuer(); issuer != "" {
		claims["iss"] = issuer
	}
	if audience := i.cfg.audience(role != ""); audience != "" {
		claims["aud"] = audience
	}
	if role != "" {
		claims["role"] = role
	}
	token, err := jwt.NewWithClaims(i.key.method, claims).SignedString(i.key.sign)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return token, nil
}
