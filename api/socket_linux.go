package api

import (
	"syscall"
	"unsafe"
)

// unsent is SIOCOUTQ: what the other side has not acknowledged. It keeps
// growing old at a reader whose own buffer is full, long before ours is.
func unsent(fd uintptr) int {
	var n int32
	if _, _, err := syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCOUTQ, uintptr(unsafe.Pointer(&n))); err != 0 {
		return 0
	}
	return int(n)
}
