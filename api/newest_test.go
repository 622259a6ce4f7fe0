package api

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// retitle changes a campaign behind the doors' back, as another node's admin does.
func (h *house) retitle(id, title string) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	c := h.campaigns[id]
	c.Title, c.Version, c.Ev = title, c.Version+1, c.Ev+1
	h.campaigns[id] = c
}

// TestAListIsAsNewAsADetail: what one answer has shown, the next does not take back,
// although the list is gathered only now and then.
func TestAListIsAsNewAsADetail(t *testing.T) {
	h := newHouse(t)
	for n := range 50 {
		title := fmt.Sprint("title ", n)
		h.ask("GET /v1/campaigns")
		h.retitle("noon", title)
		if w := h.ask("GET /v1/campaigns/noon"); !strings.Contains(w.Body.String(), title) {
			t.Fatalf("the detail is old: %s", w.Body)
		}
		if w := h.ask("GET /v1/campaigns"); !strings.Contains(w.Body.String(), title) {
			t.Fatalf("the list is older than the detail: %s", w.Body)
		}
	}
	c := h.campaigns["noon"]
	c.ID, c.Status = "fresh", fold.Scheduled
	h.campaigns["fresh"] = c
	h.ask("GET /v1/campaigns/fresh")
	if w := h.ask("GET /v1/campaigns?status=scheduled"); !strings.Contains(w.Body.String(), `"id":"fresh"`) {
		t.Errorf("a campaign that was read is not in the list: %s", w.Body)
	}
}

// TestPrintsNeverGoBack: whoever looked at a campaign earlier and prints it later.
func TestPrintsNeverGoBack(t *testing.T) {
	var p prints
	var newest atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for ev := int64(1); ev < 3000; ev++ {
				least := newest.Load()
				got := p.of(&engine.Campaign{ID: "c", Epoch: "e", Version: 1 + ev/100, Ev: ev})
				if got.ev < ev || got.ev < least {
					t.Errorf("printed %d after %d", got.ev, max(ev, least))
				}
				for old := newest.Load(); got.ev > old && !newest.CompareAndSwap(old, got.ev); old = newest.Load() {
				}
			}
		})
	}
	wg.Wait()
}

// TestATagFromAnotherNodeIsWaitedFor: the client has seen event 14 elsewhere.
func TestATagFromAnotherNodeIsWaitedFor(t *testing.T) {
	h := newHouse(t)
	go func() {
		time.Sleep(30 * time.Millisecond)
		h.retitle("noon", "one")
		h.retitle("noon", "two")
	}()
	if w := h.ask("GET /v1/campaigns/noon", "If-None-Match", `W/"e1-14.4"`); w.Code != 200 || !strings.Contains(w.Body.String(), "two") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	start := time.Now()
	want(t, h.ask("GET /v1/campaigns/noon", "If-None-Match", `"e1-999999.1"`), 200, "")
	if took := time.Since(start); took > catchUpMost+2*time.Second {
		t.Errorf("a tag that is made up cost %v", took)
	}
	want(t, h.ask("GET /v1/campaigns/noon", "If-None-Match", `"e0-999999.1", "x", ""`), 200, "")
}

// TestFirstReadsAreCheap: 5,000 at once of what nobody has read before; the campaigns
// come from memory, and no port but theirs is asked.
func TestFirstReadsAreCheap(t *testing.T) {
	h := newHouse(t)
	h.places = func(engine.PlaceQuery) ([]engine.PlaceRow, error) {
		t.Error("the ledger was asked")
		return nil, nil
	}
	h.server.ports.Claims, h.server.ports.Books = nil, nil
	h.server.members = h.server.door(h.server.memberRoutes(), h.server.memberGate, nil, func(route) *lane { return nil })
	var wg sync.WaitGroup
	bodies := make([]string, 5000)
	for i := range bodies {
		wg.Go(func() {
			w := httptest.NewRecorder()
			h.server.Members().ServeHTTP(w, httptest.NewRequest("GET", [2]string{"/v1/campaigns/noon", "/v1/campaigns"}[i%2], nil))
			if bodies[i] = w.Body.String(); w.Code != 200 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	wg.Wait()
	for i := range bodies {
		if bodies[i] != bodies[i%2] {
			t.Fatal("two answers of one state differ")
		}
	}
}
