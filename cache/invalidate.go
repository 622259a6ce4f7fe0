package cache

import (
	"bytes"
	"context"
	"strconv"
	"time"
)

// Changes tells all nodes what has changed, and tells this node's readers what
// others say. A message that is lost is made good by the copies' short lives.
type Changes struct {
	bus     Bus
	metrics *Metrics
	readers map[string]follower // by kind; written before Run
}

// follower is a reader that hears of changes.
type follower interface {
	// raise says that an id has a version, at least.
	raise(id string, version int64)
	// doubt says that changes until now may have been missed.
	doubt()
}

// NewChanges joins the bus; nil: this node is alone.
func NewChanges(bus Bus, m *Metrics) *Changes {
	return &Changes{bus: bus, metrics: m, readers: map[string]follower{}}
}

// Follow makes a reader hear of changes. Call it before Run.
func Follow[T any](c *Changes, r *Reader[T]) { c.readers[r.kind.name] = r }

// Run listens until ctx ends, and then returns nil.
func (c *Changes) Run(ctx context.Context) error {
	if c.bus == nil {
		<-ctx.Done()
		return nil
	}
	return c.bus.Listen(ctx, c.hear)
}

// hear takes a message: a version, a space, a key. nil: some may have been lost.
func (c *Changes) hear(message []byte) {
	if message == nil {
		c.metrics.messages.WithLabelValues("missed").Inc()
		for _, r := range c.readers {
			r.doubt()
		}
		return
	}
	number, name, _ := bytes.Cut(message, []byte{' '})
	version, err := strconv.ParseInt(string(number), 10, 64)
	key, ok := parseKey(string(name))
	if err != nil || !ok || version < 0 || version > maxVersion {
		return // a node that knows other kinds than we do
	}
	c.metrics.messages.WithLabelValues("received").Inc()
	if r := c.readers[key.kind.name]; r != nil {
		r.raise(key.id, version)
	}
}

// tellWait bounds how long who makes a change waits until it is told.
const tellWait = 300 * time.Millisecond

// Changed says that the value of an id has a new version, which its source has
// already: copies that are older do not answer here any more, and soon nowhere.
func (r *Reader[T]) Changed(ctx context.Context, c *Changes, id string, version int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellWait)
	defer cancel()
	r.raise(id, version)
	_, _ = r.await(ctx, id, version) // so that the others find it in Redis; else they ask the source
	if c.bus == nil {
		return
	}
	message := append(strconv.AppendInt(nil, version, 10), ' ')
	result := "sent"
	if c.bus.Tell(ctx, append(message, r.cfg.Kind.Key(id).String()...)) != nil {
		result = "unsent" // the lives of the copies make it good
	}
	c.metrics.messages.WithLabelValues(result).Inc()
}

func (r *Reader[T]) raise(id string, version int64) { r.floors.raise(id, version, time.Now()) }

func (r *Reader[T]) doubt() { r.doubted.Store(time.Now().UnixNano()) }
