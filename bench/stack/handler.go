package stack

import (
	"context"
	"os"
	"strconv"
)

// StartHandler starts any program that takes host:port as its last argument
// and listens there, waits until it does, and returns where, and how to end it.
func StartHandler(ctx context.Context, program string, args ...string) (addr string, end func(), err error) {
	port, err := freePort()
	if err != nil {
		return "", nil, err
	}
	dir, err := newDir("handler")
	if err != nil {
		return "", nil, err
	}
	addr = "127.0.0.1:" + strconv.Itoa(port)
	p, err := StartProcess(Spec{Name: "handler", Path: program, Args: append(args, addr), Dir: dir})
	if err != nil {
		_ = os.RemoveAll(dir)
		return "", nil, err
	}
	end = func() {
		p.Kill()
		_ = os.RemoveAll(dir)
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if err := p.Ready(ctx, func(ctx context.Context) error { return dial(ctx, addr) }); err != nil {
		end()
		return "", nil, err
	}
	return addr, end, nil
}
