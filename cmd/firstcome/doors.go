package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"firstcome/api"
)

// connectionsMost bounds the open connections of one door. Beyond it new ones
// wait in the operating system's queue until others end.
const connectionsMost = 50_000

const (
	// lineGrace is how long those who stand in line when the end begins are let
	// in: a handshake that has begun takes one more trip.
	lineGrace = 250 * time.Millisecond
	// idleGrace is how long a connection may stay silent at the end until it is
	// closed without an answer that says so.
	idleGrace = time.Second
	// seeOffPoll is how often it is looked who is still there.
	seeOffPoll = 10 * time.Millisecond
)

// door is one listener and what answers there.
type door struct {
	lobby  *lobby
	server *http.Server
	end    *farewell
	wait   time.Duration // from the farewell on, for everybody who is still there
}

// plain is TCP without multipath, which the system would give a listener by
// default: it cannot close its line (see lastInLine).
var plain = func() (c net.ListenConfig) {
	c.SetMultipathTCP(false)
	return c
}()

// listen takes both addresses, or says of each what is wrong.
func listen(c *Config) (members, admins net.Listener, err error) {
	var wrong problems
	take := func(name, address string) net.Listener {
		l, err := plain.Listen(context.Background(), "tcp", address)
		if err != nil {
			wrong = append(wrong, listenProblem(c, name, address, err))
			return nil
		}
		return l
	}
	members, admins = take("listen", c.Listen), take("admin-listen", c.AdminListen)
	if wrong == nil {
		return members, admins, nil
	}
	for _, l := range []net.Listener{members, admins} {
		if l != nil {
			l.Close()
		}
	}
	return nil, nil, wrong
}

func listenProblem(c *Config, name, address string, err error) problem {
	p := problem{key: name, value: address, from: c.from[name], wrong: "cannot be listened on: " + err.Error(), right: "an address of this machine"}
	if p.from == "" {
		p.from = fromDefault
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		p.wrong, p.right = "somebody listens there already", "a free port, as --"+name+" 127.0.0.1:0 finds one"
	case errors.Is(err, syscall.EACCES):
		p.wrong, p.right = "this user may not listen there", "a port from 1024 on"
	}
	return p
}

// farewell is the end of all doors, which begins once: the node is not ready any
// more, and every answer is the last one of its connection.
type farewell struct {
	leave func()
	once  sync.Once
	at    time.Time
}

// begin returns when it began.
func (f *farewell) begin() time.Time {
	f.once.Do(func() {
		f.leave()
		f.at = time.Now()
	})
	return f.at
}

func newDoor(l net.Listener, h http.Handler, end *farewell, wait time.Duration, log *slog.Logger) *door {
	d := &door{newLobby(l, connectionsMost), api.HTTPServer(h, log), end, wait}
	d.server.ConnState = noted
	return d
}

// run answers until ctx ends. Then nobody new is let in, who asks is answered
// for the last time, and who stays silent is let go.
func (d *door) run(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- d.server.Serve(d.lobby) }()
	select {
	case err := <-failed:
		return fmt.Errorf("answer at %s: %w", d.lobby.Addr(), err)
	case <-ctx.Done():
	}
	began := d.end.begin()
	if lastInLine(d.lobby.Listener) {
		time.Sleep(lineGrace) // who stood in line is let in meanwhile
	}
	_ = d.lobby.Close() // Serve says the same
	<-failed
	d.seeOff(began)
	return nil
}

// seeOff waits until every connection is gone: with its last answer, which says
// so, or after a second without a request. A connection that the server closes
// while a request is on its way ends without an answer; so it only closes those
// on which nothing has come for a while.
func (d *door) seeOff(began time.Time) {
	tick := time.NewTicker(seeOffPoll)
	defer tick.Stop()
	for !d.lobby.empty() && time.Since(began) < d.wait {
		now := time.Now()
		if now.Sub(began) >= idleGrace {
			d.lobby.dismiss(now.Add(-idleGrace))
		}
		<-tick.C
	}
	_ = d.server.Close() // whoever is left was given all the time there is
}
