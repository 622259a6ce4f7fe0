package api

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"firstcome/engine"
)

// discard is a writer of answers that nobody reads.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkClaim is what the door costs beside the engine: a fake one that
// answers at once, next to an empty handler.
func BenchmarkClaim(b *testing.B) {
	w := newWorld()
	answer := engine.Decision{Outcome: engine.Granted, Claim: granted(), Offset: granted().Offset}
	ports := Ports{Claims: fixed{w, &answer}, Campaigns: w, Verbs: w, Register: w, Node: w}
	s, err := New(Config{Logger: slog.New(slog.DiscardHandler)}, ports)
	if err != nil {
		b.Fatal(err)
	}
	issuer, err := NewIssuer(Identity{})
	if err != nil {
		b.Fatal(err)
	}
	token, err := issuer.Mint("alice", "", time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/campaigns/{id}/claims", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	for _, bench := range []struct {
		name    string
		handler http.Handler
		outcome engine.Outcome
		method  string
		path    string
	}{
		{"empty", mux, 0, "POST", "/v1/campaigns/noon/claims"},
		{"granted", s.Members(), engine.Granted, "POST", "/v1/campaigns/noon/claims"},
		{"repeated", s.Members(), engine.Repeated, "POST", "/v1/campaigns/noon/claims"},
		{"sold-out", s.Members(), engine.SoldOut, "POST", "/v1/campaigns/noon/claims"},
		{"detail", s.Members(), 0, "GET", "/v1/campaigns/noon"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			answer.Outcome, answer.List = bench.outcome, engine.NoList
			r, err := http.NewRequest(bench.method, bench.path, nil)
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set("Accept", "*/*")
			out := &discard{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(out.header)
				bench.handler.ServeHTTP(out, r)
			}
		})
	}
}

// fixed answers every claim at once and keeps nothing.
type fixed struct {
	*world
	answer *engine.Decision
}

func (f fixed) Claim(_ context.Context, _ engine.ClaimCall) (engine.Decision, error) {
	return *f.answer, nil
}
