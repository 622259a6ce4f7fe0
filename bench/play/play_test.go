package play

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"firstcome/bench/report"
	"firstcome/bench/stack"
)

func stage(t *testing.T, shape string) *Stage {
	t.Helper()
	path, err := stack.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o := stack.DeploymentOptions{Program: path}
	start := stack.StartEmbedded
	if shape == "cluster" {
		stack.NeedRedis(t)
		stack.NeedKafka(t)
		stack.NeedPostgres(t)
		start = stack.StartCluster
	}
	d, err := start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	tell := func(what string, _, _ int) {
		if strings.Contains(what, "waits for") {
			t.Log(what)
		}
	}
	return &Stage{Deployment: d, Shape: shape, Progress: tell, Baseline: func(context.Context) (string, func(), error) {
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		return s.Listener.Addr().String(), s.Close, nil
	}}
}

// plays are the published ones at a size that a test can bear.
var plays = map[string]func(context.Context, *Stage) (*report.Report, error){
	"noon": func(ctx context.Context, s *Stage) (*report.Report, error) {
		return Noon(ctx, s, NoonOptions{Members: 30, Rounds: 4, Cap: 20, Openings: 2, Before: 100 * time.Millisecond, Warmup: 1})
	},
	"stampede": func(ctx context.Context, s *Stage) (*report.Report, error) {
		return Stampede(ctx, s, StampedeOptions{Members: 300, Cap: 50, Sends: 1.3, Drops: 0.1, Connections: 16, Repeats: 1})
	},
	"like": func(ctx context.Context, s *Stage) (*report.Report, error) {
		return Like(ctx, s, LikeOptions{Rate: 200, For: time.Second, Warmup: 100 * time.Millisecond, Connections: 8})
	},
	"streams": func(ctx context.Context, s *Stage) (*report.Report, error) {
		return Streams(ctx, s, StreamsOptions{Idle: 100, Readers: 50, Rate: 20, For: time.Second, Missed: 20, Deaf: 5, Hearing: 20, DeafFor: time.Second})
	},
	"watched": func(ctx context.Context, s *Stage) (*report.Report, error) {
		return Watched(ctx, s, WatchedOptions{Campaigns: 2, Watchers: 40, Members: 60, Cap: 20, Rate: 60, Drops: 300 * time.Millisecond, Kill: true})
	},
}

func TestEveryPlayEndsWithACleanAudit(t *testing.T) {
	for _, shape := range []string{"embedded", "cluster"} {
		t.Run(shape, func(t *testing.T) {
			s := stage(t, shape)
			for name, play := range plays {
				t.Run(name, func(t *testing.T) {
					r, err := play(t.Context(), s)
					if err != nil {
						t.Fatal(err)
					}
					if !r.Audit.Clean() {
						t.Errorf("the audit found %v", r.Audit.Violations)
					}
					if r.Audit.Answers == 0 || r.Audit.Places == 0 || len(r.Series) == 0 || len(r.Targets)+len(r.Figures) == 0 {
						t.Errorf("a report without substance:\n%s", r.Markdown(""))
					}
					if !strings.Contains(r.SVG(), "<rect") {
						t.Error("an empty picture")
					}
				})
			}
		})
	}
}

func TestTurnsGiveEachMemberAFirstTapAndSomeASecond(t *testing.T) {
	st := &stampede{StampedeOptions: StampedeOptions{Members: 1000, Sends: 1.3, Drops: 0.02}}
	turns := st.turns()
	if len(turns) != 1300 {
		t.Errorf("%d claims, want 1300", len(turns))
	}
	taps, drops := map[int]int{}, 0
	for _, turn := range turns {
		taps[turn.member]++
		if turn.drop {
			drops++
		}
	}
	twice := 0
	for member := range 1000 {
		switch taps[member] {
		case 1:
		case 2:
			twice++
		default:
			t.Errorf("member %d taps %d times", member, taps[member])
		}
	}
	if twice != 300 || drops == 0 || drops > 60 {
		t.Errorf("%d tap twice, %d connections drop", twice, drops)
	}
}

func TestBooksAreClosedOnlyWhenAllThreeAgree(t *testing.T) {
	good := func() *books {
		b := &books{Log: totals{Granted: 5, Seq: 5}, Ledger: &totals{Granted: 5, Seq: 5}, Equal: true}
		b.Gate.Reachable, b.Gate.Count = true, 5
		return b
	}
	if err := good().settled(true); err != nil {
		t.Error(err)
	}
	for what, spoil := range map[string]func(*books){
		"they differ":              func(b *books) { b.Equal, b.Differences = false, []string{"x"} },
		"the ledger knows nothing": func(b *books) { b.Ledger = nil },
		"the ledger lags":          func(b *books) { b.Ledger.Granted = 4 },
		"a lease is out":           func(b *books) { b.Gate.Leased = 1 },
		"the gate counts others":   func(b *books) { b.Gate.Count = 6 },
	} {
		b := good()
		spoil(b)
		if b.settled(true) == nil {
			t.Errorf("closed although %s", what)
		}
	}
}

func TestAnAnswerThatIsNoJSONIsNamed(t *testing.T) {
	var m told
	understand(&m.op, []byte("<html>"))
	if m.op.Code != "no-json" {
		t.Errorf("%+v", m.op)
	}
	understand(&m.op, []byte(`{"state":"granted","rank":7,"campaign":"c"}`))
	if m.op.State != "granted" || m.op.Rank != 7 {
		t.Errorf("%+v", m.op)
	}
}
