package api

import (
	"syscall"
	"unsafe"
)

// writeNow writes what fits. No room is 0 bytes and no error. It is called for
// each delivery, and never waits, so the scheduler need not hear of it.
func writeNow(fd uintptr, b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		n, _, err := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch err {
		case 0:
			return int(n), nil
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return 0, nil
		}
		return 0, err
	}
}

// unsent is SIOCOUTQ: what the other side has not acknowledged. It keeps
// growing old at a reader whose own buffer is full, long before ours is.
func unsent(fd uintptr) int {
	var n int32
	if _, _, err := syscall.RawSyscall(syscall.SYS_IOCTL, fd, syscall.TIOCOUTQ, uintptr(unsafe.Pointer(&n))); err != 0 {
		return 0
	}
	return int(n)
}
