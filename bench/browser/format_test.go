package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// talks are what a server says on a client's connections, one after another;
// after them it says 204.
var talks = []string{
	"retry: 60\n\n: heartbeat\n\nid: a-1\nevent: count\ndata: {\"n\":1}\n\nid: a-2\ndata: two\ndata:\ndata: lines\n\n",
	"id: a-3\nevent: status\ndata: \uac00\u2028\U0001f680\n\n",
}

// visits are the positions from which each client came, and when.
type visits struct {
	mu   sync.Mutex // held for an append
	from map[string][]string
	at   map[string][]time.Time
}

func (v *visits) note(who, from string) (before int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.from[who] = append(v.from[who], from)
	v.at[who] = append(v.at[who], time.Now())
	return len(v.from[who]) - 1
}

// Four clients understand what a stream may be made of: data of several lines,
// a time to wait, a position to come back with, and the word that ends it.
func TestFourClientsUnderstandTheFormat(t *testing.T) {
	t.Parallel()
	v := &visits{from: map[string][]string{}, at: map[string][]time.Time{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := r.URL.Query().Get("who")
		if who == "" {
			_, _ = w.Write([]byte("a page"))
			return
		}
		before := v.note(who, r.Header.Get("Last-Event-ID"))
		if before >= len(talks) {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte(talks[before]))
	}))
	t.Cleanup(s.Close)
	b := on(laptop).sits(t)
	b.open(s.URL)
	want := []heard{
		{ID: "a-1", Event: "count", Data: `{"n":1}`}, {ID: "a-2", Event: "message", Data: "two\n\nlines"},
		{ID: "a-3", Event: "status", Data: "\uac00\u2028\U0001f680"},
	}
	for _, kind := range kinds {
		l := kind.start(t, b, s.URL+"/?who="+kind.name, "", "")
		eventually(t, patience, func() string {
			if all := l.all(); len(all) == 0 || all[len(all)-1].Event != "(closed)" {
				return fmt.Sprintf("%s is not ended by 204: %v", kind.name, all)
			}
			return ""
		})
		if got := events(l); !slices.Equal(got, want) {
			t.Errorf("%s heard %+v, want %+v", kind.name, got, want)
		}
		v.mu.Lock()
		from, at := v.from[kind.name], v.at[kind.name]
		v.mu.Unlock()
		if !slices.Equal(from, []string{"", "a-2", "a-3"}) {
			t.Errorf("%s came from %q", kind.name, from)
		}
		if waited := at[1].Sub(at[0]); waited < 55*time.Millisecond || waited > 2*time.Second {
			t.Errorf("%s waited %v, was asked for 60ms", kind.name, waited)
		}
	}
}

// events is what a client heard without what happened to its connection.
func events(l *listener) []heard {
	return slices.DeleteFunc(l.all(), func(h heard) bool { return h.Event[0] == '(' })
}
