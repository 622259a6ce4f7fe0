package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

const (
	keysFresh   = 15 * time.Minute // between two fetches when all is well
	keysRetry   = 2 * time.Second  // after a failed one, doubling up to a minute
	keysUnknown = time.Minute      // between two fetches because of an unknown key id
	fetchTime   = 5 * time.Second
	fetchMost   = 1 << 20 // bytes of a key set
)

// remoteKeys are an issuer's published keys. The last good set stays in use
// while the issuer is out of reach.
type remoteKeys struct {
	issuer, address string // address is empty until discovery has found it
	client          *http.Client
	log             *slog.Logger
	set             atomic.Pointer[keyfunc.Keyfunc]
	unknown         *rate.Limiter // of fetches because of unknown key ids: whoever invents ids cannot make us ask
	flight          singleflight.Group
}

func newRemoteKeys(cfg Identity, log *slog.Logger) (*remoteKeys, error) {
	if cfg.JWKS != "" && !isWeb(cfg.JWKS) {
		return nil, fmt.Errorf("jwks: %q is not an http or https address", cfg.JWKS)
	}
	if cfg.JWKS == "" && !isWeb(cfg.Issuer) {
		return nil, fmt.Errorf("issuer: %q must be an http or https address when there is no jwks", cfg.Issuer)
	}
	client := cfg.Client
	if client == nil {
		client = &http.Client{Timeout: fetchTime}
	}
	return &remoteKeys{issuer: cfg.Issuer, address: cfg.JWKS, client: client, log: log,
		unknown: rate.NewLimiter(rate.Every(keysUnknown), 1)}, nil
}

func isWeb(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

func (k *remoteKeys) algorithms() []string { return []string{"RS256", "ES256", "EdDSA"} }

func (k *remoteKeys) find(ctx context.Context) jwt.Keyfunc {
	return func(token *jwt.Token) (any, error) {
		set := k.set.Load()
		if set == nil {
			return nil, errNoKeys
		}
		key, err := (*set).KeyfuncCtx(ctx)(token)
		if !errors.Is(err, jwkset.ErrKeyNotFound) {
			return key, err
		}
		if k.refresh() != nil {
			return nil, err
		}
		return (*k.set.Load()).KeyfuncCtx(ctx)(token)
	}
}

var errTooSoon = errors.New("the keys were fetched a moment ago")

// refresh fetches the keys because one was unknown, for all who wait at once.
func (k *remoteKeys) refresh() error {
	_, err, _ := k.flight.Do("", func() (any, error) {
		if !k.unknown.Allow() {
			return nil, errTooSoon
		}
		return nil, k.fetch(context.Background())
	})
	return err
}

// run fetches the keys at once and then ever again.
func (k *remoteKeys) run(ctx context.Context) error {
	retry := keysRetry
	for {
		wait := keysFresh
		if err := k.fetch(ctx); err != nil {
			k.log.WarnContext(ctx, "the issuer's keys could not be fetched; the last ones stay in use", "room", "api", "retry", retry, "err", err)
			wait = retry
			retry = min(2*retry, time.Minute)
		} else {
			retry = keysRetry
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// fetch replaces the set by the issuer's newest.
func (k *remoteKeys) fetch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	address := k.address
	if address == "" {
		var err error
		if address, err = k.discover(ctx); err != nil {
			return err
		}
	}
	raw, err := k.get(ctx, address)
	if err != nil {
		return err
	}
	set, err := readKeySet(ctx, raw)
	if err != nil {
		return fmt.Errorf("read the keys of %s: %w", address, err)
	}
	k.set.Store(&set)
	return nil
}

// readKeySet takes the keys that verify signatures; kinds that are not known
// here are left out, as RFC 7517, 5 asks.
func readKeySet(ctx context.Context, raw []byte) (keyfunc.Keyfunc, error) {
	var doc jwkset.JWKSMarshal
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	store := jwkset.NewMemoryStorage()
	known := 0
	for _, m := range doc.Keys {
		key, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
		if err != nil || m.USE == jwkset.UseEnc {
			continue
		}
		if err := store.KeyWrite(ctx, key); err != nil {
			return nil, err
		}
		known++
	}
	if known == 0 {
		return nil, errors.New("there is no key in it that can be used")
	}
	return keyfunc.New(keyfunc.Options{Storage: store})
}

// discover asks the issuer where its keys are (OpenID Connect Discovery 1.0, 4).
func (k *remoteKeys) discover(ctx context.Context) (string, error) {
	raw, err := k.get(ctx, strings.TrimSuffix(k.issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return "", err
	}
	var doc struct {
		Issuer string `json:"issuer"`
		JWKS   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return "", fmt.Errorf("read the configuration of %s: %w", k.issuer, err)
	}
	if doc.Issuer != k.issuer || doc.JWKS == "" {
		return "", fmt.Errorf("the configuration of %s is that of %q, with its keys at %q", k.issuer, doc.Issuer, doc.JWKS)
	}
	return doc.JWKS, nil
}

func (k *remoteKeys) get(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", address, err)
	}
	resp, err := k.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", address, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask %s: answered %s", address, resp.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, fetchMost))
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", address, err)
	}
	return raw, nil
}
