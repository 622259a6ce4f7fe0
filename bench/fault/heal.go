package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"firstcome/bench/stack"
)

// Heal mends every wire and starts every service that has ended.
func (r *Rig) Heal(ctx context.Context) error {
	each(r.all, (*Link).Heal)
	for _, s := range r.Redis.Sentinels {
		s.Resume()
		if !s.Running() {
			if err := s.Start(); err != nil {
				return err
			}
		}
	}
	err := r.healRedis(ctx)
	for _, b := range r.Kafka.Brokers {
		b.Resume()
		if !b.Running() {
			err = errors.Join(err, b.Start())
		}
	}
	r.Postgres.Resume()
	if !r.Postgres.Running() {
		err = errors.Join(err, r.Postgres.Restart(ctx))
	}
	return errors.Join(err, r.Kafka.Ready(ctx))
}

// healRedis starts the Redis servers that have ended and makes all but the
// master replicas, as its sentinels would do in their time.
func (r *Rig) healRedis(ctx context.Context) error {
	for _, s := range r.Redis.Servers {
		s.Resume()
		if !s.Running() {
			if err := s.Restart(ctx); err != nil {
				return err
			}
		}
		if err := configure(ctx, s, "maxmemory", "0"); err != nil {
			return err
		}
	}
	return until(ctx, 20*time.Second, func() error { return r.align(ctx) })
}

// align makes every server follow the master that the sentinels agree on, and
// tells why it cannot yet. While a failover is under way it keeps out of it.
func (r *Rig) align(ctx context.Context) error {
	master, err := r.Redis.Settled(ctx)
	if err != nil {
		return err
	}
	front := r.Fronts[slices.Index(r.Redis.Servers, master)].Port()
	if err := follow(ctx, master, true, front); err != nil {
		return err
	}
	var errs []error
	for _, s := range r.Redis.Servers {
		if s != master {
			errs = append(errs, follow(ctx, s, false, front))
		}
	}
	return errors.Join(errs...)
}

// follow tells a server its role, once, and tells whether it has taken it up.
func follow(ctx context.Context, s *stack.RedisServer, master bool, front int) error {
	c := s.Client(0)
	defer c.Close()
	role, err := c.Do(ctx, "role").Slice()
	if err != nil {
		return err
	}
	what, _ := role[0].(string)
	switch {
	case master && what == "master":
		return nil
	case master:
		return errors.Join(c.SlaveOf(ctx, "no", "one").Err(), errors.New("the master was a replica"))
	case what != "slave" || fmt.Sprint(role[2]) != strconv.Itoa(front):
		return errors.Join(c.SlaveOf(ctx, "127.0.0.1", strconv.Itoa(front)).Err(), errors.New("a replica had another master"))
	case role[3] != "connected":
		return fmt.Errorf("a replica is %v", role[3])
	}
	return nil
}

// configure changes a setting of a running Redis.
func configure(ctx context.Context, s *stack.RedisServer, name, value string) error {
	c := s.Client(0)
	defer c.Close()
	return c.ConfigSet(ctx, name, value).Err()
}

// onMaster does something to the master as the sentinels know it.
func (r *Rig) onMaster(ctx context.Context, do func(*redis.Client) error) error {
	m, err := r.Redis.Master(ctx)
	if err != nil {
		return err
	}
	c := m.Client(0)
	defer c.Close()
	return do(c)
}

// tidy gives a run an empty Redis with every server in its place.
func (r *Rig) tidy(ctx context.Context) error {
	if err := r.healRedis(ctx); err != nil {
		return fmt.Errorf("tidy the rig: %w", err)
	}
	return r.onMaster(ctx, func(c *redis.Client) error { return c.FlushAll(ctx).Err() })
}

// until tries every 20 ms until it holds or a time is over.
func until(ctx context.Context, most time.Duration, holds func() error) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := holds()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %s: %w", most, err)
		case <-tick.C:
		}
	}
}
