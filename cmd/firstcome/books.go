package main

import (
	"context"

	"firstcome/api"
	"firstcome/engine"
)

// books is the room ledger, joined.
type books struct{}

func (r *rooms) openLedger(ctx context.Context, c *Config, t tools, data *dataDir) error { return nil }

func (b *books) join(e *engine.Engine, ports engine.Ports, t tools) error { return nil }

func (b *books) doors(e *engine.Engine) api.Ports {
	return api.Ports{Claims: e, Campaigns: e, Verbs: e, Register: e, Node: e}
}

func (b *books) runs(writes bool) []line { return nil }
