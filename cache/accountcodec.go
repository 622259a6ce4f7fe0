package cache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"firstcome/engine/fold"
)

// An account begins with two numbers of 16 digits, the event that it ends with and
// the one that it begins behind, so that a script can compare accounts as text
// without knowing the rest.
const accountDigits = 16

const accountVersion = 1

// append appends the account without the members' claims.
func (s *account) append(b []byte) []byte {
	b = fmt.Appendf(b, "%0*d%0*d", accountDigits, s.now.ev, accountDigits, s.after)
	b = append(append(b, byte(len(s.epoch))), s.epoch...)
	b = appendMark(append(b, accountVersion), &s.now)
	b = binary.AppendUvarint(b, uint64(len(s.past)))
	for i := range s.past {
		m := &s.past[i]
		b = binary.AppendVarint(appendMark(append(b, byte(m.kind)), &m.mark), m.before)
		b = binary.AppendVarint(b, m.eve)
	}
	return b
}

// appendOwn appends the members' claims, which stand behind everything else.
func (s *account) appendOwn(b []byte) []byte {
	for i := range s.own {
		o := &s.own[i]
		c := &o.claim
		b = appendText(append(b, o.user[:]...), c.State)
		for _, n := range [...]int64{c.Rank, c.Position, c.Ticket, unixMilli(c.ClaimedAt), unixMilli(c.EndedAt), c.Points, int64(btoi(c.Booked))} {
			b = binary.AppendVarint(b, n)
		}
		b = appendText(b, c.GrantID)
	}
	return b
}

func appendMark(b []byte, m *mark) []byte {
	for _, n := range [...]int64{m.ev, m.at, m.totals.Granted, m.totals.Waiting, m.totals.Cap} {
		b = binary.AppendVarint(b, n)
	}
	return append(b, byte(m.totals.Status))
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func btoi(b bool) (n int) {
	if b {
		n = 1
	}
	return n
}

// accountEnds is the event that a kept account ends with, from its first bytes.
func accountEnds(b []byte) (ev int64, ok bool) {
	if len(b) < accountDigits {
		return 0, false
	}
	ev, err := strconv.ParseInt(string(b[:accountDigits]), 10, 64)
	return ev, err == nil && ev >= 0
}

var errAccount = errors.New("not an account of a campaign")

// parseAccount reads what append and appendOwn wrote.
func parseAccount(b []byte, campaign string) (s account, err error) {
	ev, ok := accountEnds(b)
	if !ok || len(b) < 2*accountDigits+1 {
		return s, errAccount
	}
	if s.after, err = strconv.ParseInt(string(b[accountDigits:2*accountDigits]), 10, 64); err != nil || s.after < 0 {
		return s, errAccount
	}
	in := reading{b: b[2*accountDigits:]}
	s.epoch = string(in.take(int(in.byte())))
	if in.byte() != accountVersion {
		return s, errAccount // of a later program: the kept state of this one's time is still right
	}
	s.now = in.mark()
	for n := in.uvarint(); n > 0 && !in.bad; n-- {
		m := milestone{kind: kind(in.byte())}
		m.mark, m.before, m.eve = in.mark(), in.varint(), in.varint()
		if m.kind != status && m.kind != limit {
			return s, errAccount
		}
		s.past = append(s.past, m)
	}
	for len(in.b) > 0 && !in.bad {
		s.own = append(s.own, in.own(campaign))
	}
	if in.bad || s.now.ev != ev {
		return s, errAccount
	}
	return s, nil
}

// reading takes a message apart; bad once it is too short.
type reading struct {
	b   []byte
	bad bool
}

func (r *reading) take(n int) (b []byte) {
	if n < 0 || n > len(r.b) {
		r.b, r.bad = nil, true
		return make([]byte, max(0, min(n, 64)))
	}
	b, r.b = r.b[:n], r.b[n:]
	return b
}

// skip goes on behind a number of n bytes; 0 or less: it was cut off, or too large.
func (r *reading) skip(n int) {
	if n <= 0 {
		r.b, r.bad = nil, true
		return
	}
	r.b = r.b[n:]
}

func (r *reading) byte() byte { return r.take(1)[0] }

func (r *reading) varint() int64 {
	v, n := binary.Varint(r.b)
	r.skip(n)
	return v
}

func (r *reading) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.skip(n)
	return v
}

func (r *reading) mark() mark {
	m := mark{ev: r.varint(), at: r.varint()}
	m.totals = fold.Totals{Granted: r.varint(), Waiting: r.varint(), Cap: r.varint(), Status: fold.Status(r.byte())}
	return m
}

func (r *reading) text() string { return string(r.take(int(min(r.uvarint(), 1<<10)))) }

func (r *reading) own(campaign string) (o ownClaim) {
	copy(o.user[:], r.take(len(o.user)))
	c := &o.claim
	c.Campaign, c.State = campaign, r.text()
	c.Rank, c.Position, c.Ticket = r.varint(), r.varint(), r.varint()
	c.ClaimedAt, c.EndedAt = fromMilli(r.varint()), fromMilli(r.varint())
	c.Points, c.Booked = r.varint(), r.varint() != 0
	c.GrantID = r.text()
	return o
}

func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
