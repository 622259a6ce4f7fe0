package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Spec says how to run a child process.
type Spec struct {
	Name string   // in errors and in the name of its log file
	Path string   // the program
	Args []string // its arguments
	Env  []string // nil: this process' environment
	Dir  string   // its working directory, where <Name>.log is kept
	// Polite is the signal that asks it to end; nil: SIGTERM.
	Polite os.Signal

	as *account
}

// Process is a child process that can be ended, frozen and started again. Its
// methods may be called from any goroutine.
type Process struct {
	spec Spec

	mu   sync.Mutex // guards cmd and done; held for as long as a fork takes
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended and was waited for
}

// StartProcess starts a child process; its output goes to its log file. It is
// killed when this process dies.
func StartProcess(spec Spec) (*Process, error) {
	if spec.Polite == nil {
		spec.Polite = signalStop
	}
	p := &Process{spec: spec}
	return p, p.Start()
}

// Start starts a process that has ended once more: same arguments, same files.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running() {
		return fmt.Errorf("start %s: it is running", p.spec.Name)
	}
	log, err := os.OpenFile(p.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.spec.Name, err)
	}
	defer log.Close()
	cmd := exec.Command(p.spec.Path, p.spec.Args...)
	cmd.Dir, cmd.Env = p.spec.Dir, p.spec.Env
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = attributes(p.spec.as)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.spec.Name, err)
	}
	done := make(chan struct{})
	p.cmd, p.done = cmd, done
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(done)
	}()
	return nil
}

func (p *Process) running() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Running reports whether the process has not ended; a frozen one runs.
func (p *Process) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running()
}

// Done is closed when the process, as started last, has ended.
func (p *Process) Done() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

// Pid is the process' number, as started last.
func (p *Process) Pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Pid
}

// Kill ends the process and its children by SIGKILL, as a power cut would as
// far as other machines can tell, and waits until it is gone. Killing what has
// ended is no error.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return
	}
	pid := p.cmd.Process.Pid
	// The parent is frozen first, so that it can start no more children.
	_ = p.cmd.Process.Signal(signalPause)
	children := descendants(pid)
	_ = p.cmd.Process.Signal(signalKill)
	for _, child := range children {
		send(child, signalKill)
	}
	<-p.done
	// Not ours to wait for: whoever adopts orphans does. PostgreSQL does not
	// start again before the memory that they share is free.
	for end := time.Now().Add(stopTime); time.Now().Before(end) && slices.ContainsFunc(children, alive); {
		time.Sleep(time.Millisecond)
	}
}

// Stop asks the process to end and waits; when ctx ends first it is killed.
func (p *Process) Stop(ctx context.Context) error {
	p.mu.Lock()
	running, done := p.running(), p.done
	if running {
		_ = p.cmd.Process.Signal(p.spec.Polite)
	}
	p.mu.Unlock()
	if !running {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("stop %s: killed, it did not end: %w", p.spec.Name, ctx.Err())
	}
}

// Pause freezes the process and its children (SIGSTOP): connections stay open
// and nothing answers.
func (p *Process) Pause() { p.signalAll(signalPause) }

// Resume lets a frozen process go on.
func (p *Process) Resume() { p.signalAll(signalResume) }

func (p *Process) signalAll(s os.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return
	}
	_ = p.cmd.Process.Signal(s)
	for _, child := range descendants(p.cmd.Process.Pid) {
		send(child, s)
	}
}

// LogFile is where the process' output goes, all its runs after one another.
func (p *Process) LogFile() string {
	return filepath.Join(p.spec.Dir, p.spec.Name+".log")
}

// Tail returns the last lines of the process' output, at most 4 KiB of them.
func (p *Process) Tail(lines int) string {
	const most = 4 << 10
	f, err := os.Open(p.LogFile())
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > most {
		_, _ = f.Seek(-most, io.SeekEnd)
	}
	text, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// Ready waits until probe succeeds, asking every 10 ms, each time with a second
// to answer. It gives up when the process ends, or with ctx, and then tells
// the last error and the end of the process' log.
func (p *Process) Ready(ctx context.Context, probe func(context.Context) error) error {
	var last error
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	done := p.Done()
	for {
		one, cancel := context.WithTimeout(ctx, time.Second)
		last = probe(one)
		cancel()
		if last == nil {
			return nil
		}
		select {
		case <-done:
			return p.failed(errors.New("it ended at the start"))
		case <-ctx.Done():
			return p.failed(fmt.Errorf("not ready: %w", errors.Join(ctx.Err(), last)))
		case <-tick.C:
		}
	}
}

func (p *Process) failed(err error) error {
	return fmt.Errorf("%s: %w; the end of its log:\n%s", p.spec.Name, err, p.Tail(15))
}
