package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
	"github.com/maypok86/otter/v2"

	"firstcome/engine"
)

const (
	// skew is how far two clocks may differ before a token's times are wrong.
	skew = 60 * time.Second
	// subjectMost bounds a member's name, in bytes.
	subjectMost = 128
	// tokensKept bounds the cache of verified tokens; beyond it the ones used
	// least are verified again.
	tokensKept = 1 << 17
	// tokenMost bounds what is looked at as a token, in bytes.
	tokenMost = 8 << 10
)

// caller is who a verified token speaks for.
type caller struct {
	member  engine.Member
	access  access
	expires int64 // Unix s, skew included
}

// identity verifies the tokens of one door and keeps those that it has verified.
type identity struct {
	keys   keySource
	parser *jwt.Parser
	admins bool
	trial  bool   // this program is its own issuer
	cookie string // of the pages' session
	// byRole: no audience tells admins' tokens from members', so a role does.
	byRole bool
	now    func() time.Time
	known  *otter.Cache[[sha256.Size]byte, *caller]
}

func newIdentity(cfg Identity, keys keySource, admins bool) (*identity, error) {
	known, err := otter.New(&otter.Options[[sha256.Size]byte, *caller]{MaximumSize: tokensKept})
	if err != nil {
		return nil, fmt.Errorf("keep verified tokens: %w", err)
	}
	id := &identity{keys: keys, admins: admins, trial: cfg.Trial(), cookie: cookieName(admins), now: cfg.now(), known: known}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(keys.algorithms()),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(skew),
		jwt.WithTimeFunc(id.now),
		jwt.WithStrictDecoding(),
	}
	if issuer := cfg.issuer(); issuer != "" {
		options = append(options, jwt.WithIssuer(issuer))
	}
	if audience := cfg.audience(admins); audience != "" {
		options = append(options, jwt.WithAudience(audience))
	} else {
		id.byRole = admins
	}
	id.parser = jwt.NewParser(options...)
	return id, nil
}

// caller returns who asks: by Authorization, or else by the pages' cookie. 401
// when the request carries no good token, 503 when the keys to tell that are out
// of reach, 403 when another site's page sends the cookie with a change.
func (id *identity) caller(r *http.Request) (*caller, error) {
	token, err := bearer(r)
	if len(r.Header["Authorization"]) == 0 {
		if kept, refused := id.cookieToken(r); !errors.Is(refused, errNoCookie) {
			token, err = kept, refused
		}
	}
	if err != nil {
		return nil, err
	}
	return id.whose(r.Context(), token)
}

// whose returns who a token speaks for, from memory if it was seen before.
func (id *identity) whose(ctx context.Context, token string) (*caller, error) {
	key := sha256.Sum256([]byte(token))
	if who, ok := id.known.GetIfPresent(key); ok && id.now().Unix() < who.expires {
		return who, nil
	}
	who, err := id.verify(ctx, token)
	if err != nil {
		return nil, err
	}
	id.known.Set(key, who)
	return who, nil
}

// bearer takes the token out of Authorization (RFC 6750).
func bearer(r *http.Request) (string, error) {
	header := r.Header["Authorization"]
	if len(header) == 0 {
		return "", &problem{kind: unauthenticated, headers: [][2]string{{"WWW-Authenticate", `Bearer realm="firstcome"`}}}
	}
	scheme, token, _ := strings.Cut(header[0], " ")
	if len(header) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > tokenMost {
		return "", refuseToken("Authorization must be Bearer and a token")
	}
	return token, nil
}

func refuseToken(because string) error {
	return &problem{kind: unauthenticated, because: because,
		headers: [][2]string{{"WWW-Authenticate", `Bearer realm="firstcome", error="invalid_token"`}}}
}

func (id *identity) verify(ctx context.Context, token string) (*caller, error) {
	claims := jwt.MapClaims{}
	parsed, err := id.parser.ParseWithClaims(token, claims, id.keys.find(ctx))
	switch {
	case errors.Is(err, errNoKeys):
		return nil, later(unavailable, err)
	case err != nil:
		return nil, refuseToken(why(err))
	case parsed.Header["crit"] != nil:
		return nil, refuseToken("the token demands an extension that is not known here")
	}
	subject, _ := claims["sub"].(string)
	if !goodSubject(subject) {
		return nil, refuseToken("the token's sub must be 1 to 128 bytes without control characters")
	}
	exp, err := claims.GetExpirationTime()
	if err != nil || exp == nil {
		return nil, refuseToken("the token's exp cannot be read")
	}
	who := &caller{access: asMember, expires: exp.Add(skew).Unix()}
	if id.admins {
		role, named := roleOf(claims)
		if id.byRole && !named {
			return nil, refuseToken("the token is not meant for admins")
		}
		who.access = role
	}
	who.member = engine.Member{Subject: subject, Claims: extraClaims(claims)}
	return who, nil
}

// why tells the client what is wrong with its own token, and nothing of ours.
func why(err error) string {
	for _, known := range []error{jwt.ErrTokenExpired, jwt.ErrTokenNotValidYet, jwt.ErrTokenInvalidAudience,
		jwt.ErrTokenInvalidIssuer, jwt.ErrTokenMalformed, jwt.ErrTokenRequiredClaimMissing} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "the token's signature is not valid here"
}

// goodSubject keeps names that could mislead a reader of a list out.
func goodSubject(s string) bool {
	return s != "" && len(s) <= subjectMost && utf8.ValidString(s) && unclean(s, false) == ""
}

// roles of admins, by name.
var roles = map[string]access{"viewer": asViewer, "operator": asOperator, "owner": asOwner}

// roleOf reads role, a text, or roles, an array. The strongest one known counts;
// named reports whether the token speaks of roles at all.
func roleOf(claims jwt.MapClaims) (strongest access, named bool) {
	strongest = asMember
	if role, ok := claims["role"].(string); ok {
		strongest, named = max(strongest, roles[role]), true
	}
	if list, ok := claims["roles"].([]any); ok {
		named = true
		for _, r := range list {
			if role, ok := r.(string); ok {
				strongest = max(strongest, roles[role])
			}
		}
	}
	return strongest, named
}

// extraClaims are what eligibility may look at: all but the registered ones.
func extraClaims(claims jwt.MapClaims) map[string]any {
	for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"} {
		delete(claims, name)
	}
	if len(claims) == 0 {
		return nil
	}
	return claims
}
