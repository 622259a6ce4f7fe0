//go:build !linux

package stack

import (
	"context"
	"os"
	"syscall"
	"time"
)

// Nothing is started here: program says so before any of these is reached.
const supported = false

type account struct{}

func attributes(*account) *syscall.SysProcAttr { return nil }
func unprivileged() (*account, error)          { return nil, ErrMissing }
func (*account) own(string) error              { return ErrMissing }
func alive(int) bool                           { return true }
func send(int, os.Signal)                      {}
func descendants(int) []int                    { return nil }

var signalKill, signalStop, signalFast, signalPause, signalResume = os.Kill, os.Kill, os.Kill, os.Kill, os.Kill

func lockFile(context.Context, string) (func(), error) { return nil, ErrMissing }

// CPU is known on Linux only.
func (p *Process) CPU() time.Duration { return 0 }

// Memory is not known on this system.
func (p *Process) Memory() int64 { return 0 }

// Received is not known here.
func (p *Process) Received() int64 { return 0 }
