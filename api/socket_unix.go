//go:build unix

package api

import "syscall"

// hasSockets: this system's sockets can be written to without waiting.
const hasSockets = true

// readNow reads what is there: nothing when that is nothing, 0 at the end.
func readNow(fd uintptr, b []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), b)
		switch err {
		case nil:
			return n, nil
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return nothing, nil
		}
		return 0, err
	}
}

func boundSend(fd uintptr, bytes int) {
	_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, bytes) // only saves memory
}
