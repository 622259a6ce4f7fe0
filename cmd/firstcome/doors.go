package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/net/netutil"

	"firstcome/api"
)

// connectionsMost bounds the open connections of one door. Beyond it new ones
// wait in the operating system's queue until others end.
const connectionsMost = 50_000

// door is one listener and what answers there.
type door struct {
	listener net.Listener
	server   *http.Server
	wait     time.Duration // for answers that are under way when it closes
}

// listen takes both addresses, or says of each what is wrong.
func listen(c *Config) (members, admins net.Listener, err error) {
	var wrong problems
	take := func(name, address string) net.Listener {
		l, err := net.Listen("tcp", address)
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

func newDoor(l net.Listener, h http.Handler, wait time.Duration, log *slog.Logger) *door {
	return &door{netutil.LimitListener(l, connectionsMost), api.HTTPServer(h, log), wait}
}

// run answers until ctx ends. Then nobody new is let in, and the answers that
// are under way are waited for.
func (d *door) run(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- d.server.Serve(d.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("answer at %s: %w", d.listener.Addr(), err)
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.wait)
	defer cancel()
	if err := d.server.Shutdown(limit); err != nil {
		_ = d.server.Close() // whoever is left was given all the time there is
	}
	<-failed
	return nil
}
