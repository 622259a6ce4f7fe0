package fold

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// lists is the list and a plain slice of the same waiters.
type lists struct {
	list   waitlist
	plain  []waiter
	ticket int64
}

// step does one thing to both: below 50 a push, below 70 a pop, else a removal.
func (l *lists) step(t rapid.TB, n int) {
	switch {
	case n < 50 || len(l.plain) == 0:
		l.ticket += int64(n%3) + 1
		u := User{byte(l.ticket), byte(l.ticket >> 8)}
		l.plain = append(l.plain, waiter{user: u, ticket: l.ticket})
		l.list.push(u, l.ticket)
	case n < 70:
		if got := l.list.pop(); got != l.plain[0].user {
			t.Fatalf("popped %v, want %v", got, l.plain[0])
		}
		l.plain = l.plain[1:]
	default:
		i := n % len(l.plain)
		l.list.remove(l.plain[i].ticket)
		l.list.remove(l.plain[i].ticket) // nothing the second time
		l.plain = slices.Delete(l.plain, i, i+1)
	}
}

func TestWaitlistIsASliceButFaster(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var l lists
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 99), 0, 200).Draw(rt, "steps") {
			l.step(rt, n)
			l.check(rt)
		}
	})
}

// Members who come and go behind a head that never moves must not cost memory.
func TestWaitlistForgetsItsHoles(t *testing.T) {
	var l lists
	for range 100 {
		l.step(t, 0)
	}
	for i := range 3000 {
		l.step(t, i%50)
		l.step(t, 70+i%30)
		if i%10 == 0 {
			l.check(t)
		}
	}
	if n := len(l.list.entries); n > 2*101 {
		t.Fatalf("%d entries for %d waiters", n, len(l.plain))
	}
	for len(l.plain) > 0 {
		l.step(t, 50)
		l.check(t)
	}
}

func (l *lists) check(t rapid.TB) {
	t.Helper()
	list, plain := &l.list, l.plain
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
