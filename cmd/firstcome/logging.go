package main

import (
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"
)

// logger is the program's own, to standard error: what a node says is not a
// result. No field of it is a member's name, a token or a key.
func (h *hall) logger(c *Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "text" || c.LogFormat == "" && isTerminal(h.err) {
		return slog.New(slog.NewTextHandler(h.err, options))
	}
	return slog.New(slog.NewJSONHandler(h.err, options))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// silent is for verbs that tell what is wrong themselves.
func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }
