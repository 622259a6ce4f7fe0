package play

import (
	"context"
	"fmt"
	"time"

	"firstcome/bench/load"
	"firstcome/bench/stack"
	"firstcome/bench/watch"
)

// plainly measures the plain stream with the same crowds: memory, deliveries,
// and all coming back at once.
func (st *streams) plainly(ctx context.Context, set *seriesSet) error {
	if st.Plain == nil {
		return nil
	}
	h, err := st.Plain(ctx)
	if err != nil {
		return err
	}
	defer h.Close()
	if err := st.plainIdle(ctx, h); err != nil {
		return err
	}
	late := &arrivals{}
	c, err := st.plainCrowd(ctx, h, st.Readers, late.hear)
	if err != nil {
		return err
	}
	late.take(newSeriesSet(), "")
	total := int(st.Rate * st.For.Seconds())
	before, frames := h.CPU(), c.Frames()
	if err := st.happen(ctx, h, "plain: hearing", total, st.Rate); err != nil {
		c.Stop()
		return err
	}
	used := h.CPU() - before
	name := fmt.Sprintf("plain net/http, %d streams", st.Readers)
	late.take(set, name)
	set.draw(name)
	st.figure("plain net/http: CPU for a million deliveries", used.Seconds()/float64(c.Frames()-frames)*1e6, "s")
	return st.plainBack(ctx, h, c, int64(total))
}

func (st *streams) plainIdle(ctx context.Context, h *stack.Handler) error {
	few, err := st.plainCrowd(ctx, h, 10, nil)
	if err != nil {
		return err
	}
	defer few.Stop()
	before := h.Memory()
	c, err := st.plainCrowd(ctx, h, st.Idle, nil)
	if err != nil {
		return err
	}
	defer c.Stop()
	st.figure("plain net/http: memory for each idle stream", float64(h.Memory()-before)/1024/float64(st.Idle), "KiB")
	return nil
}

func (st *streams) plainCrowd(ctx context.Context, h *stack.Handler, n int, heard func(watch.Event, time.Time)) (*watch.Crowd, error) {
	c := watch.Gather(n, func(int) *watch.Watcher {
		return &watch.Watcher{Addrs: []string{h.Addr}, Campaign: "plain", Heard: heard}
	})
	c.Start(ctx, openPerSecond)
	wait, cancel := context.WithTimeout(ctx, time.Duration(n)*time.Second/openPerSecond+time.Minute)
	defer cancel()
	if err := c.Until(wait, "connected", (*watch.Watcher).Connected); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// happen posts, so that there is something to hear.
func (st *streams) happen(ctx context.Context, h *stack.Handler, what string, total int, rate float64) error {
	conn := load.NewConn(h.Addr)
	defer conn.Close()
	count := newCounter(st.Stage, what, total)
	var failed error
	err := load.Open(ctx, rate, total, 1, func(int, load.Arrival) {
		if _, err := conn.Do(load.NewRequest("POST", h.Addr, "/happen", "", "")); err != nil {
			failed = err
		}
		count.one()
	})
	if err == nil {
		err = failed
	}
	return err
}

func (st *streams) plainBack(ctx context.Context, h *stack.Handler, c *watch.Crowd, told int64) error {
	c.Stop()
	if err := st.happen(ctx, h, "plain: while nobody hears", st.Missed, 500); err != nil {
		return err
	}
	before, start := h.CPU(), time.Now()
	c.Start(ctx, 0)
	defer c.Stop()
	wait, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	last := told + int64(st.Missed)
	if err := c.Until(wait, "up to date", func(w *watch.Watcher) bool { return w.Page().Last >= last }); err != nil {
		return err
	}
	st.figure("plain net/http: until all who come back at once know what they missed", time.Since(start).Seconds(), "s")
	st.figure("plain net/http: CPU for that", (h.CPU() - before).Seconds(), "s")
	return nil
}
