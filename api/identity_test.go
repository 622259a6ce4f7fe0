package api

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var secret = strings.Repeat("s", 32)

// sign makes a token by hand, good or bad.
func sign(t *testing.T, method jwt.SigningMethod, key any, claims jwt.MapClaims, header ...string) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	for i := 0; i+1 < len(header); i += 2 {
		token.Header[header[i]] = header[i+1]
	}
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func good(change ...func(jwt.MapClaims)) jwt.MapClaims {
	c := jwt.MapClaims{"iss": "https://id.example", "aud": "firstcome", "sub": "alice", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix()}
	for _, f := range change {
		f(c)
	}
	return c
}

func set(name string, v any) func(jwt.MapClaims) {
	return func(c jwt.MapClaims) {
		if c[name] = v; v == nil {
			delete(c, name)
		}
	}
}

func pemOf(t *testing.T, kind string, der []byte, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func withKey(key string) func(*Config) {
	return func(c *Config) {
		c.Identity = Identity{Issuer: "https://id.example", Audience: "firstcome", JWTKey: key}
	}
}

func bearerStatus(h *house, request, token string) int {
	h.t.Helper()
	return h.ask(request, "Authorization", "Bearer "+token).Code
}

const myClaim = "GET /v1/campaigns/noon/claims/me"

func TestBadTokens(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	public := pemOf(t, "PUBLIC KEY", der, err)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, withKey(public))
	rs := func(change ...func(jwt.MapClaims)) string {
		return sign(t, jwt.SigningMethodRS256, private, good(change...))
	}
	fine := rs()
	head, rest, _ := strings.Cut(fine, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	for name, token := range map[string]string{
		"none":                       sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good()),
		"no signature":               head + "." + payload + ".",
		"HS256 with the public key":  sign(t, jwt.SigningMethodHS256, []byte(public), good()),
		"HS256 with the key's bytes": sign(t, jwt.SigningMethodHS256, der, good()),
		"RS512":                      sign(t, jwt.SigningMethodRS512, private, good()),
		"PS256":                      sign(t, jwt.SigningMethodPS256, private, good()),
		"another key":                sign(t, jwt.SigningMethodRS256, other, good()),
		"a changed payload":          head + "." + payload[:len(payload)-3] + "AAA." + signature,
		"a changed signature":        head + "." + payload + "." + signature[:len(signature)-5] + "AAAAA",
		"bad base64":                 "!!!." + payload + "." + signature,
		"two parts":                  head + "." + payload,
		"four parts":                 fine + ".x",
		"not a token":                "alice",
		"crit":                       sign(t, jwt.SigningMethodRS256, private, good(), "crit", "exp"),
		"expired":                    rs(set("exp", time.Now().Add(-2*time.Minute).Unix())),
		"without exp":                rs(set("exp", nil)),
		"exp is a text":              rs(set("exp", "tomorrow")),
		"not valid yet":              rs(set("nbf", time.Now().Add(2*time.Minute).Unix())),
		"another issuer":             rs(set("iss", "https://evil.example")),
		"without issuer":             rs(set("iss", nil)),
		"another audience":           rs(set("aud", "other")),
		"the admins' audience":       rs(set("aud", "firstcome-admin")),
		"without audience":           rs(set("aud", nil)),
		"without sub":                rs(set("sub", nil)),
		"empty sub":                  rs(set("sub", "")),
		"sub is a number":            rs(set("sub", 7)),
		"sub too long":               rs(set("sub", strings.Repeat("x", 129))),
		"sub with a control mark":    rs(set("sub", "al\nice")),
		"sub with a bidi mark":       rs(set("sub", "al\u202eice")),
		"endless":                    strings.Repeat("A", tokenMost+1),
	} {
		w := h.ask(myClaim, "Authorization", "Bearer "+token)
		want(t, w, 401, "unauthenticated")
		if a := w.Header().Get("WWW-Authenticate"); !strings.HasPrefix(a, "Bearer ") {
			t.Errorf("%s: WWW-Authenticate %q", name, a)
		}
	}
	for name, header := range map[string]string{"none": "", "basic": "Basic " + fine, "no scheme": fine, "no token": "Bearer ", "two spaces": "Bearer  " + fine} {
		if w := h.ask(myClaim, "Authorization", header); w.Code != 401 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	for name, token := range map[string]string{
		"good": fine, "within the skew": rs(set("exp", time.Now().Add(-30*time.Second).Unix())),
		"soon": rs(set("nbf", time.Now().Add(30*time.Second).Unix())), "several audiences": rs(set("aud", []string{"other", "firstcome"})),
		"longest sub": rs(set("sub", strings.Repeat("x", 128))),
	} {
		if code := bearerStatus(h, myClaim, token); code != 200 {
			t.Errorf("%s: %d", name, code)
		}
	}
	if w := h.ask(myClaim, "Authorization", "bearer "+fine); w.Code != 200 {
		t.Errorf("the scheme's case matters: %d", w.Code)
	}
}

func TestLocalKeysOfEveryAlgorithm(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edPublic, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(key any) string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		return pemOf(t, "PRIVATE KEY", der, err)
	}
	ecDER, err := x509.MarshalECPrivateKey(ec)
	ecPEM := pemOf(t, "EC PRIVATE KEY", ecDER, err)
	edDER, err := x509.MarshalPKIXPublicKey(edPublic)
	edPEM := pemOf(t, "PUBLIC KEY", edDER, err)
	for name, tt := range map[string]struct {
		key     string
		foreign string // signed with the same key by somebody else
		mints   bool
	}{
		"HS256":              {secret, sign(t, jwt.SigningMethodHS256, []byte(secret), good()), true},
		"RS256 private":      {pkcs8(rsaKey), sign(t, jwt.SigningMethodRS256, rsaKey, good()), true},
		"RS256 PKCS1":        {pemOf(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey), nil), sign(t, jwt.SigningMethodRS256, rsaKey, good()), true},
		"ES256 private":      {ecPEM, sign(t, jwt.SigningMethodES256, ec, good()), true},
		"EdDSA private":      {pkcs8(ed), sign(t, jwt.SigningMethodEdDSA, ed, good()), true},
		"EdDSA public":       {edPEM, sign(t, jwt.SigningMethodEdDSA, ed, good()), false},
		"RS256 PKCS1 public": {pemOf(t, "RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey), nil), sign(t, jwt.SigningMethodRS256, rsaKey, good()), false},
	} {
		h := newHouse(t, withKey(tt.key))
		if code := bearerStatus(h, myClaim, tt.foreign); code != 200 {
			t.Errorf("%s: a good token got %d", name, code)
		}
		issuer, err := NewIssuer(Identity{Issuer: "https://id.example", Audience: "firstcome", JWTKey: tt.key})
		if !tt.mints {
			if !errors.Is(err, ErrCannotSign) {
				t.Errorf("%s: a public key signs: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		token, err := issuer.Mint("bob", "viewer", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if code := bearerStatus(h, "GET /v1/admin/nodes", token); code != 200 {
			t.Errorf("%s: our own token got %d", name, code)
		}
	}
}

func TestKeysThatCannotBeUsed(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(p384)
	for name, id := range map[string]Identity{
		"short secret":  {JWTKey: "short"},
		"small RSA":     {JWTKey: pemOf(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(small), nil)},
		"P-384":         {JWTKey: pemOf(t, "EC PRIVATE KEY", der, err)},
		"broken PEM":    {JWTKey: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"},
		"no PEM":        {JWTKey: "-----BEGIN"},
		"another block": {JWTKey: pemOf(t, "CERTIFICATE REQUEST", []byte("x"), nil)},
		"two sources":   {JWTKey: secret, JWKS: "https://id.example/keys"},
		"no address":    {JWKS: "keys.json"},
		"no web issuer": {Issuer: "me"},
	} {
		if _, err := id.keys(nil); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}

// With a key and no audience, a role tells admins' tokens from members'.
func TestRolesWithoutAudience(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Identity = Identity{JWTKey: secret} })
	hs := func(change ...func(jwt.MapClaims)) string {
		return sign(t, jwt.SigningMethodHS256, []byte(secret), good(change...))
	}
	for name, tt := range map[string]struct {
		token         string
		member, admin int
	}{
		"a member":           {hs(), 200, 401},
		"a viewer":           {hs(set("role", "viewer")), 200, 200},
		"a list of roles":    {hs(set("roles", []string{"staff", "viewer"})), 200, 200},
		"an unknown role":    {hs(set("role", "king")), 200, 403},
		"a role of a number": {hs(set("role", 1)), 200, 401},
		"any audience":       {hs(set("aud", "other"), set("role", "owner")), 200, 200},
	} {
		if code := bearerStatus(h, myClaim, tt.token); code != tt.member {
			t.Errorf("%s: members' door %d, want %d", name, code, tt.member)
		}
		if code := bearerStatus(h, "GET /v1/admin/nodes", tt.token); code != tt.admin {
			t.Errorf("%s: admins' door %d, want %d", name, code, tt.admin)
		}
	}
}

func TestExtraClaimsReachTheEngine(t *testing.T) {
	h := newHouse(t, withKey(secret))
	token := sign(t, jwt.SigningMethodHS256, []byte(secret), good(set("campus", "seoul"), set("sub", "kim")))
	want(t, h.ask("POST /v1/campaigns/noon/claims", "Authorization", "Bearer "+token), 201, "")
	m := h.calls[0].Member
	if m.Subject != "kim" || m.Claims["campus"] != "seoul" || m.Claims["exp"] != nil || len(m.Claims) != 1 {
		t.Errorf("member %+v", m)
	}
}

// A token is verified once, and no longer taken when it has expired.
func TestVerifiedTokensAreKeptUntilTheyExpire(t *testing.T) {
	now := time.Now()
	cfg := Identity{Secret: [32]byte{1}, Now: func() time.Time { return now }}
	h := newHouse(t, func(c *Config) { c.Identity = cfg })
	token, err := h.issuer.Mint("alice", "", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{Header: http.Header{"Authorization": {"Bearer " + token}}}
	id, err := newIdentity(cfg, h.server.keys, false)
	if err != nil {
		t.Fatal(err)
	}
	first, err := id.caller(r)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := id.caller(r); again != first {
		t.Error("it was verified again")
	}
	now = now.Add(2*time.Minute + time.Second)
	if _, err := id.caller(r); err == nil {
		t.Error("it was taken after it had expired")
	}
}

func TestTrialTokensSurviveARestartAndNotAnotherSecret(t *testing.T) {
	one := func(c *Config) { c.Identity.Secret = [32]byte{1} }
	token := newHouse(t, one).token("alice", "")
	if code := bearerStatus(newHouse(t, one), myClaim, token); code != 200 {
		t.Errorf("after a restart: %d", code)
	}
	if code := bearerStatus(newHouse(t), myClaim, token); code != 401 {
		t.Errorf("with another secret: %d", code)
	}
}

func TestMintRefuses(t *testing.T) {
	issuer := newHouse(t).issuer
	for _, tt := range []struct {
		sub, role string
		ttl       time.Duration
	}{{"", "", time.Hour}, {"a\x00", "", time.Hour}, {"a", "king", time.Hour}, {"a", "", 0}, {strings.Repeat("x", 129), "", time.Hour}} {
		if _, err := issuer.Mint(tt.sub, tt.role, tt.ttl); err == nil {
			t.Errorf("it minted %+v", tt)
		}
	}
	if _, err := NewIssuer(Identity{JWKS: "https://id.example/keys"}); !errors.Is(err, ErrCannotSign) {
		t.Errorf("it signs with keys of others: %v", err)
	}
}
