package redisgate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"firstcome/engine"
)

// maxCount bounds the length of a count's name. Names come from closed sets.
const maxCount = 128

// Counter keeps tallies in one hash a campaign, moved by HINCRBY: late numbers.
type Counter struct{ client *Client }

var _ engine.Counter = (*Counter)(nil)

// NewCounter returns the counter of a client.
func NewCounter(c *Client) *Counter { return &Counter{c} }

// Add adds all counts of all campaigns in one pipeline (of more than 32 calls: one for
// each 32). It must not be repeated after an error if nothing may count twice:
// some or all of it may have been added.
//
// A count that holds no number, or a key of another type, begins anew with what is added:
// a damaged tally must not stop the others for ever.
func (c *Counter) Add(ctx context.Context, counts map[string]map[string]int64) error {
	var calls []*redis.Cmd
	var names []string
	for campaign, fields := range counts {
		if err := checkID(campaign); err != nil {
			return err
		}
		for field, n := range fields {
			if field == "" || len(field) > maxCount {
				return fmt.Errorf("count %s: a name of %d bytes, not 1 to %d", campaign, len(field), maxCount)
			}
			if n != 0 {
				calls = append(calls, redis.NewCmd(ctx, "hincrby", tallyKey(campaign), field, n))
				names = append(names, campaign)
			}
		}
		calls = append(calls, redis.NewCmd(ctx, "pexpire", tallyKey(campaign), tallyLife.Milliseconds()))
		names = append(names, campaign)
	}
	if len(calls) == 0 {
		return nil
	}
	_, err := within(ctx, c.client, "add", func(ctx context.Context) (struct{}, error) {
		err := c.client.sendAll(ctx, calls, names)
		if err != nil {
			err = c.mend(ctx, calls, names)
		}
		return struct{}{}, err
	})
	return err
}

// mend sets the counts anew that Redis refused to add to; a refusal has added nothing.
func (c *Counter) mend(ctx context.Context, calls []*redis.Cmd, names []string) error {
	var errs []error
	var anew []*redis.Cmd
	var anewNames []string
	dropped := make(map[any]bool)
	for i, call := range calls {
		err := call.Err()
		if err == nil {
			continue
		}
		args := call.Args()
		wrongType := code(err) == "WRONGTYPE"
		if !wrongType && code(err) != "ERR" || args[0] != "hincrby" {
			errs = append(errs, fmt.Errorf("%s: %w", names[i], err))
			continue
		}
		if wrongType && !dropped[args[1]] {
			dropped[args[1]] = true
			anew, anewNames = append(anew, redis.NewCmd(ctx, "del", args[1])), append(anewNames, names[i])
		}
		anew, anewNames = append(anew, redis.NewCmd(ctx, append([]any{"hset"}, args[1:]...)...)), append(anewNames, names[i])
	}
	return errors.Join(append(errs, c.client.sendAll(ctx, anew, anewNames))...)
}

// code is the first word of a server's error, "" of any other error.
func code(err error) string {
	var server redis.Error
	if !errors.As(err, &server) {
		return ""
	}
	word, _, _ := strings.Cut(server.Error(), " ")
	return word
}

// Counts returns a campaign's counts; what is no number is left out.
func (c *Counter) Counts(ctx context.Context, campaign string) (map[string]int64, error) {
	if err := checkID(campaign); err != nil {
		return nil, err
	}
	return within(ctx, c.client, "counts", func(ctx context.Context) (map[string]int64, error) {
		fields, err := c.client.driver.HGetAll(ctx, tallyKey(campaign)).Result()
		if err != nil {
			return nil, err
		}
		counts := make(map[string]int64, len(fields))
		for field, value := range fields {
			if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				counts[field] = n
			}
		}
		return counts, nil
	})
}
