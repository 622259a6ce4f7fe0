package fold

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The list against a plain slice, through many rebuilds.
func TestWaitlistIsASliceButFaster(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list waitlist
		var plain []waiter
		ticket := int64(0)
		steps := rapid.SliceOfN(rapid.IntRange(0, 99), 0, 600).Draw(t, "steps")
		for _, step := range steps {
			switch {
			case step < 50 || len(plain) == 0:
				ticket += int64(step%3) + 1
				u := User{byte(ticket), byte(ticket >> 8)}
				plain = append(plain, waiter{user: u, ticket: ticket})
				list.push(u, ticket)
			case step < 70:
				if got := list.pop(); got != plain[0].user {
					t.Fatalf("popped %v, want %v", got, plain[0])
				}
				plain = plain[1:]
			default:
				i := step % len(plain)
				list.remove(plain[i].ticket)
				list.remove(plain[i].ticket) // nothing the second time
				plain = slices.Delete(slices.Clone(plain), i, i+1)
			}
			checkWaitlist(t, &list, plain)
		}
	})
}

func checkWaitlist(t *rapid.T, list *waitlist, plain []waiter) {
	if list.live != len(plain) {
		t.Fatalf("%d live, want %d", list.live, len(plain))
	}
	if len(list.entries) >= compactFrom && len(list.entries) > 2*list.live+1 {
		t.Fatalf("%d entries for %d waiters", len(list.entries), list.live)
	}
	users := list.first(len(plain) + 1)
	if len(users) != len(plain) {
		t.Fatalf("walks over %d, want %d", len(users), len(plain))
	}
	for i, p := range plain {
		if got := list.position(p.ticket); got != int64(i)+1 || users[i] != p.user {
			t.Fatalf("ticket %d is at %d, want %d", p.ticket, got, i+1)
		}
	}
	if list.position(1<<40) != 0 || list.position(0) != 0 {
		t.Fatal("a ticket that nobody holds has no position")
	}
}

// No record can make it fail, so the check itself is shown to see.
func TestCheckCapSeesAGrantTooMany(t *testing.T) {
	for _, test := range []struct {
		name            string
		limit           int64
		soft            bool
		before, granted int64
		over            bool
	}{
		{"at the cap", 2, false, 1, 2, false},
		{"over the cap", 2, false, 2, 3, true},
		{"over before, and stays", 2, false, 5, 5, false},
		{"over before, and rises", 2, false, 5, 6, true},
		{"soft", 2, true, 2, 3, false},
		{"no cap", NoCap, false, 2, 3, false},
	} {
		c := &Campaign{Granted: test.granted, Definition: Definition{Cap: test.limit, Soft: test.soft}}
		if err := c.checkCap(test.before); errors.Is(err, ErrOverCap) != test.over {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
}
