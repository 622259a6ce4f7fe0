package main

import (
	"io"
	"log/slog"
	"os"
	"sync"

	"golang.org/x/term"

	"firstcome/engine/redisgate"
)

// driverLog is done once: the Redis driver has one logger for the whole process.
var driverLog sync.Once

// nameDriver gives the Redis driver's own words to a logger.
func nameDriver(log *slog.Logger) { driverLog.Do(func() { redisgate.DriverLog(log) }) }

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
