package api

import (
	"context"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// Feed is the live news of campaigns. *cache.Feed fulfils it, but for the type
// that Watch returns.
type Feed interface {
	// Watch opens a campaign's news for one more watcher, who must Leave it.
	// Drafts are engine.ErrNotFound.
	Watch(ctx context.Context, campaign string) (Reel, error)
	// Missing returns at most most frames behind an id as items of a JSON array,
	// and the position behind the last.
	Missing(ctx context.Context, campaign, after string, most int) (items []byte, position string, err error)
	// Changes returns at most most changes behind an id one by one, as
	// server-sent events, and the position behind the last.
	Changes(ctx context.Context, campaign, after string, most int) (events []byte, position string, err error)
	// Listen names who passes frames on: grown is called when tapes have grown,
	// told when a member who is minded has something new. Before it runs.
	Listen(grown func(), told func(campaign string, user fold.User))
}

// Reel is one campaign's news for one watcher. *cache.Reel fulfils it. Equal
// campaigns have equal reels.
type Reel interface {
	// Join returns what a watcher who has seen everything up to an id missed,
	// and where on the tape it goes on. ok is false when this node does not know
	// yet; who insists is given a reset instead.
	Join(after string, insist bool) (missed []byte, pos int64, ok bool)
	// Read returns what is on the tape from a position on, not always all of it:
	// whole frames when pos is behind one. ok is false when it is gone.
	Read(pos int64) (data []byte, ok bool)
	// Tail is the tape's end, the id of its last frame, and whether nothing comes
	// any more.
	Tail() (end int64, id string, over bool)
	// Mind asks for a member's own changes, or no more.
	Mind(user fold.User, on bool)
	// Leave ends the interest.
	Leave()
}

// Glances reads from memory alone. *engine.Engine fulfils it and says what is
// promised.
type Glances interface {
	User(subject string) fold.User
	Glance(campaign string, user fold.User) (engine.Claim, error)
	Following(campaign string) error
}
