package api

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// asker is who reads, and how new an answer must be. It holds nothing of its
// request, so that a read may outlive that. A call of its own and a part of the
// view read through the same methods.
type asker struct {
	server *Server
	caller *caller            // nil: a passer-by
	seen   []engine.LogOffset // records that the client was told of
	exact  bool               // not older than the request
	tags   []string           // If-None-Match: versions that the client has seen
}

func (c *call) asker() (asker, error) {
	seen, err := c.seen()
	return asker{server: c.server, caller: c.caller, seen: seen, exact: c.exact(), tags: c.r.Header["If-None-Match"]}, err
}

// read says how new a state of a campaign must be.
func (a *asker) read(id string) engine.Read {
	read := engine.Read{Exact: a.exact}
	switch len(a.seen) {
	case 0:
		return read
	case 1:
		read.After = a.seen[0]
		return read
	}
	campaign, err := a.server.ports.Campaigns.Campaign(id)
	if err != nil {
		return read // nothing is known of it that could be older
	}
	for _, o := range a.seen {
		if o.Partition == campaign.Partition {
			read.After = o
		}
	}
	return read
}

// campaign reads any campaign, drafts too.
func (a *asker) campaign(ctx context.Context, id string) (engine.Campaign, error) {
	read := a.read(id)
	if read.After.Known || (read.Exact && a.caller != nil) { // a barrier costs a record: not for passers-by
		if err := a.server.ports.Campaigns.Sync(ctx, id, read); err != nil {
			return engine.Campaign{}, err
		}
	}
	return a.server.ports.Campaigns.Campaign(id)
}

// published reads a campaign as everybody sees it, encoded, and names a record that
// the answer includes.
func (a *asker) published(ctx context.Context, id string) (*printed, engine.LogOffset, error) {
	campaign, err := a.campaign(ctx, id)
	if err == nil && len(a.tags) > 0 {
		campaign, err = a.catchUp(ctx, campaign)
	}
	if err != nil {
		return nil, engine.LogOffset{}, err
	}
	if campaign.Status == fold.Draft {
		return nil, engine.LogOffset{}, notFound.is("") // what is not published does not exist
	}
	return a.server.prints.of(&campaign), engine.LogOffset{Partition: campaign.Partition, Offset: campaign.Next - 1, Known: campaign.Next > 0}, nil
}

// catchUpMost is how long a campaign is waited for whose newer state the client has
// seen on another node, as its tags say. This node follows the same log.
const catchUpMost = 500 * time.Millisecond

// catchUp returns the campaign once it is as new as the client has seen it, or as it
// is when that takes too long: the tags may be made up.
func (a *asker) catchUp(ctx context.Context, c engine.Campaign) (engine.Campaign, error) {
	var seen int64
	for _, line := range a.tags {
		for tag := range strings.SplitSeq(line, ",") {
			tag = strings.Trim(strings.TrimPrefix(strings.TrimSpace(tag), "W/"), `"`)
			if at, ours := strings.CutPrefix(tag, c.Epoch+"-"); ours {
				ev, _, _ := strings.Cut(at, ".")
				n, _ := strconv.ParseInt(ev, 10, 64)
				seen = max(seen, n)
			}
		}
	}
	if seen <= c.Ev {
		return c, nil
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpMost)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		newer, err := a.server.ports.Campaigns.Campaign(c.ID)
		if err != nil || newer.Ev >= seen {
			return newer, err
		}
		select {
		case <-ctx.Done():
			return newer, nil
		case <-tick.C:
		}
	}
}

// reach waits until this node knows everything that the client was told of.
func (a *asker) reach(ctx context.Context) error {
	for _, o := range a.seen {
		if err := a.server.ports.Campaigns.Reach(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// claim reads the caller's place in a campaign.
func (a *asker) claim(ctx context.Context, id string) (engine.Claim, error) {
	return a.server.ports.Claims.Mine(ctx, id, a.caller.member, a.read(id))
}

// history reads the caller's claims, newest first, as new as all records that the
// client was told of, in whatever partitions they are.
func (a *asker) history(ctx context.Context) (claims []engine.Claim, err error) {
	if err := a.reach(ctx); err != nil {
		return nil, err
	}
	claims, err = a.server.ports.Claims.History(ctx, a.caller.member, engine.Read{Exact: a.exact})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(claims, func(a, b engine.Claim) int { return whenClaimed(&a).compare(whenClaimed(&b)) })
	return claims, nil
}
