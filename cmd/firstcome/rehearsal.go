package main

import (
	"os"
	"strings"
	"time"
)

// Two variables are for whoever rehearses faults on real processes, and are no
// keys: they have no flag, no line in a file, and no place in production.
//
//	FIRSTCOME_REHEARSE_CLOCK=path     this machine's clock is wrong by the duration
//	                                  in that file, as "-1h"; it is read again each time
//	FIRSTCOME_REHEARSE_LOCKLESS=true  Redsync is left out
const (
	rehearseClock    = "REHEARSE_CLOCK"
	rehearseLockless = "REHEARSE_LOCKLESS"
)

// rehearsedWall is this machine's clock as a rehearsal wants it; nil: as it is.
// A file that cannot be read leaves the clock right.
func rehearsedWall(environ []string) func() time.Time {
	path := getenv(environ, envPrefix+rehearseClock)
	if path == "" {
		return nil
	}
	return func() time.Time {
		text, err := os.ReadFile(path)
		if err != nil {
			return time.Now()
		}
		wrong, err := time.ParseDuration(strings.TrimSpace(string(text)))
		if err != nil {
			return time.Now()
		}
		return time.Now().Add(wrong)
	}
}

// rehearsedLockless reports whether a rehearsal wants to go without Redsync.
func rehearsedLockless(environ []string) bool {
	return getenv(environ, envPrefix+rehearseLockless) == "true"
}
