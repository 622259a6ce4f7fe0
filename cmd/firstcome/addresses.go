package main

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"firstcome/api"
	"firstcome/engine/redisgate"
)

// The checks of addresses, connection strings and keys. No error repeats a
// password.

// checkRedis accepts the three forms of a gate's address.
func checkRedis(s string) error {
	if s == "" {
		return nil
	}
	_, err := redisgate.ParseURL(s)
	if err == nil {
		return nil
	}
	// Its own example is not repeated: the report adds one.
	reason, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "redis URL: "), "; right would be")
	return fmt.Errorf("cannot be used: %s", reason)
}

// checkPostgres accepts what pgx accepts and names a host and a database.
func checkPostgres(s string) error {
	if s == "" {
		return nil
	}
	if scheme, _, ok := strings.Cut(s, "://"); ok && scheme != "postgres" && scheme != "postgresql" {
		return fmt.Errorf("has the scheme %q, which is not postgres", scheme)
	}
	cfg, err := pgconn.ParseConfig(s)
	if err != nil {
		if strings.Contains(s, "://") || strings.Contains(s, "=") {
			return fmt.Errorf("cannot be read as a DSN%s", parseReason(err))
		}
		return errors.New("is neither an address postgres://... nor key=value pairs")
	}
	if cfg.Database == "" {
		return errors.New("names no database")
	}
	return nil
}

// parseReason is the innermost cause: the outer errors repeat the DSN.
func parseReason(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			break
		}
		err = inner
	}
	var parse *url.Error
	if errors.As(err, &parse) || strings.Contains(err.Error(), "://") || strings.Contains(err.Error(), "password") {
		return ""
	}
	return " (" + err.Error() + ")"
}

// checkIssuer accepts any text that a token's iss can be; validate looks
// whether discovery needs it to be an address.
func checkIssuer(s string) error {
	if strings.TrimSpace(s) != s || strings.ContainsAny(s, " \t\n") {
		return errors.New("has white space in it")
	}
	return nil
}

func checkAudience(s string) error {
	if strings.ContainsAny(s, " \t\n,") {
		return errors.New("has white space or a comma in it; there is one audience")
	}
	return nil
}

// checkSecureURL accepts https, and http on this machine only: keys that come
// over a line that others can change are nobody's keys.
func checkSecureURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return errors.New("is not an address")
	}
	if err := checkHost(u.Hostname(), false); err != nil {
		return err
	}
	if u.Port() != "" {
		if err := checkPort(u.Port(), 1); err != nil {
			return err
		}
	}
	addr, err := netip.ParseAddr(u.Hostname())
	loopback := u.Hostname() == "localhost" || err == nil && addr.IsLoopback()
	if u.Scheme == "https" || u.Scheme == "http" && loopback {
		return nil
	}
	return fmt.Errorf("has the scheme %q: keys are only fetched by https, or by http from this machine", u.Scheme)
}

func checkJWKS(s string) error {
	if s == "" {
		return nil
	}
	return checkSecureURL(s)
}

func checkFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("names the file %s, which does not exist", path)
	case err != nil:
		return fmt.Errorf("names a file that cannot be looked at: %w", err)
	case info.IsDir():
		return fmt.Errorf("names %s, which is a directory", path)
	}
	return nil
}

// checkJWTKey accepts a key in PEM or a shared secret, as the doors do.
func checkJWTKey(s string) error {
	if s == "" {
		return nil
	}
	if strings.HasPrefix(s, "/") {
		if _, err := os.Stat(s); err == nil {
			return errors.New("is the path of a file; file:" + s + " would read it")
		}
	}
	_, err := api.NewIssuer(api.Identity{JWTKey: s})
	if err == nil || errors.Is(err, api.ErrCannotSign) {
		return nil
	}
	return fmt.Errorf("cannot be used: %s", strings.TrimPrefix(err.Error(), "jwt-key: "))
}

func checkOTLP(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return errors.New("is not an address with http:// or https://")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("has the scheme %q, which is not http or https", u.Scheme)
	}
	return checkHost(u.Hostname(), false)
}

var (
	urlPassword = regexp.MustCompile(`(://[^/?#:@]*):.*@`)
	dsnPassword = regexp.MustCompile(`(?i)((?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)`)
)

// maskURL hides the passwords of an address or a DSN.
func maskURL(s string) string {
	s = urlPassword.ReplaceAllString(s, "$1:"+mask+"@")
	return dsnPassword.ReplaceAllString(s, "$1"+mask)
}

// maskAll hides everything.
func maskAll(s string) string {
	if s == "" {
		return ""
	}
	return mask
}
