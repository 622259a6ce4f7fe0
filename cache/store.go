package cache

import (
	"context"
	"time"
)

// Store is the second level, which all nodes share. Every method may fail or be
// refused at once, and then nothing depends on it. All may be repeated.
type Store interface {
	// Get returns what is kept; nil when there is nothing.
	Get(ctx context.Context, key Key) ([]byte, error)
	// Keep replaces what is kept, unless that has a higher version: both begin
	// with versionWidth digits. Atomic.
	Keep(ctx context.Context, key Key, value []byte, life time.Duration) error
	// Append adds to what is kept if that is exactly have bytes long (0: there is
	// nothing), and reports whether it was. Atomic.
	Append(ctx context.Context, key Key, have int, more []byte, life time.Duration) (bool, error)
}

// Bus carries messages to all nodes, this one too. It may lose some.
type Bus interface {
	// Tell sends a message. nil means that it was sent, not that it arrived.
	Tell(ctx context.Context, message []byte) error
	// Listen calls heard with every message until ctx ends, and then returns nil.
	// After each (re)connection it calls heard(nil) first: what came before is lost.
	Listen(ctx context.Context, heard func(message []byte)) error
}
