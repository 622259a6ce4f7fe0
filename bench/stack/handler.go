package stack

import (
	"context"
	"os"
	"strconv"
)

// Handler is a small server that something is measured against.
type Handler struct {
	*Process
	Addr string // host:port
	dir  string
}

// StartHandler starts any program that takes host:port as its last argument
// and listens there, and waits until it does.
func StartHandler(ctx context.Context, program string, args ...string) (*Handler, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	h := &Handler{Addr: "127.0.0.1:" + strconv.Itoa(port)}
	if h.dir, err = newDir("handler"); err != nil {
		return nil, err
	}
	h.Process, err = StartProcess(Spec{Name: "handler", Path: program, Args: append(args, h.Addr), Dir: h.dir})
	if err != nil {
		_ = os.RemoveAll(h.dir)
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if err := h.Process.Ready(ctx, func(ctx context.Context) error { return dial(ctx, h.Addr) }); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// Close ends it.
func (h *Handler) Close() {
	h.Kill()
	_ = os.RemoveAll(h.dir)
}
