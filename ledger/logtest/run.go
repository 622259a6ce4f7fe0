package logtest

import (
	"context"
	"testing"

	"firstcome/engine"
)

// Partitions is the number of partitions of the logs under test.
const Partitions = 4

// Log is a log that can be closed.
type Log interface {
	engine.Log
	Close(context.Context) error
}

// Opener opens a log; opened again, after it was closed, it is the same log.
// maxQueued bounds the appends under way, 0 is the implementation's default.
type Opener func(t testing.TB, maxQueued int) Log

// Run holds an implementation against the contract. fresh makes a new, empty
// log of Partitions partitions and returns how to open it.
func Run(t *testing.T, fresh func(t *testing.T) Opener) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Opener)
	}{
		{"an empty log describes itself", testDescribe},
		{"appends come back in order, dense, answered once", testAppend},
		{"a value may be used again", testValueReuse},
		{"a wrong partition is refused", testWrongPartition},
		{"a full buffer refuses and appends nothing", testFull},
		{"a follower starts anywhere", testFollowFrom},
		{"an offset beyond the end is a loss", testBeyondEnd},
		{"followers do not disturb one another", testTwoFollowers},
		{"a blocked partition does not stop the others", testBlocked},
		{"a sink's error ends one partition", testSinkError},
		{"no partition left ends the follower", testAllEnded},
		{"silence is told", testSilence},
		{"nothing is claimed that is not known", testClaims},
		{"any history follows the model", testModel},
		{"closed and opened again it is the same log", testReopen},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, fresh(t)) })
	}
}

// open opens a log and closes it at the test's end.
func open(t *testing.T, opener Opener, maxQueued int) Log {
	t.Helper()
	log := opener(t, maxQueued)
	t.Cleanup(func() { shut(t, log) })
	return log
}

// shut closes a log. A test that closed it itself gets an error that is not looked at.
func shut(t testing.TB, log Log) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return log.Close(ctx)
}

// follow follows in the background until the returned function is called, which
// returns what Follow returned.
func follow(t *testing.T, log engine.Log, from []int64, sink engine.Sink) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- log.Follow(ctx, from, sink) }()
	var err error
	ended := false
	stop = func() error {
		cancel()
		if !ended {
			ended = true
			err = <-result
		}
		return err
	}
	t.Cleanup(func() { stop() })
	return stop
}

// all are the offsets that follow every partition from one on.
func all(offset int64) []int64 {
	from := make([]int64, Partitions)
	for p := range from {
		from[p] = offset
	}
	return from
}

// fill appends n values to each partition and waits for the answers.
func fill(t *testing.T, log engine.Log, n int) *Answers {
	t.Helper()
	a := NewAnswers()
	for p := range int32(Partitions) {
		for _, v := range Values(string('a'+rune(p)), n) {
			if err := a.Append(log, p, v); err != nil {
				t.Fatalf("append: %v", err)
			}
		}
	}
	a.Await(t)
	return a
}
