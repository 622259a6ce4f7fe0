package history

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// crowd plays n requests, a microsecond apart and one after the other: claims,
// of which many repeat, and every tenth a cancel. Few members over and over is
// churn, many once is a stampede.
func crowd(n, members int, limit int64) *Evidence {
	h := newHall(seeded(1), map[string]fold.Definition{"a": {Cap: limit, WaitlistCap: 100}})
	h.append(fold.Record{Kind: fold.KindOpen, Campaign: "a", Xv: 1})
	names := make([]string, members)
	for i := range names {
		names[i] = fmt.Sprintf("member-%06d", i)
		var u fold.User
		copy(u[:], fmt.Sprintf("u%015d", i))
		h.e.Users[names[i]] = u
	}
	h.e.Ops = make([]Op, 0, n)
	for range n {
		h.now += time.Microsecond
		o := Op{Campaign: "a", Member: names[h.chance(members)], Node: h.chance(2), Call: h.now, Waitlist: h.chance(20) == 0}
		if h.chance(10) == 0 {
			o.Kind = Cancel
		}
		h.quick(&o)
		h.now += time.Microsecond
		o.Return = h.now
		h.e.Ops = append(h.e.Ops, o)
	}
	return h.e
}

// quick answers at once, from the truth.
func (h *hall) quick(o *Op) {
	c, u := h.truth.byID["a"], h.e.Users[o.Member]
	p := c.place(u)
	r := fold.Record{Campaign: "a", User: u, Seen: h.truth.next, Wait: o.Waitlist}
	if o.Kind == Cancel {
		if r.Kind = fold.KindCancel; p.Active() {
			r.Claim = p.Claim
		}
		o.Log = engine.LogOffset{Offset: h.append(r), Known: true}
		if o.Status, o.State = 200, "cancelled"; c.place(u).State == fold.Fenced {
			o.Status, o.Code, o.State, o.Log = 404, "not-found", "", engine.LogOffset{}
		}
		return
	}
	o.Status, o.Code = 200, ""
	if !p.Active() {
		if o.Status, o.Code = refusal(c, p, o.Waitlist); o.Status == 0 {
			r.Kind, o.Status = fold.KindClaim, 201
			h.append(r)
		}
	}
	o.Log = engine.LogOffset{Offset: h.truth.next - 1, Known: true}
	switch p = c.place(u); p.State {
	case fold.Granted:
		o.State, o.Rank, o.Claim = "granted", p.Rank, engine.GrantID(0, p.Claim)
	case fold.Waiting:
		o.State, o.Claim = "waitlisted", engine.GrantID(0, p.Claim)
	}
}

var crowds = map[string][2]int{"stampede": {200_000, 20_000}, "churn": {3, 2}, "unlimited": {400_000, 1_000_000}}

// A million answers take seconds and the judge little more memory than the
// evidence, whoever gives them.
func TestAMillionAnswersAreJudgedInTime(t *testing.T) {
	for what, c := range crowds {
		n := 1_000_000
		switch {
		case raceEnabled: // ten times slower, and not what is measured
			n = 20_000
		case what != "stampede":
			n = 100_000
		}
		t.Run(what, func(t *testing.T) {
			e := crowd(n, c[0], int64(c[1]))
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begun := time.Now()
			if found := Judge(e); len(found) > 0 {
				t.Fatal(found)
			}
			took := time.Since(begun)
			runtime.ReadMemStats(&after)
			t.Logf("%d answers, %d records: %v, %d MiB allocated", n, len(e.Log[0]), took, (after.TotalAlloc-before.TotalAlloc)>>20)
			if took > time.Minute {
				t.Errorf("it took %v", took)
			}
			if per := (after.TotalAlloc - before.TotalAlloc) / uint64(n); per > 4096 {
				t.Errorf("%d bytes an answer", per)
			}
		})
	}
}

func BenchmarkJudge(b *testing.B) {
	for what, c := range crowds {
		b.Run(what, func(b *testing.B) {
			e := crowd(200_000, c[0], int64(c[1]))
			b.ReportAllocs()
			for b.Loop() {
				if found := Judge(e); len(found) > 0 {
					b.Fatal(found)
				}
			}
			b.ReportMetric(float64(len(e.Ops))*float64(b.N)/b.Elapsed().Seconds(), "answers/s")
		})
	}
}
