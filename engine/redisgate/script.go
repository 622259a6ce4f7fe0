package redisgate

import (
	"context"
	"crypto/sha1"
	_ "embed"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"
)

var (
	//go:embed lease.lua
	leaseSource string
	//go:embed flush.lua
	flushSource string
	//go:embed read.lua
	readSource string
	//go:embed unlock.lua
	unlockSource string

	leaseScript  = newScript(leaseSource)
	flushScript  = newScript(flushSource)
	readScript   = newScript(readSource)
	unlockScript = newScript(unlockSource)
)

// script is a Lua script and the name that Redis knows it by.
type script struct{ source, sha string }

func newScript(source string) script {
	sum := sha1.Sum([]byte(source)) // Redis names scripts by SHA-1
	return script{source, hex.EncodeToString(sum[:])}
}

// onKeys returns the call of a gate's script, by its SHA.
func (s script) onKeys(ctx context.Context, campaign string, args ...any) *redis.Cmd {
	all := make([]any, 0, 7+len(args))
	all = append(all, "evalsha", s.sha, 4)
	for _, key := range gateKeys(campaign) {
		all = append(all, key)
	}
	return redis.NewCmd(ctx, append(all, args...)...)
}

// remember keeps a script's source by its SHA, for a Redis that does not know it.
func (c *Client) remember(s script) {
	if _, ok := c.scripts.Load(s.sha); !ok {
		c.scripts.Store(s.sha, s.source)
	}
}

// load gives every master the scripts that the calls need. It may be repeated.
func (c *Client) load(ctx context.Context, calls []*redis.Cmd) error {
	var sources []string
	for _, call := range calls {
		sha, _ := call.Args()[1].(string)
		source, ok := c.scripts.Load(sha)
		if !ok {
			return fmt.Errorf("the script %q is not one of ours", sha)
		}
		if s := source.(string); !slices.Contains(sources, s) {
			sources = append(sources, s)
		}
	}
	loadOn := func(ctx context.Context, server *redis.Client) error {
		_, err := server.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for _, source := range sources {
				pipe.ScriptLoad(ctx, source)
			}
			return nil
		})
		return err
	}
	switch driver := c.driver.(type) {
	case *redis.ClusterClient:
		return driver.ForEachMaster(ctx, loadOn)
	case *redis.Client:
		return loadOn(ctx, driver)
	}
	return fmt.Errorf("no scripts on a %T", c.driver)
}
