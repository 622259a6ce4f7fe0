package history

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// honest plays a campaign as it should be: members ask twice, one after the
// other, the first cap of them are granted in the order in which they ask.
func honest(members, limit int) (Campaign, []Op) {
	c := Campaign{ID: "c", Cap: int64(limit)}
	var ops []Op
	now := time.Duration(0)
	for round := range 2 {
		for i := range members {
			o := Op{Campaign: "c", Member: name(i), Call: now, Return: now + 5*time.Millisecond}
			now += time.Millisecond // calls overlap
			switch {
			case i >= limit:
				o.Status, o.Code = 409, "sold-out"
				if round == 0 {
					o.Call, o.Return = o.Call+5*time.Millisecond, o.Return+5*time.Millisecond
				}
			case round == 0:
				o.Status, o.State, o.Rank = 201, "granted", int64(i+1)
				c.Places = append(c.Places, Place{o.Member, "granted", o.Rank})
			default:
				o.Status, o.State, o.Rank, o.Replayed = 200, "granted", int64(i+1), true
			}
			ops = append(ops, o)
		}
	}
	return c, ops
}

func name(i int) string { return fmt.Sprintf("m%d", i) }

func TestAnHonestRunIsClean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, ops := honest(rapid.IntRange(0, 60).Draw(t, "members"), rapid.IntRange(0, 40).Draw(t, "cap"))
		if found := Check([]Campaign{c}, ops); len(found) > 0 {
			t.Fatal(found)
		}
	})
}

func TestAnUncappedRunIsClean(t *testing.T) {
	c, ops := honest(20, 20)
	c.Cap = -1
	if found := Check([]Campaign{c}, ops); len(found) > 0 {
		t.Fatal(found)
	}
}

// Each lie is one change to an honest run of 20 members and a cap of 10. A
// checker that finds nothing means nothing unless it finds these.
var lies = map[string]struct {
	rule string
	tell func(c *Campaign, ops []Op) []Op
}{
	"one too many": {"over-cap", func(c *Campaign, ops []Op) []Op {
		c.Places = append(c.Places, Place{"m11", "granted", 11})
		return ops
	}},
	"a rank twice": {"rank", func(c *Campaign, ops []Op) []Op { c.Places[4].Rank = 4; return ops }},
	"a hole in the ranks": {"rank", func(c *Campaign, ops []Op) []Op {
		for i := 5; i < 10; i++ {
			c.Places[i].Rank++
		}
		return ops
	}},
	"a member with two places": {"member-twice", func(c *Campaign, ops []Op) []Op { c.Places[9].Member = "m3"; return ops }},
	"a place of nobody who asked": {"member-twice", func(c *Campaign, ops []Op) []Op {
		c.Places[9].Member = "stranger"
		return ops
	}},
	"a grant that is lost": {"lost", func(c *Campaign, ops []Op) []Op { c.Places = c.Places[:9]; return ops }},
	"a waiting place that is lost": {"lost", func(c *Campaign, ops []Op) []Op {
		ops[15].Status, ops[15].State, ops[15].Code = 201, "waitlisted", ""
		return ops
	}},
	"a rank that moved":        {"moved", func(c *Campaign, ops []Op) []Op { ops[23].Rank = 7; return ops }},
	"two ranks for one member": {"moved", func(c *Campaign, ops []Op) []Op { ops[3].Rank, ops[23].Rank = 4, 5; return ops }},
	"sold out told to a winner": {"false-full", func(c *Campaign, ops []Op) []Op {
		ops[3].Status, ops[3].State, ops[3].Code, ops[3].Rank = 409, "", "sold-out", 0
		return ops
	}},
	"sold out while seats are left": {"false-full", func(c *Campaign, ops []Op) []Op { c.Cap = 12; return ops }},
	"sold out before a later member got one": {"false-full", func(c *Campaign, ops []Op) []Op {
		ops[12].Call, ops[12].Return = 0, time.Millisecond/2
		return ops
	}},
	"a rank out of order": {"unfair", func(c *Campaign, ops []Op) []Op {
		swap := map[int64]int64{1: 10, 10: 1}
		for i := range ops {
			if r, ok := swap[ops[i].Rank]; ok {
				ops[i].Rank = r
			}
		}
		c.Places[0].Rank, c.Places[9].Rank = 10, 1
		return ops
	}},
	"a member left in doubt": {"undecided", func(c *Campaign, ops []Op) []Op {
		ops[31].Status, ops[31].State, ops[31].Code = 202, "deciding", ""
		return ops
	}},
	"a server error": {"error", func(c *Campaign, ops []Op) []Op { ops[31].Status, ops[31].Code = 500, "internal"; return ops }},
	"a broken token": {"error", func(c *Campaign, ops []Op) []Op { ops[31].Status, ops[31].Code = 401, "unauthenticated"; return ops }},
	"a claim of another campaign": {"error", func(c *Campaign, ops []Op) []Op {
		return append(ops, Op{Campaign: "elsewhere", Member: "m1", Status: 201, State: "granted", Rank: 1})
	}},
}

func TestEveryLieIsCaught(t *testing.T) {
	for what, lie := range lies {
		t.Run(what, func(t *testing.T) {
			c, ops := honest(20, 10)
			ops = lie.tell(&c, ops)
			found := Check([]Campaign{c}, ops)
			if !slices.ContainsFunc(found, func(v Violation) bool { return v.Rule == lie.rule }) {
				t.Errorf("no violation of %q in %v", lie.rule, found)
			}
		})
	}
}

func TestAMemberWhoHungUpIsNoViolation(t *testing.T) {
	c, ops := honest(20, 10)
	ops[2].Status, ops[2].State, ops[2].Rank = 0, "", 0 // and holds rank 3 all the same
	ops[33].Status, ops[33].Code = 0, ""
	if found := Check([]Campaign{c}, ops); len(found) > 0 {
		t.Error(found)
	}
}

func TestManyViolationsAreCountedNotListed(t *testing.T) {
	c, ops := honest(2000, 10)
	for i := range ops {
		ops[i].Status = 500
	}
	found := Check([]Campaign{c}, ops)
	if len(found) > 20 {
		t.Errorf("%d violations are listed", len(found))
	}
}
