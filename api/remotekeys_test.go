package api

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// idp is an identity provider that counts how often it is asked for its keys.
type idp struct {
	*httptest.Server
	set     atomic.Pointer[[]byte]
	fetches atomic.Int64
	down    atomic.Bool
}

func newIDP(t *testing.T) *idp {
	p := &idp{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.down.Load() {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			json.NewEncoder(w).Encode(map[string]string{"issuer": p.URL, "jwks_uri": p.URL + "/keys"})
		case "/keys":
			p.fetches.Add(1)
			w.Write(*p.set.Load())
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// publish makes a new key pair and publishes it, beside a key of a kind that
// nobody here knows.
func (p *idp) publish(t *testing.T, kid string) ed25519.PrivateKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwkset.NewJWKFromKey(private.Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: kid, ALG: jwkset.AlgEdDSA}})
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(map[string]any{"keys": []any{key.Marshal(), map[string]string{"kty": "XYZ", "kid": "odd"}}})
	if err != nil {
		t.Fatal(err)
	}
	p.set.Store(&set)
	return private
}

// houseOf is a server that trusts an identity provider, with Run running.
func houseOf(t *testing.T, p *idp, cfg Identity) *house {
	t.Helper()
	cfg.Client = p.Client()
	h := newHouse(t, func(c *Config) { c.Identity = cfg })
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- h.server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return h
}

// untilKeys waits for the first fetch.
func untilKeys(t *testing.T, h *house) {
	t.Helper()
	for ctx := t.Context(); h.server.keys.(*remoteKeys).set.Load() == nil; {
		select {
		case <-ctx.Done():
			t.Fatal("the keys were never fetched")
		case <-time.After(time.Millisecond):
		}
	}
}

func (h *house) signed(t *testing.T, key ed25519.PrivateKey, kid, issuer string) int {
	t.Helper()
	claims := good(set("iss", issuer))
	return bearerStatus(h, myClaim, sign(t, jwt.SigningMethodEdDSA, key, claims, "kid", kid))
}

func TestKeysByDiscovery(t *testing.T) {
	p := newIDP(t)
	key := p.publish(t, "one")
	h := houseOf(t, p, Identity{Issuer: p.URL, Audience: "firstcome"})
	untilKeys(t, h)
	if code := h.signed(t, key, "one", p.URL); code != 200 {
		t.Errorf("a good token got %d", code)
	}
	if code := h.signed(t, key, "one", "https://evil.example"); code != 401 {
		t.Errorf("another issuer's token got %d", code)
	}
	hs := sign(t, jwt.SigningMethodHS256, []byte(key.Public().(ed25519.PublicKey)), good(set("iss", p.URL)), "kid", "one")
	if code := bearerStatus(h, myClaim, hs); code != 401 {
		t.Errorf("a token signed with the public key got %d", code)
	}
}

// A new key is found at once; invented key ids do not make us ask more than
// once a minute; and the last good keys stay when the provider is away.
func TestUnknownKeyIDs(t *testing.T) {
	p := newIDP(t)
	first := p.publish(t, "one")
	h := houseOf(t, p, Identity{JWKS: p.URL + "/keys", Issuer: p.URL})
	untilKeys(t, h)
	second := p.publish(t, "two")
	if code := h.signed(t, second, "two", p.URL); code != 200 {
		t.Errorf("the new key's token got %d", code)
	}
	if code := h.signed(t, first, "one", p.URL); code != 401 {
		t.Errorf("the withdrawn key's token got %d", code)
	}
	for i := range 200 {
		if code := h.signed(t, second, "invented-"+itoa(int64(i)), p.URL); code != 401 {
			t.Errorf("an invented key's token got %d", code)
		}
	}
	if n := p.fetches.Load(); n != 2 {
		t.Errorf("the provider was asked %d times", n)
	}
	p.down.Store(true)
	h.server.keys.(*remoteKeys).unknown.SetBurst(100)
	if code := h.signed(t, first, "three", p.URL); code != 401 {
		t.Errorf("an unknown key's token got %d", code)
	}
	if code := bearerStatus(h, myClaim, sign(t, jwt.SigningMethodEdDSA, second, good(set("iss", p.URL), set("sub", "new")), "kid", "two")); code != 200 {
		t.Errorf("a good token got %d while the provider is away", code)
	}
}

// Nobody is told that their token is bad when nobody knows the keys.
func TestNoKeysYet(t *testing.T) {
	p := newIDP(t)
	key := p.publish(t, "one")
	p.down.Store(true)
	h := houseOf(t, p, Identity{Issuer: p.URL})
	w := h.ask(myClaim, "Authorization", "Bearer "+sign(t, jwt.SigningMethodEdDSA, key, good(set("iss", p.URL)), "kid", "one"))
	want(t, w, 503, "unavailable")
}

func TestConfigurationsOfProvidersThatAreRefused(t *testing.T) {
	for name, body := range map[string]string{"another issuer": `{"issuer":"https://evil.example","jwks_uri":"x"}`, "no keys": `{}`, "no JSON": `<html>`} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(body)) }))
		keys, err := newRemoteKeys(Identity{Issuer: server.URL, Client: server.Client()}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if err := keys.fetch(t.Context()); err == nil {
			t.Errorf("%s: it was taken", name)
		}
		server.Close()
	}
	if _, err := readKeySet(t.Context(), []byte(`{"keys":[]}`)); err == nil {
		t.Error("an empty set replaced the last good one")
	}
}
