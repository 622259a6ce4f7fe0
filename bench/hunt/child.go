package hunt

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"firstcome/bench/history"
	"firstcome/bench/sim"
)

// stalls is how long one seed may take of real time: a process that says
// nothing for so long goes round in a circle, and that is a finding.
const stalls = 60 * time.Second

// Program is the simulation, compiled for this machine.
type Program struct{ path string }

// Build compiles the simulation of the module that the working directory
// belongs to. overlay is the path of a file as "go build -overlay" takes it, or
// empty.
func Build(ctx context.Context, dir, overlay string) (*Program, error) {
	path := filepath.Join(dir, "sim.test")
	return &Program{path}, compile(ctx, path, overlay)
}

// compile builds the test program of bench/sim, with further variables of the environment.
func compile(ctx context.Context, path, overlay string, env ...string) error {
	args := []string{"test", "-c", "-o", path}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "firstcome/bench/sim")...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the simulation: %w:\n%s", err, bytes.TrimSpace(out))
	}
	return nil
}

// Seeds plays some seeds in one process and hands each outcome on. A process
// that dies or stalls ends the call with that seed's violation as its last outcome.
func (p *Program) Seeds(ctx context.Context, first uint64, n int, each func(sim.Line)) error {
	return p.run(ctx, nil, each, "-sim.first", fmt.Sprint(first), "-sim.seeds", fmt.Sprint(n))
}

// Plan plays one plan and tells everything.
func (p *Program) Plan(ctx context.Context, plan *sim.Plan) (sim.Line, error) {
	in, err := encode(plan)
	if err != nil {
		return sim.Line{}, err
	}
	var got sim.Line
	err = p.run(ctx, in, func(l sim.Line) { got = l }, "-sim.plans")
	return got, err
}

func encode(plan *sim.Plan) ([]byte, error) {
	in, err := json.Marshal(plan)
	if err != nil {
		return nil, fmt.Errorf("encode a plan: %w", err)
	}
	return append(in, '\n'), nil
}

func (p *Program) run(ctx context.Context, in []byte, each func(sim.Line), args ...string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.path, append([]string{"-test.run", "^TestSeeds$", "-test.timeout", "0", "-sim.tell"}, args...)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=200")
	cmd.Stdin = bytes.NewReader(in)
	complaints := &tail{most: 8 << 10}
	cmd.Stderr = complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("run the simulation: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("run the simulation: %w", err)
	}
	r := reader{each: each, stall: func() { _ = cmd.Process.Kill() }}
	r.read(out)
	err = cmd.Wait()
	return r.end(ctx, err, complaints.String())
}

// reader takes a child's lines. It belongs to one goroutine.
type reader struct {
	each    func(sim.Line)
	stall   func()
	begun   *uint64 // announced, and no outcome yet
	stalled bool
	text    tail // what it printed besides
}

func (r *reader) read(out io.Reader) {
	lines := bufio.NewReaderSize(out, 1<<20)
	r.text.most = 8 << 10
	for {
		watch := time.AfterFunc(stalls, func() { r.stall() })
		line, err := lines.ReadBytes('\n')
		r.stalled = r.stalled || !watch.Stop()
		if err != nil {
			return
		}
		var l sim.Line
		switch {
		case line[0] != '{' || json.Unmarshal(line, &l) != nil:
			_, _ = r.text.Write(line)
		case l.Begun:
			r.begun = &l.Seed
		default:
			r.begun = nil
			r.each(l)
		}
	}
}

// end turns the death of a child into the outcome of the seed that it played.
func (r *reader) end(ctx context.Context, err error, complaints string) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case r.begun != nil && r.stalled:
		r.each(sim.Line{Seed: *r.begun, Violations: []history.Violation{{Rule: "stall", Detail: fmt.Sprintf("no end after %v: something goes round without rest, or waits for a lock for ever", stalls)}}})
		return errDied
	case r.begun != nil:
		r.each(sim.Line{Seed: *r.begun, Violations: []history.Violation{{Rule: "panic", Detail: firstLines(r.text.String() + complaints)}}})
		return errDied
	case err != nil:
		return fmt.Errorf("the simulation ended: %w: %s", err, firstLines(r.text.String()+complaints))
	}
	return nil
}

var errDied = errors.New("the process died")

func firstLines(s string) string {
	lines := strings.SplitN(strings.TrimSpace(s), "\n", 13)
	return strings.Join(lines[:min(len(lines), 12)], "\n")
}

// tail keeps the beginning of what is written, and drops the rest.
type tail struct {
	most int
	buf  bytes.Buffer
}

func (t *tail) Write(b []byte) (int, error) {
	if left := t.most - t.buf.Len(); left > 0 {
		t.buf.Write(b[:min(left, len(b))])
	}
	return len(b), nil
}

func (t *tail) String() string { return t.buf.String() }
