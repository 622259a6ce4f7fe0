//go:build badengine

package main

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"firstcome/engine"
	"firstcome/engine/fold"
)

//go:embed rules.lua
var rulesSource string

var rules = redis.NewScript(rulesSource)

// place is a member's place as Redis has it.
type place struct {
	Off    int64  // when it was claimed, in us of Redis' clock: its name
	State  string // granted, waitlisted, cancelled
	Rank   int64
	Ticket int64
	Ver    int64 // when it last changed, in us
	Member string
}

func (p *place) line() string {
	return fmt.Sprintf("%d %s %d %d %d %s", p.Off, p.State, p.Rank, p.Ticket, p.Ver, p.Member)
}

// parsePlace reads a line of the script; the member may be absent.
func parsePlace(line string) (p place, err error) {
	f := append(strings.SplitN(line, " ", 6), "")
	if len(f) < 6 {
		return p, fmt.Errorf("redis holds %q for a place", line)
	}
	p.State, p.Member = f[1], f[5]
	for i, n := range map[int]*int64{0: &p.Off, 2: &p.Rank, 3: &p.Ticket, 4: &p.Ver} {
		if *n, err = strconv.ParseInt(f[i], 10, 64); err != nil {
			return p, fmt.Errorf("redis holds %q for a place: %w", line, err)
		}
	}
	return p, nil
}

// ruling is what the script said.
type ruling struct {
	what     string
	position int64
	place    place // of the member; its State is empty when there is none
	changes  []place
}

// rule lets the script decide, after having loaded a campaign that Redis does
// not know, and hands the changes to Kafka.
func (n *naive) rule(ctx context.Context, op, campaign, member string, answers []byte, args ...any) (ruling, error) {
	for {
		r, err := n.script(ctx, op, campaign, member, args...)
		if err != nil {
			return r, fmt.Errorf("%w: redis: %w", engine.ErrUnavailable, err)
		}
		if r.what != "unknown" {
			return r, n.tell(ctx, campaign, member, answers, r.changes)
		}
		if err := n.load(ctx, campaign); err != nil {
			return r, fmt.Errorf("%w: load %s: %w", engine.ErrUnavailable, campaign, err)
		}
	}
}

func keys(campaign string) []string {
	at := "naive:{" + campaign + "}"
	return []string{at + ":state", at + ":members", at + ":list"}
}

func (n *naive) script(ctx context.Context, op, campaign, member string, args ...any) (r ruling, err error) {
	out, err := rules.Run(ctx, n.redis, keys(campaign), append([]any{op, n.variant, member}, args...)...).Slice()
	if err != nil {
		return r, err
	}
	r.what, _ = out[0].(string)
	r.position, _ = out[1].(int64)
	for i, v := range out[2:] {
		line, _ := v.(string)
		if i == 0 && line == "" {
			continue
		}
		p, err := parsePlace(line)
		if err != nil {
			return r, err
		}
		if i == 0 {
			r.place = p
		} else {
			r.changes = append(r.changes, p)
		}
	}
	return r, nil
}

// shape is a definition as the script takes it.
func shape(c *engine.Campaign) []any {
	limit := fold.NoCap
	if c.Cap != nil {
		limit = *c.Cap
	}
	return []any{c.Status.String(), limit, c.WaitlistCap, c.Reclaim}
}

// loadLimit bounds a load, whoever still waits for it.
const loadLimit = 10 * time.Second

// load tells Redis of a campaign that it does not know, once for all who wait.
// Redis-first as it is usually built loads the definition and counts from zero;
// with a fence the places come from the book, once it has what Kafka has.
func (n *naive) load(ctx context.Context, campaign string) error {
	done := n.loads.DoChan(campaign, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadLimit)
		defer cancel()
		args, err := n.remembered(ctx, campaign)
		if err == nil {
			_, err = n.script(ctx, "load", campaign, "", args...)
		}
		return nil, err
	})
	select {
	case r := <-done:
		return r.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (n *naive) remembered(ctx context.Context, campaign string) ([]any, error) {
	if n.variant != "fence" {
		c, err := n.fresh(ctx, campaign)
		return shape(&c), err
	}
	lock := n.locks.NewMutex("naive:load:" + campaign)
	if err := lock.LockContext(ctx); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	defer lock.UnlockContext(context.WithoutCancel(ctx))
	if err := n.caughtUp(ctx); err != nil {
		return nil, fmt.Errorf("wait for the book: %w", err)
	}
	c, err := n.fresh(ctx, campaign)
	if err != nil {
		return nil, err
	}
	args := shape(&c)
	rows, err := n.Places(ctx, engine.PlaceQuery{Campaign: campaign, After: -1, Limit: 1 << 30})
	for i := range rows { // a member's newest place comes last and stays
		r := &rows[i]
		p := place{Off: r.ClaimOff, State: r.State, Rank: r.Rank, Ticket: r.Ticket, Ver: r.EndedAt.UnixMicro(), Member: r.Member}
		if r.EndedAt.IsZero() {
			p.Ver = r.ClaimOff
		}
		args = append(args, p.line())
	}
	return args, err
}
