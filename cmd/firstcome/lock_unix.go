//go:build unix

package main

import (
	"errors"
	"os"
	"syscall"
)

// lockExclusively takes the file's lock until the file is closed or the process
// ends, however it ends. errHeld when another process has it.
func lockExclusively(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errHeld
	}
	return err
}
