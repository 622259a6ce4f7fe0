package relayredis

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"firstcome/cache"
)

const (
	// accountLife is how long a campaign's account outlives its last change; then it
	// is asked for.
	accountLife = 24 * time.Hour
	// receiverLife is how long relays go on for receivers that say nothing.
	receiverLife = 15 * time.Second
	// headBytes of an account say with which event it ends.
	headBytes = 16

	receivers = "fc:receivers"
)

//go:embed tell.lua
var tellSource string

var tellScript = redis.NewScript(tellSource)

// Client carries news through one Redis. It is a relay's cache.Carrier and a
// receiver's cache.Channels.
type Client struct {
	driver redis.UniversalClient
	logger *slog.Logger
	news   string // prefix of the campaigns' channels, and the channel of signs of life
	asks   string

	mu     sync.Mutex // held for a few instructions; guards all below
	wanted map[string]struct{}
	online bool    // there is a connection that orders are sent on
	orders []order // not sent yet; without a connection none are kept: it begins with everything wanted
	renew  bool

	work chan struct{} // one place: there is something to send
}

// order is to have a campaign's messages come, or no more.
type order struct {
	campaign string
	join     bool
}

var (
	_ cache.Carrier  = (*Client)(nil)
	_ cache.Channels = (*Client)(nil)
)

// New makes a client on a driver that repeats no call by itself; db is the number
// of its database. It connects to nothing, and the driver is its from now on.
func New(driver redis.UniversalClient, db int, logger *slog.Logger) *Client {
	n := strconv.Itoa(db)
	return &Client{driver: driver, logger: logger, news: "fc:news:" + n + ":", asks: "fc:news-asked:" + n,
		wanted: map[string]struct{}{}, work: make(chan struct{}, 1)}
}

// Close ends all connections. Run and Asked must have ended.
func (c *Client) Close() error {
	if err := c.driver.Close(); err != nil {
		return fmt.Errorf("close redis: %w", err)
	}
	return nil
}

func accountKey(campaign string) string { return "fc:{" + campaign + "}:news" }

// Carry keeps and tells all parcels.
func (c *Client) Carry(ctx context.Context, parcels []cache.Parcel) error {
	err := c.tell(ctx, parcels)
	if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
		if err = c.loadScript(ctx); err == nil {
			err = c.tell(ctx, parcels)
		}
	}
	if err != nil {
		return fmt.Errorf("redis tell: %w", err)
	}
	return nil
}

func (c *Client) tell(ctx context.Context, parcels []cache.Parcel) error {
	_, err := c.driver.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i := range parcels {
			p := &parcels[i]
			tellScript.EvalSha(ctx, pipe, []string{accountKey(p.Campaign)}, c.news+p.Campaign, p.State, p.Message, p.Own, accountLife.Milliseconds())
		}
		return nil
	})
	return err
}

// loadScript gives the script to every master.
func (c *Client) loadScript(ctx context.Context) error {
	if cluster, ok := c.driver.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, m *redis.Client) error { return tellScript.Load(ctx, m).Err() })
	}
	return tellScript.Load(ctx, c.driver).Err()
}

// Receivers reports whether anybody receives.
func (c *Client) Receivers(ctx context.Context, publishing bool) (bool, error) {
	var there *redis.IntCmd
	_, err := c.driver.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		there = pipe.Exists(ctx, receivers)
		if publishing {
			pipe.Publish(ctx, c.news, "")
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("redis receivers: %w", err)
	}
	return there.Val() > 0, nil
}

// States returns what is kept of campaigns.
func (c *Client) States(ctx context.Context, campaigns []string) ([][]byte, error) {
	return c.read(ctx, campaigns, func(pipe redis.Pipeliner, key string) *redis.StringCmd { return pipe.Get(ctx, key) })
}

// Ends returns the heads of what is kept of campaigns, and says that this node receives.
func (c *Client) Ends(ctx context.Context, campaigns []string) ([][]byte, error) {
	if err := c.driver.Set(ctx, receivers, "", receiverLife).Err(); err != nil {
		return nil, fmt.Errorf("redis receivers: %w", err)
	}
	return c.read(ctx, campaigns, func(pipe redis.Pipeliner, key string) *redis.StringCmd {
		return pipe.GetRange(ctx, key, 0, headBytes-1)
	})
}

// read sends one question for each campaign as one pipeline; nil: nothing is kept.
func (c *Client) read(ctx context.Context, campaigns []string, ask func(redis.Pipeliner, string) *redis.StringCmd) ([][]byte, error) {
	pipe := c.driver.Pipeline()
	var answers []*redis.StringCmd
	for _, id := range campaigns {
		answers = append(answers, ask(pipe, accountKey(id)))
	}
	if len(answers) == 0 {
		return nil, nil
	}
	_, _ = pipe.Exec(ctx) // each answer holds its own error
	values := make([][]byte, len(answers))
	for i, a := range answers {
		b, err := a.Bytes()
		switch {
		case err == nil && len(b) > 0:
			values[i] = b
		case err != nil && err != redis.Nil:
			return nil, fmt.Errorf("redis accounts: %w", err)
		}
	}
	return values, nil
}

// Ask asks the relays for campaigns.
func (c *Client) Ask(ctx context.Context, campaigns []string) error {
	_, err := c.driver.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, id := range campaigns {
			pipe.Publish(ctx, c.asks, id)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("redis ask: %w", err)
	}
	return nil
}
