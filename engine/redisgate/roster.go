package redisgate

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/redis/go-redis/v9"

	"firstcome/engine"
)

const (
	rosterKey = "fc:nodes"
	// presenceMost bounds what a node may say of itself, in bytes.
	presenceMost = 4 << 10
)

// Roster keeps each node's last word in one hash. All calls may be repeated.
type Roster struct{ client *Client }

var _ engine.Roster = (*Roster)(nil)

// NewRoster returns the roster of a client.
func NewRoster(c *Client) *Roster { return &Roster{c} }

// Sign puts a node's word in the place of its last one. A key of another type
// begins anew: a damaged roster must not silence everybody for ever.
func (r *Roster) Sign(ctx context.Context, p engine.Presence) error {
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("sign the roster: %w", err)
	}
	if p.Node == "" || len(text) > presenceMost {
		return fmt.Errorf("sign the roster: a name of %d bytes and %d bytes in all, not 1 and more and up to %d", len(p.Node), len(text), presenceMost)
	}
	_, err = within(ctx, r.client, "sign", func(ctx context.Context) (struct{}, error) {
		err := r.write(ctx, p.Node, text)
		if code(err) == "WRONGTYPE" {
			if err = r.client.driver.Del(ctx, rosterKey).Err(); err == nil {
				err = r.write(ctx, p.Node, text)
			}
		}
		return struct{}{}, err
	})
	return err
}

func (r *Roster) write(ctx context.Context, node string, text []byte) error {
	_, err := r.client.driver.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.HSet(ctx, rosterKey, node, text)
		pipe.PExpire(ctx, rosterKey, 2*engine.RosterKeeps)
		return nil
	})
	return err
}

// Present returns every node's last word and forgets what cannot be read, and
// what is older than the newest by a minute.
func (r *Roster) Present(ctx context.Context) ([]engine.Presence, error) {
	return within(ctx, r.client, "present", func(ctx context.Context) ([]engine.Presence, error) {
		fields, err := r.client.driver.HGetAll(ctx, rosterKey).Result()
		if err != nil {
			return nil, err
		}
		list, old := sorted(fields)
		if len(old) > 0 {
			err = r.client.driver.HDel(ctx, rosterKey, old...).Err()
		}
		return list, err
	})
}

// sorted parts what counts from what is to be forgotten.
func sorted(fields map[string]string) (list []engine.Presence, old []string) {
	all := make([]engine.Presence, 0, len(fields))
	var newest engine.Presence
	for node, text := range fields {
		var p engine.Presence
		if len(text) > presenceMost || json.Unmarshal([]byte(text), &p) != nil || p.Node != node {
			old = append(old, node)
			continue
		}
		if all = append(all, p); p.SaidAt.After(newest.SaidAt) {
			newest = p
		}
	}
	for _, p := range all {
		if newest.SaidAt.Sub(p.SaidAt) > engine.RosterKeeps {
			old = append(old, p.Node)
			continue
		}
		list = append(list, p)
	}
	return list, old
}
