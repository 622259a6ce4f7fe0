package engine

import (
	"math/bits"
	"sync/atomic"
	"time"
)

const (
	// paceSeconds is how far back a pace looks, the running second included.
	paceSeconds = 10
	// paceIdle is how long the pace of a campaign that nobody claims is kept.
	paceIdle = 60
	// Buckets of microseconds: eight to each power of two, so that a quantile is
	// at most 6 % off, up to 16 s; what takes longer counts as that.
	paceFine    = 3
	paceBuckets = (24 - paceFine + 1) << paceFine
)

// pace counts how long the claims of the last seconds took on this node: 7 KiB
// for each campaign that is being claimed. It informs; a claim that ends in the
// very moment in which a second's counts begin anew may be missing.
type pace struct {
	seconds [paceSeconds]struct {
		second atomic.Int64 // of this process' time, from 1; the counts are of it
		counts [paceBuckets]atomic.Uint32
	}
}

// Pace is how long claims took, from arrival to answer.
type Pace struct {
	Claims        int64 // that the rest is about; 0: nobody claimed of late
	P50, P95, P99 time.Duration
}

func (p *pace) observe(second int64, took time.Duration) {
	s := &p.seconds[second%paceSeconds]
	if old := s.second.Load(); old != second && s.second.CompareAndSwap(old, second) {
		for i := range s.counts {
			s.counts[i].Store(0)
		}
	}
	s.counts[paceBucket(took)].Add(1)
}

// paceBucket is the bucket of a duration: exact below 8 µs, then by its
// leading four bits.
func paceBucket(took time.Duration) int {
	us := uint64(max(0, took.Microseconds()))
	if us < 1<<paceFine {
		return int(us)
	}
	shift := bits.Len64(us) - paceFine - 1
	return min((shift+1)<<paceFine+int(us>>shift)&(1<<paceFine-1), paceBuckets-1)
}

// paceMiddle is the duration that stands for a bucket.
func paceMiddle(bucket int) time.Duration {
	if bucket < 1<<paceFine {
		return time.Duration(bucket) * time.Microsecond
	}
	shift := bucket>>paceFine - 1
	low := (1<<paceFine + bucket&(1<<paceFine-1)) << shift
	return time.Duration(2*low+1<<shift) * time.Microsecond / 2
}

// idle reports whether nothing was observed for a while.
func (p *pace) idle(second int64) bool {
	last := int64(0)
	for i := range p.seconds {
		last = max(last, p.seconds[i].second.Load())
	}
	return second-last > paceIdle
}

// look sums up the seconds that are still of interest.
func (p *pace) look(second int64) (out Pace) {
	var sum [paceBuckets]int64
	for i := range p.seconds {
		s := &p.seconds[i]
		if at := s.second.Load(); at == 0 || second-at >= paceSeconds {
			continue
		}
		for b := range sum {
			n := int64(s.counts[b].Load())
			sum[b] += n
			out.Claims += n
		}
	}
	for _, q := range []struct {
		per  int64
		into *time.Duration
	}{{50, &out.P50}, {95, &out.P95}, {99, &out.P99}} {
		*q.into = quantile(&sum, (out.Claims*q.per+99)/100)
	}
	return out
}

// quantile is the duration of the nth claim from below.
func quantile(sum *[paceBuckets]int64, nth int64) time.Duration {
	if nth == 0 {
		return 0
	}
	for b, n := range sum {
		if nth -= n; nth <= 0 {
			return paceMiddle(b)
		}
	}
	return 0
}
