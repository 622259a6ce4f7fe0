package redisgate

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"firstcome/engine"
)

// Gate is the engine's gate on a client.
type Gate struct {
	client *Client

	mu      sync.Mutex          // held for a few instructions; guards gathering
	parties map[partyKey]*party // that still gather, one a key
}

var _ engine.Gate = (*Gate)(nil)

// NewGate returns the gate of a client.
func NewGate(c *Client) *Gate {
	return &Gate{client: c, parties: make(map[partyKey]*party)}
}

// Lease takes up to ask.Want units in one script call. Calls of many goroutines with the
// same campaign, lease, slack and TTL that meet while a round trip is under way become
// one script call for the sum of their wishes; what it gives is handed out in the order
// of the calls, as if they had been made one after the other.
//
// After an error (other than ErrGateEmpty and ErrGateShut, which took nothing) units may
// have been leased; the next Flush, which says what the node really holds, returns them.
func (g *Gate) Lease(ctx context.Context, ask engine.Ask) (int64, error) {
	start := time.Now()
	given, err := g.lease(ctx, ask)
	g.client.metrics.observe("lease", start, err)
	if err != nil {
		return 0, fmt.Errorf("lease %s: %w", ask.Campaign, err)
	}
	return given, nil
}

func (g *Gate) lease(ctx context.Context, ask engine.Ask) (int64, error) {
	if err := checkAsk(ask); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	guest, err := g.join(ask)
	if err != nil {
		return 0, err
	}
	select {
	case a := <-guest.answer:
		return a.given, a.err
	case <-ctx.Done():
		guest.left.Store(true)
		return 0, ctx.Err()
	}
}

// checkAsk keeps out what would break a key or exceed Lua's exact numbers.
func checkAsk(ask engine.Ask) error {
	if err := checkID(ask.Campaign); err != nil {
		return err
	}
	if err := checkLease(ask.Lease); err != nil {
		return err
	}
	switch {
	case ask.Want < 1 || ask.Want > math.MaxInt32:
		return fmt.Errorf("%d units wanted, not 1 to %d", ask.Want, math.MaxInt32)
	case ask.Slack < 0 || ask.Slack > math.MaxInt32:
		return fmt.Errorf("a slack of %d units, not 0 to %d", ask.Slack, math.MaxInt32)
	}
	return checkTTL(ask.TTL)
}

func checkTTL(ttl time.Duration) error {
	if ttl < time.Millisecond || ttl > gateLife {
		return fmt.Errorf("a lease's time of %v, not 1ms to %v", ttl, gateLife)
	}
	return nil
}

// Read returns the counters of a campaign as they are at one moment, by a script that
// writes nothing; leases past their deadline count until somebody gives them back.
func (g *Gate) Read(ctx context.Context, campaign string) (engine.GateCount, error) {
	if err := checkID(campaign); err != nil {
		return engine.GateCount{}, err
	}
	return within(ctx, g.client, "read", func(ctx context.Context) (engine.GateCount, error) {
		call := readScript.onKeys(ctx, campaign)
		g.client.send(ctx, one(call))
		v, err := call.Int64Slice()
		if err != nil {
			return engine.GateCount{}, err
		}
		if len(v) != 4 {
			return engine.GateCount{}, fmt.Errorf("%d numbers instead of 4", len(v))
		}
		return engine.GateCount{Known: v[0] == 1, Count: v[1], Leased: v[2], Used: v[3]}, nil
	})
}
