package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const supported = true

// attributes let the kernel kill a child when its parent dies; it takes the
// thread that forked for the parent, and Go keeps its threads. The child gets
// a process group of its own, so that Ctrl-C at a terminal reaches only the
// parent, which then ends its children in order.
func attributes(as *account) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if as != nil {
		a.Credential = &syscall.Credential{Uid: as.uid, Gid: as.gid}
	}
	return a
}

// account is the system user that a child runs as.
type account struct{ uid, gid uint32 }

// unprivileged returns nil unless this process is root; then the account of
// PostgreSQL, or else of nobody.
func unprivileged() (*account, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("read the account %s: %w", name, err)
		}
		return &account{uint32(uid), uint32(gid)}, nil
	}
	return nil, errors.New("postgres does not run as root, and there is no account postgres or nobody")
}

func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

var (
	signalKill   os.Signal = syscall.SIGKILL
	signalStop   os.Signal = syscall.SIGTERM
	signalFast   os.Signal = syscall.SIGINT // PostgreSQL's "fast" shutdown
	signalPause  os.Signal = syscall.SIGSTOP
	signalResume os.Signal = syscall.SIGCONT
)

// alive reports whether a process with this number exists and has not ended.
func alive(pid int) bool {
	fields := stat(pid)
	return len(fields) > 0 && fields[0] != "Z" && fields[0] != "X"
}

// stat returns what the kernel tells of a process from its state on: state,
// parent, ...; nothing when there is none.
func stat(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	// pid (name) state parent ...; the name may hold anything but its last ")".
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
}

// send signals the children of a process that has not been waited for.
func send(pid int, s os.Signal) { _ = syscall.Kill(pid, s.(syscall.Signal)) }

// descendants lists the children of a process and theirs. PostgreSQL's
// backends leave their parent's group, so the group is not enough.
func descendants(pid int) []int {
	children := map[int][]int{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		child, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if fields := stat(child); len(fields) > 1 {
			parent, _ := strconv.Atoi(fields[1])
			children[parent] = append(children[parent], child)
		}
	}
	var all []int
	for queue := []int{pid}; len(queue) > 0; queue = queue[1:] {
		all = append(all, children[queue[0]]...)
		queue = append(queue, children[queue[0]]...)
	}
	return all
}

// lockFile takes a lock between processes; it ends with the process that holds it.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, ctx.Err()), f.Close())
		case <-tick.C:
		}
	}
	return func() { _ = f.Close() }, nil
}

// CPU returns how long the process and its living children have computed, in
// user and kernel mode. Its resolution is the kernel's tick: 10 ms.
func (p *Process) CPU() time.Duration {
	pid := p.Pid()
	total := time.Duration(0)
	for _, one := range append(descendants(pid), pid) {
		const user, kernel, waitedUser, waitedKernel, ticksPerSecond = 11, 12, 13, 14, 100
		fields := stat(one)
		if len(fields) <= waitedKernel {
			continue
		}
		for _, i := range []int{user, kernel, waitedUser, waitedKernel} {
			ticks, _ := strconv.ParseInt(fields[i], 10, 64)
			total += time.Duration(ticks) * (time.Second / ticksPerSecond)
		}
	}
	return total
}
