//go:build badengine

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"firstcome/engine"
	"firstcome/engine/fold"
)

const (
	refreshEvery = 50 * time.Millisecond
	refreshLimit = 500 * time.Millisecond
)

// keep remembers a campaign on this node.
func (n *naive) keep(c engine.Campaign) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if old, ok := n.byID[c.ID]; ok && old.Version > c.Version {
		return
	}
	n.byID[c.ID] = c
}

// Campaign is what this node remembers.
func (n *naive) Campaign(id string) (engine.Campaign, error) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	c, ok := n.byID[id]
	if !ok {
		return c, engine.ErrNotFound
	}
	return c, nil
}

// Campaigns returns all, newest first.
func (n *naive) Campaigns() []engine.Campaign {
	n.mu.RLock()
	defer n.mu.RUnlock()
	var all []engine.Campaign
	for _, c := range n.byID {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b engine.Campaign) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return all
}

// Sync has nothing to wait for: nobody knows how old an answer is.
func (n *naive) Sync(context.Context, string, engine.Read) error { return nil }

// Reach waits for nobody either.
func (n *naive) Reach(context.Context, engine.LogOffset) error { return nil }

// Now is this machine's clock.
func (n *naive) Now() time.Time { return time.Now() }

// refresh copies Postgres' definitions and Redis' counters until ctx ends, and
// opens and closes what is due.
func (n *naive) refresh(ctx context.Context) error {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		limit, cancel := context.WithTimeout(ctx, refreshLimit)
		err := n.copy(limit)
		cancel()
		if err != nil && ctx.Err() == nil {
			n.log.Debug("the copies are old", "err", err)
		}
		if err == nil {
			n.loaded.Store(true)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (n *naive) copy(ctx context.Context) error {
	rows, err := n.db.Query(ctx, `SELECT body, version FROM naive_campaigns`)
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, scanCampaign)
	if err != nil {
		return err
	}
	pipe := n.redis.Pipeline()
	counts, waits := make([]*redis.SliceCmd, len(all)), make([]*redis.IntCmd, len(all))
	for i := range all {
		at := keys(all[i].ID)
		counts[i], waits[i] = pipe.HMGet(ctx, at[0], "n", "last"), pipe.ZCard(ctx, at[2])
	}
	_, err = pipe.Exec(ctx)
	for i := range all {
		c := &all[i]
		if err != nil { // keep the numbers that were
			old, _ := n.Campaign(c.ID)
			c.Granted, c.Waiting, c.Ev = old.Granted, old.Waiting, old.Ev
		} else {
			c.Granted, c.Ev, c.Waiting = number(counts[i].Val()[0]), number(counts[i].Val()[1]), waits[i].Val()
		}
		n.keep(*c)
		n.due(ctx, c)
	}
	return err
}

func number(v any) int64 {
	s, _ := v.(string)
	i, _ := strconv.ParseInt(s, 10, 64)
	return i
}

func scanCampaign(row pgx.CollectableRow) (c engine.Campaign, err error) {
	var body []byte
	var version int64
	if err = row.Scan(&body, &version); err == nil {
		err = json.Unmarshal(body, &c)
	}
	c.Version = version
	return c, err
}

// fresh asks Postgres.
func (n *naive) fresh(ctx context.Context, id string) (engine.Campaign, error) {
	rows, err := n.db.Query(ctx, `SELECT body, version FROM naive_campaigns WHERE id = $1`, id)
	if err != nil {
		return engine.Campaign{}, fmt.Errorf("%w: postgres: %w", engine.ErrUnavailable, err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanCampaign)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return c, engine.ErrNotFound
	case err != nil:
		return c, fmt.Errorf("%w: postgres: %w", engine.ErrUnavailable, err)
	}
	return c, nil
}

// Create makes a draft.
func (n *naive) Create(ctx context.Context, c engine.Campaign, _ engine.Actor, dryRun bool) (engine.Campaign, bool, error) {
	if !engine.ValidID(c.ID) {
		return c, false, &engine.InvalidError{Fields: []engine.FieldError{{Pointer: "/id", Detail: "must be a slug"}}}
	}
	for field, value := range map[*string]string{&c.Kind: "event", &c.CapMode: "hard", &c.Counting: "direct", &c.Reclaim: "allowed"} {
		if *field == "" {
			*field = value
		}
	}
	given, err := json.Marshal(c)
	if err != nil || dryRun {
		return c, true, err
	}
	c.Status, c.CreatedAt, c.Version = fold.Draft, time.Now().Truncate(time.Millisecond), 1
	body, err := json.Marshal(c)
	if err != nil {
		return c, false, err
	}
	tag, err := n.db.Exec(ctx, `INSERT INTO naive_campaigns VALUES ($1, $2, 1) ON CONFLICT DO NOTHING`, c.ID, body)
	if err != nil {
		return c, false, fmt.Errorf("%w: postgres: %w", engine.ErrUnavailable, err)
	}
	if tag.RowsAffected() == 1 {
		n.keep(c)
		return c, true, nil
	}
	there, err := n.fresh(ctx, c.ID)
	if err != nil {
		return there, false, err
	}
	same := there
	same.Status, same.CreatedAt, same.Version = 0, time.Time{}, 0
	if was, _ := json.Marshal(same); !bytes.Equal(was, given) {
		return there, false, engine.ErrExists
	}
	return there, false, nil
}

// change rewrites a campaign at a version (0: any) and tells Redis.
func (n *naive) change(ctx context.Context, id string, version int64, dryRun bool, do func(*engine.Campaign) error) (engine.Campaign, error) {
	c, err := n.fresh(ctx, id)
	switch {
	case err != nil:
		return c, err
	case version != 0 && c.Version != version:
		return c, engine.ErrVersion
	}
	was := c
	if err := do(&c); err != nil || dryRun || c.Status == was.Status && version == 0 {
		return c, err
	}
	body, err := json.Marshal(c)
	if err != nil {
		return c, err
	}
	tag, err := n.db.Exec(ctx, `UPDATE naive_campaigns SET body = $2, version = version + 1 WHERE id = $1 AND version = $3`, id, body, c.Version)
	switch {
	case err != nil:
		return c, fmt.Errorf("%w: postgres: %w", engine.ErrUnavailable, err)
	case tag.RowsAffected() == 0:
		return c, engine.ErrVersion
	}
	c.Version++
	n.keep(c)
	_, err = n.rule(ctx, "shape", id, "", nil, shape(&c)...)
	return c, err
}

// Edit replaces the definition.
func (n *naive) Edit(ctx context.Context, c engine.Campaign, version int64, _ engine.Actor, dryRun bool) (engine.Campaign, error) {
	return n.change(ctx, c.ID, version, dryRun, func(there *engine.Campaign) error {
		c.Status, c.CreatedAt, c.Version = there.Status, there.CreatedAt, there.Version
		*there = c
		return nil
	})
}

// moves are the verbs: where they start and where they lead.
var moves = map[engine.Verb]struct {
	from []fold.Status
	to   fold.Status
}{
	engine.Publish: {[]fold.Status{fold.Draft}, fold.Scheduled},
	engine.Open:    {[]fold.Status{fold.Draft, fold.Scheduled}, fold.Open},
	engine.Pause:   {[]fold.Status{fold.Open}, fold.Paused},
	engine.Resume:  {[]fold.Status{fold.Paused}, fold.Open},
	engine.Close:   {[]fold.Status{fold.Scheduled, fold.Open, fold.Paused}, fold.Closed},
	engine.Archive: {[]fold.Status{fold.Draft, fold.Closed}, fold.Archived},
}

// Move carries out a verb; done already is no error.
func (n *naive) Move(ctx context.Context, id string, verb engine.Verb, version int64, _ engine.Actor, dryRun bool) (engine.Campaign, error) {
	return n.change(ctx, id, version, dryRun, func(c *engine.Campaign) error {
		m := moves[verb]
		if c.Status != m.to && !slices.Contains(m.from, c.Status) {
			return engine.ErrState
		}
		c.Status = m.to
		return nil
	})
}

// due opens and closes by this machine's clock; of several nodes the first counts.
func (n *naive) due(ctx context.Context, c *engine.Campaign) {
	passed := func(t time.Time) bool { return !t.IsZero() && time.Now().After(t) }
	switch {
	case c.Status == fold.Scheduled && passed(c.OpensAt):
		_, _ = n.Move(ctx, c.ID, engine.Open, c.Version, engine.Actor{}, false) // else at the next look
	case (c.Status == fold.Open || c.Status == fold.Paused) && passed(c.ClosesAt):
		_, _ = n.Move(ctx, c.ID, engine.Close, c.Version, engine.Actor{}, false)
	}
}

// SetCap changes the cap; the script promotes who waits.
func (n *naive) SetCap(ctx context.Context, id string, limit *int64, version int64, _ engine.Actor, dryRun bool) (engine.Campaign, engine.CapChange, error) {
	known, err := n.Campaign(id)
	if err != nil {
		return known, engine.CapChange{}, err
	}
	change := engine.CapChange{To: limit, Granted: known.Granted, Waiting: known.Waiting, Promoted: known.Waiting}
	if limit != nil {
		change.OverBy, change.Promoted = max(0, known.Granted-*limit), min(known.Waiting, max(0, *limit-known.Granted))
	}
	c, err := n.change(ctx, id, version, dryRun, func(c *engine.Campaign) error {
		change.From, c.Cap = c.Cap, limit
		return nil
	})
	c.Granted, c.Waiting, c.Ev = known.Granted, known.Waiting, known.Ev
	return c, change, err
}

// CancelFor ends a member's place in the admin's name.
func (n *naive) CancelFor(ctx context.Context, id, subject string, _ engine.Actor, dryRun bool) (engine.Claim, error) {
	c, err := n.Campaign(id)
	if err != nil || dryRun {
		return engine.Claim{}, err
	}
	return n.cancel(ctx, &c, subject)
}
