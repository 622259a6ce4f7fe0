package engine

import (
	"encoding/json"

	"firstcome/engine/fold"
)

// maxUnbooked bounds the sealed names and answers that a partition keeps until
// the ledger has them. Beyond it the oldest go: their rows are shown without a
// name until they are booked; nothing else depends on them.
const maxUnbooked = 100_000

// unbooked is what the ledger does not have yet of the personal data that came
// with claims, still sealed. Guarded by its partition's mu.
type unbooked struct {
	order   []sealedRow           // by offset
	byClaim map[int64][]sealedRow // by offset of the claim: its own row, then changes of the answers
}

type sealedRow struct {
	offset, claim int64
	campaign      string
	user          fold.User
	sealed        []byte
}

func (u *unbooked) add(r sealedRow) {
	if len(u.order) >= maxUnbooked {
		u.drop(1)
	}
	u.order = append(u.order, r)
	u.byClaim[r.claim] = append(u.byClaim[r.claim], r)
}

// drop forgets the n oldest rows.
func (u *unbooked) drop(n int) {
	for _, r := range u.order[:n] {
		rest := u.byClaim[r.claim]
		if len(rest) <= 1 {
			delete(u.byClaim, r.claim)
		} else {
			u.byClaim[r.claim] = rest[1:]
		}
	}
	clear(u.order[:n])
	u.order = u.order[n:]
	if len(u.order) == 0 {
		u.order = nil
	}
}

// forgetBooked drops what the ledger has by now.
func (p *partition) forgetBooked(next int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for n < len(p.unbooked.order) && p.unbooked.order[n].offset < next {
		n++
	}
	p.unbooked.drop(n)
}

// openUnbooked returns what is known here of a claim's subject and answers and
// not booked; whole says that the claim's own row is among it, so that the
// answers are not only changes to booked ones.
func (p *partition) openUnbooked(campaign string, claim int64) (subject string, answers json.RawMessage, whole bool) {
	p.mu.RLock()
	rows := append([]sealedRow(nil), p.unbooked.byClaim[claim]...)
	d := p.desks[campaign]
	p.mu.RUnlock()
	if d == nil {
		return "", nil, false
	}
	key := d.info.Load().key
	for _, r := range rows {
		if r.campaign != campaign {
			continue
		}
		data, err := p.node.sealer.Open(campaign, key, r.user, r.sealed)
		if err != nil {
			continue // the ledger's writer says so once
		}
		if r.offset == r.claim {
			whole = true
		}
		if data.Subject != "" {
			subject = data.Subject
		}
		answers = ApplyPatch(answers, data.Answers)
	}
	return subject, answers, whole
}
