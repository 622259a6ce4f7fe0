package fold

import "sort"

// waitlist is the order of those who wait: ascending tickets. Push is O(1)
// amortised but for the tree, everything else O(log n). It holds no pointer.
//
// Entries that left stay as holes until more than half are holes, so memory is
// at most about twice the longest list, however often members come and go.
type waitlist struct {
	entries []waiter
	tree    []int64 // Fenwick tree over entries: how many are not gone
	head    int     // no entry before it waits
	live    int
}

type waiter struct {
	user   User
	ticket int64
	gone   bool
}

// compactFrom is the length from which holes are worth a rebuild.
const compactFrom = 64

// push adds a waiter behind all others. Tickets only rise.
func (w *waitlist) push(u User, ticket int64) {
	w.entries = append(w.entries, waiter{user: u, ticket: ticket})
	w.live++
	n := len(w.entries)
	count := int64(1)
	for i := n - 1; i > n-n&-n; i -= i & -i {
		count += w.tree[i-1]
	}
	w.tree = append(w.tree, count)
}

// pop removes and returns the first. The list must not be empty.
func (w *waitlist) pop() User {
	for w.entries[w.head].gone {
		w.head++
	}
	u := w.entries[w.head].user
	w.drop(w.head)
	return u
}

// remove takes out whoever holds a ticket; nothing when nobody does.
func (w *waitlist) remove(ticket int64) {
	if i, ok := w.find(ticket); ok {
		w.drop(i)
	}
}

// position counts from 1; 0 when nobody waits with that ticket.
func (w *waitlist) position(ticket int64) (n int64) {
	i, ok := w.find(ticket)
	if !ok {
		return 0
	}
	for i++; i > 0; i -= i & -i {
		n += w.tree[i-1]
	}
	return n
}

// first returns up to n waiters in order; nil for none.
func (w *waitlist) first(n int) (users []User) {
	for i := w.head; i < len(w.entries) && len(users) < n; i++ {
		if !w.entries[i].gone {
			users = append(users, w.entries[i].user)
		}
	}
	return users
}

func (w *waitlist) find(ticket int64) (int, bool) {
	i := sort.Search(len(w.entries), func(i int) bool { return w.entries[i].ticket >= ticket })
	return i, i < len(w.entries) && w.entries[i].ticket == ticket && !w.entries[i].gone
}

func (w *waitlist) drop(i int) {
	w.entries[i].gone = true
	w.live--
	for i++; i <= len(w.tree); i += i & -i {
		w.tree[i-1]--
	}
	if len(w.entries) >= compactFrom && 2*w.live < len(w.entries) {
		w.compact()
	}
}

// compact keeps only those who wait, in fresh memory. It costs as much as the
// drops that made it due.
func (w *waitlist) compact() {
	old := w.entries[w.head:]
	*w = waitlist{entries: make([]waiter, 0, 2*w.live), tree: make([]int64, 0, 2*w.live)}
	for i := range old {
		if !old[i].gone {
			w.push(old[i].user, old[i].ticket)
		}
	}
}
