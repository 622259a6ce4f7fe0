package redisgate

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"firstcome/engine"
)

// partyLimit bounds the callers that share a script call; the next ones form a new party.
const partyLimit = 4096

// partyKey is what callers must have in common to share a call.
type partyKey struct {
	campaign, lease string
	slack           int64
	ttl             time.Duration
}

// party is the order of callers who ask for units of the same lease.
type party struct {
	gate   *Gate
	key    partyKey
	guests []*guest // guarded by gate.mu until the party leaves, then its flight's own
	cmd    *redis.Cmd
}

// guest is one caller.
type guest struct {
	want   int64
	left   atomic.Bool // the caller is gone
	answer chan leased // of one
}

type leased struct {
	given int64
	err   error
}

// join lets a caller in to the party that gathers for its lease, or begins one.
func (g *Gate) join(ask engine.Ask) (*guest, error) {
	key := partyKey{ask.Campaign, ask.Lease, ask.Slack, ask.TTL}
	me := &guest{want: ask.Want, answer: make(chan leased, 1)}
	g.mu.Lock()
	defer g.mu.Unlock()
	if p := g.parties[key]; p != nil && len(p.guests) < partyLimit {
		p.guests = append(p.guests, me)
		return me, nil
	}
	p := &party{gate: g, key: key, guests: []*guest{me}}
	if err := g.client.batcher.add(p); err != nil {
		return nil, err
	}
	g.parties[key] = p
	return me, nil
}

// call ends the gathering and asks for all that those still waiting want.
func (p *party) call() *redis.Cmd {
	g := p.gate
	g.mu.Lock()
	if g.parties[p.key] == p {
		delete(g.parties, p.key)
	}
	g.mu.Unlock()
	var want int64
	waiting := p.guests[:0]
	for _, guest := range p.guests {
		if !guest.left.Load() {
			waiting = append(waiting, guest)
			want += guest.want
		}
	}
	p.guests = waiting
	if len(waiting) == 0 {
		return nil
	}
	k := p.key
	p.cmd = leaseScript.onKeys(context.Background(), k.campaign,
		k.lease, want, k.ttl.Milliseconds(), k.slack, gateLife.Milliseconds())
	return p.cmd
}

// done hands out what was given, first come, first served.
func (p *party) done() {
	given, err := leaseAnswer(p.cmd)
	for _, guest := range p.guests {
		share := min(given, guest.want)
		given -= share
		guest.answer <- leased{share, err}
	}
}

func leaseAnswer(cmd *redis.Cmd) (int64, error) {
	switch n, err := cmd.Int64(); {
	case err != nil:
		return 0, err
	case n == -1:
		return 0, engine.ErrGateEmpty
	case n == -2:
		return 0, engine.ErrGateShut
	default:
		return max(n, 0), nil
	}
}
