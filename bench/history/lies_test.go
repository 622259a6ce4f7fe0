package history

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// scene is a short honest run in which everything happens once, a second apart.
type scene struct {
	*hall
	at map[string]int // index of each operation
}

// told asks and waits for the answer.
func (s *scene) told(what string, o Op) {
	s.now += time.Second
	o.Campaign = "a"
	t := s.ask(o)
	s.now += time.Millisecond
	for slices.Contains(s.open, t) {
		s.step(t)
		s.now += time.Millisecond
	}
	s.at[what] = len(s.e.Ops) - 1
}

// script is what the scene asks, in order.
var script = []struct {
	what string
	op   Op
}{
	{"open", Op{Kind: Open}},
	{"first", Op{Member: "m0"}},
	{"second", Op{Member: "m1", Node: 1}},
	{"full", Op{Member: "m2"}},
	{"waits", Op{Member: "m3", Waitlist: true}},
	{"waits too", Op{Member: "m4", Waitlist: true}},
	{"list full", Op{Member: "m5", Waitlist: true}},
	{"look", Op{Kind: Look, Member: "m0", Node: 2}},
	{"cancel", Op{Kind: Cancel, Member: "m0", Node: 1}},
	{"promoted", Op{Member: "m3"}},
	{"moved up", Op{Kind: Look, Member: "m4"}},
	{"full again", Op{Member: "m0", Exact: true}},
	{"more", Op{Kind: SetCap, Cap: 5}},
	{"fence", Op{Kind: Cancel, Member: "m7"}},
	{"answers", Op{Kind: Answer, Member: "m1"}},
	{"pause", Op{Kind: Pause}},
	{"paused", Op{Member: "m6"}},
	{"close", Op{Kind: Close}},
	{"closed", Op{Member: "m6"}},
}

// newScene plays the script up to a line.
func newScene(last string) *scene {
	calm := func(n int) int { return n - 1 } // nothing is lost
	s := &scene{newHall(calm, map[string]fold.Definition{"a": {Kind: "event", Cap: 2, WaitlistCap: 2}}), map[string]int{}}
	for _, l := range script {
		if s.told(l.what, l.op); l.what == last {
			break
		}
	}
	s.end()
	s.e.Away = []Window{{time.Hour, 2 * time.Hour}}
	return s
}

func (s *scene) op(what string) *Op { return &s.e.Ops[s.at[what]] }

// again adds an operation that copies another one's question.
func (s *scene) again(what string, status int, code string, change func(o *Op)) {
	o := *s.op(what)
	o.Call, o.Return = o.Return+time.Millisecond, o.Return+2*time.Millisecond
	o.Status, o.Code, o.State, o.Rank, o.Position, o.Claim, o.Log = status, code, "", 0, 0, "", engine.LogOffset{}
	if change != nil {
		change(&o)
	}
	s.e.Ops = append(s.e.Ops, o)
}

func TestTheSceneIsHonest(t *testing.T) {
	s := newScene("closed")
	if found := Judge(s.e); len(found) > 0 {
		t.Fatal(found)
	}
	for what, want := range map[string]string{"first": "201granted1", "full": "409", "waits": "201waitlisted0", "list full": "409", "cancel": "200cancelled1",
		"promoted": "200granted3", "moved up": "200waitlisted0", "full again": "409", "fence": "404", "answers": "200", "paused": "409", "closed": "410"} {
		o := s.op(what)
		got := fmt.Sprint(o.Status) + o.State
		if o.State != "" {
			got += fmt.Sprint(o.Rank)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
}

// falsehoods are one change each to the scene, by the invariant that it breaks.
var falsehoods = map[string]map[string]func(s *scene){
	ruleCap: {
		"three told of two places": func(s *scene) {
			*s = *newScene("list full")
			s.again("full", 201, "", func(o *Op) { o.State, o.Rank = "granted", 3 })
		},
	},
	ruleOnce: {
		"another rank":            func(s *scene) { s.op("first").Rank = 2 },
		"another place":           func(s *scene) { s.op("second").Claim = engine.GrantID(0, 1) },
		"the end of another":      func(s *scene) { s.op("cancel").Claim = engine.GrantID(0, 4) },
		"a rank for two members":  func(s *scene) { s.op("promoted").Rank = 1 },
		"granted, and only waits": func(s *scene) { s.op("moved up").State, s.op("moved up").Rank = "granted", 9 },
	},
	ruleDurable: {
		"a grant that is nowhere":  func(s *scene) { s.again("full", 201, "", func(o *Op) { o.State, o.Rank = "granted", 9 }) },
		"a cancel that is nowhere": func(s *scene) { s.again("cancel", 200, "", func(o *Op) { o.State = "cancelled" }) },
		"answered on ack": func(s *scene) {
			s.op("promoted").Call, s.op("promoted").Return = s.op("waits").Return+1, s.op("waits").Return+2
			s.op("promoted").Log = engine.LogOffset{}
		},
		"an offset beyond the log":  func(s *scene) { s.op("first").Log.Offset = 999 },
		"another partition":         func(s *scene) { s.op("first").Log.Partition = 3 },
		"a cap that was never set":  func(s *scene) { s.op("more").Cap = 7 },
		"answers that are nowhere":  func(s *scene) { s.again("answers", 200, "", nil) },
		"a campaign that is not":    func(s *scene) { s.e.Ops = append(s.e.Ops, Op{Kind: Open, Campaign: "z", Status: 200}) },
		"a log with a hole":         func(s *scene) { s.e.Log[0] = slices.Delete(s.e.Log[0], 5, 6) },
		"a place of no campaign":    func(s *scene) { s.op("first").Campaign = "z" },
		"a log that lost its end":   func(s *scene) { s.e.Log[0] = s.e.Log[0][:6] },
		"waits, and is not in list": func(s *scene) { s.again("full", 201, "", func(o *Op) { o.State, o.Position = "waitlisted", 1 }) },
	},
	rulePhantom: {
		"a claim that nobody sent": func(s *scene) {
			s.append(fold.Record{Kind: fold.KindClaim, Campaign: "a", User: fold.User{1}})
		},
		"a claim of who only looked": func(s *scene) {
			s.told("looks", Op{Kind: Look, Member: "m8"})
			s.append(fold.Record{Kind: fold.KindClaim, Campaign: "a", User: s.user("m8")})
		},
		"a cancel that nobody sent": func(s *scene) {
			s.append(fold.Record{Kind: fold.KindCancel, Campaign: "a", User: s.user("m1"), Claim: 4})
		},
	},
	ruleRanks: {
		"a position too high":      func(s *scene) { s.op("moved up").Position = 2 },
		"a position too low":       func(s *scene) { s.op("waits too").Position = 1 },
		"ranks of the book":        func(s *scene) { s.line(fold.GrantedNow).Rank = 7 },
		"tickets of the book":      func(s *scene) { s.line(fold.Waitlisted).Ticket = 7 },
		"promotions out of order":  func(s *scene) { s.line(fold.Promoted).Ticket = 2 },
		"promotion of the last":    func(s *scene) { s.line(fold.Promoted).Rank = 4 },
		"a ticket that is missing": func(s *scene) { s.line(fold.Waitlisted).Change = fold.FencedNow },
	},
	ruleRealTime: {
		"asked after, and comes first": func(s *scene) {
			s.op("first").Call, s.op("first").Return = s.op("second").Return+1, s.op("second").Return+2
		},
	},
	ruleEarlyFull: {
		"full with a free place": func(s *scene) {
			s.op("full").Call, s.op("full").Return, s.op("full").Log = s.op("first").Call-2, s.op("first").Call-1, engine.LogOffset{}
		},
		"full from an old state":                              func(s *scene) { s.later("full", 500*time.Millisecond, Op{Node: 1}) },
		"full from a state of 50 ms ago, and exact was asked": func(s *scene) { s.later("full", 50*time.Millisecond, Op{Node: 1, Exact: true}) },
		"full from an older state than one's own": func(s *scene) {
			s.later("full", 50*time.Millisecond, Op{Node: 1, After: engine.LogOffset{Offset: s.truth.byID["a"].managed[2].offset, Known: true}})
		},
		"paused while it is open":     func(s *scene) { s.op("full").Code = "campaign-paused" },
		"superseded without a cancel": func(s *scene) { s.op("full").Code = "superseded" },
		"not found while it is there": func(s *scene) { s.op("full").Code, s.op("full").Status = "not-found", 404 },
	},
	ruleFlip: {
		"granted, then full":    func(s *scene) { s.again("first", 409, "sold-out", nil) },
		"granted, then nothing": func(s *scene) { s.op("look").State = "none" },
		"granted by an old node": func(s *scene) {
			s.op("full again").Status, s.op("full again").State, s.op("full again").Rank = 200, "granted", 1
		},
		"waits after it moved": func(s *scene) {
			s.again("promoted", 200, "", func(o *Op) { o.State, o.Claim = "waitlisted", s.op("waits").Claim })
		},
	},
	ruleEvents: {
		"an event that is missing": func(s *scene) { s.e.Frames = slices.Delete(s.e.Frames, 4, 5) },
		"an event twice":           func(s *scene) { s.e.Frames = append(s.e.Frames, s.e.Frames[len(s.e.Frames)-1]) },
		"another for somebody":     func(s *scene) { s.e.Frames[4].Said = "else" },
		"an event too many": func(s *scene) {
			f := s.e.Frames[len(s.e.Frames)-1]
			f.From, f.To = f.To+1, f.To+1
			s.e.Frames = append(s.e.Frames, f)
		},
	},
	ruleReplicas: {
		"a node with another digest": func(s *scene) { s.e.Folds[1].Digest++ },
		"a node beyond the log":      func(s *scene) { s.e.Folds[1].Next++ },
		"a beacon of another fold": func(s *scene) {
			for len(s.said) < fold.BeaconEvery {
				s.append(fold.Record{Kind: fold.KindNoop})
			}
			s.append(fold.Record{Kind: fold.KindBeacon, Mark: fold.BeaconEvery, Digest: 1})
		},
	},
	ruleLedger: {
		"a place that is missing": func(s *scene) { c := s.snapshot(); c.Members = c.Members[1:] },
		"another rank":            func(s *scene) { s.snapshot().Members[0].Place.Rank++ },
		"another count":           func(s *scene) { s.snapshot().Campaign.Granted++ },
		"another definition":      func(s *scene) { s.snapshot().Campaign.Definition.Cap++ },
		"a ledger that is behind": func(s *scene) { s.e.Ledger[0].Next-- },
		"a ledger that is ahead":  func(s *scene) { s.e.Ledger[0].Next++ },
		"a line that is missing":  func(s *scene) { s.e.Book = s.e.Book[:len(s.e.Book)-1] },
		"a line twice":            func(s *scene) { s.e.Book = slices.Insert(s.e.Book, 3, s.e.Book[2]) },
		"a line of another":       func(s *scene) { s.line(fold.GrantedNow).User[0]++ },
		"points that are wrong":   func(s *scene) { s.line(fold.EndedNow).Points++ },
	},
	ruleLiveness: {
		"left in doubt": func(s *scene) {
			*s.op("closed") = Op{Campaign: "a", Member: "m6", Call: s.op("closed").Call, Status: 202}
		},
		"never answered":          func(s *scene) { s.e.Ops = append(s.e.Ops, Op{Campaign: "a", Member: "m6", Call: time.Hour}) },
		"a node that stayed back": func(s *scene) { s.e.Folds[0].Next-- },
	},
	ruleErrors: {
		"a server error":             func(s *scene) { s.op("full").Status, s.op("full").Code = 500, "internal" },
		"503 while the log is there": func(s *scene) { s.op("full").Status, s.op("full").RetryAfter = 503, true },
		"202 while the log is there": func(s *scene) { s.again("full", 202, "", nil) },
		"503 without Retry-After": func(s *scene) {
			s.again("full", 503, "unavailable", nil)
			s.e.Away = []Window{{0, time.Hour}}
		},
		"not signed in": func(s *scene) { s.op("full").Status, s.op("full").Code = 401, "unauthenticated" },
		"a teapot":      func(s *scene) { s.op("full").Status, s.op("full").Code = 418, "teapot" },
	},
	ruleGate: {
		"a count too high":        func(s *scene) { s.e.Gate["a"] = GateCount{Count: 5, Known: true} },
		"a lease that is left":    func(s *scene) { s.e.Gate["a"] = GateCount{Count: 4, Leased: 1, Known: true} },
		"a campaign that is lost": func(s *scene) { s.e.Gate["a"] = GateCount{} },
		"a campaign of nobody":    func(s *scene) { s.e.Gate["z"] = GateCount{} },
	},
	ruleGhost: {
		"told no, and holds a place":   func(s *scene) { s.ghost("m2") },
		"cancelled, and holds a place": func(s *scene) { s.ghost("m7") },
	},
	ruleEvidence: {
		"a member without a pseudonym": func(s *scene) { delete(s.e.Users, "m1") },
	},
}

// later asks in the place of another operation, so long after the cap was raised.
func (s *scene) later(what string, after time.Duration, o Op) {
	more := s.op("more")
	was := *s.op(what)
	was.Member, was.Node, was.Exact, was.After, was.Log = "m9", o.Node, o.Exact, o.After, engine.LogOffset{}
	was.Call, was.Return = more.Return+after, more.Return+after+1
	s.user("m9")
	s.e.Ops = append(s.e.Ops, was)
}

// ghost lets the claim of a member who gave up early land late, as one whose
// writer has seen everything.
func (s *scene) ghost(member string) {
	*s = *newScene("fence")
	s.e.Ops = append(s.e.Ops, Op{Campaign: "a", Member: member, Call: time.Second, Return: 2 * time.Second})
	s.append(fold.Record{Kind: fold.KindClaim, Campaign: "a", User: s.user(member), Seen: int64(len(s.said))})
}

func (s *scene) line(what fold.Change) *Entry {
	return &s.e.Book[slices.IndexFunc(s.e.Book, func(l Entry) bool { return l.Change == what })]
}

func (s *scene) snapshot() *fold.CampaignSnapshot { return &s.e.Ledger[0].Campaigns[0] }

func TestEveryFalsehoodIsNamed(t *testing.T) {
	for _, rule := range []string{ruleCap, ruleOnce, ruleDurable, rulePhantom, ruleRanks, ruleRealTime, ruleEarlyFull, ruleFlip, ruleEvents, ruleReplicas,
		ruleLedger, ruleLiveness, ruleErrors, ruleGate, ruleGhost, ruleEvidence} {
		if len(falsehoods[rule]) == 0 {
			t.Errorf("nothing breaks %s", rule)
		}
		for what, tell := range falsehoods[rule] {
			t.Run(rule+"/"+what, func(t *testing.T) {
				s := newScene("closed")
				tell(s)
				if found := Judge(s.e); !slices.ContainsFunc(found, func(v Violation) bool { return v.Rule == rule }) {
					t.Errorf("found %v", found)
				}
			})
		}
	}
}
