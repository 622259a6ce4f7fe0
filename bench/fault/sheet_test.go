package fault

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firstcome/bench/history"
)

// played is a run as it could have been.
func played(scenario string, rival bool, answers int) *Outcome {
	return &Outcome{
		Scenario: scenario, What: "something breaks", Workload: "W1", Seed: 7, Rival: rival, Struck: time.Second, Marks: []Mark{{time.Second, "it breaks"}},
		Measured: Measures{Answers: answers, Slowest: 120 * time.Millisecond, Gap: 2 * time.Second, Appends: 1.5, Granted: 10,
			Timeline: []Slot{{Claims: 3, P50: time.Millisecond, Max: time.Second}, {Claims: 2, P50: time.Millisecond, Max: time.Millisecond, Failed: 1}}},
	}
}

func TestASheetAddsUpAndNamesWhatBroke(t *testing.T) {
	s := &Sheet{Command: "go run ./cmd/bench faults", Commit: "abc"}
	broken := played("R1", false, 30)
	broken.Folder, broken.Violations = "/kept", []history.Violation{{Rule: "I1 cap", Campaign: "rush-1", Detail: "11 for 10"}}
	other := played("R1", true, 5)
	other.Measured.Over = 4
	for _, o := range []*Outcome{played("R1", false, 12), broken, played("P2", false, 8), other} {
		s.Add(o)
	}
	tables := s.Tables()
	for _, want := range []string{"| R1 | something breaks | W1 | 2 | 42 | 1 | 0 |", "| **3** | **50** | **1** | **0** |", "| R1 | 4 | 0 | 0 | 0 | 120 ms | 2.00 s | 1 | 0 | 120 ms | 2.00 s |"} {
		if !strings.Contains(tables, want) {
			t.Errorf("%q is missing in\n%s", want, tables)
		}
	}
	if b := s.Broken(); len(b) != 1 || !strings.Contains(b[0], "R1") || !strings.Contains(b[0], "seed 7") || !strings.Contains(b[0], "I1 cap") || !strings.Contains(b[0], "/kept") {
		t.Errorf("broken: %q", b)
	}
	dir := t.TempDir()
	path, err := s.Save(dir)
	if err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Glob(filepath.Join(dir, "faults-*"))
	if err != nil || len(all) != 3 {
		t.Fatalf("%v, %v", all, err)
	}
	for _, name := range all {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".json") && (strings.Contains(string(text), "/kept") || strings.Contains(string(text), "timeline")) {
			t.Errorf("the data has what belongs to this machine or to the picture:\n%s", text)
		}
	}
	if page, _ := os.ReadFile(path); !strings.Contains(string(page), "abc") || !strings.Contains(string(page), "R1") {
		t.Errorf("the page:\n%s", page)
	}
}

func TestAnswersAloneGiveAnEngineAway(t *testing.T) {
	granted := func(member string, rank int64) history.Op {
		return history.Op{Campaign: "c", Member: member, Status: 201, State: "granted", Rank: rank}
	}
	script := &Script{Campaigns: []Campaign{{ID: "c", Cap: 2}}}
	for name, tt := range map[string]struct {
		ops         []history.Op
		over, twice int
	}{
		"clean":                   {[]history.Op{granted("a", 1), granted("b", 2), granted("a", 1)}, 0, 0},
		"three for two":           {[]history.Op{granted("a", 1), granted("b", 2), granted("d", 3)}, 1, 0},
		"a rank twice":            {[]history.Op{granted("a", 1), granted("b", 1)}, 0, 1},
		"two ranks for one":       {[]history.Op{granted("a", 1), granted("a", 2)}, 0, 1},
		"who has left counts not": {[]history.Op{granted("a", 1), granted("b", 2), {Kind: history.Cancel, Campaign: "c", Member: "a"}, granted("d", 3)}, 0, 0},
	} {
		o := &Outcome{Ops: tt.ops}
		o.contradictions(script)
		if o.Measured.Over != tt.over || o.Measured.Twice != tt.twice || (tt.over+tt.twice > 0) != (len(o.Violations) > 0) {
			t.Errorf("%s: %d over, %d twice, %v", name, o.Measured.Over, o.Measured.Twice, o.Violations)
		}
	}
}
