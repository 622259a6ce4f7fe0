package main

import (
	"net"
	"syscall"
)

// lastInLine lets nobody new stand in line at a listener. A connection that the
// operating system has taken and nobody has accepted is cut when the listener
// closes, in the midst of its first request. So first no more are taken: their
// first packets (SYN without ACK) are dropped, and when they are sent again a
// second later they are refused. False: the system does not know how.
func lastInLine(l net.Listener) bool {
	filter := []syscall.SockFilter{
		{Code: syscall.BPF_LD | syscall.BPF_B | syscall.BPF_ABS, K: 13}, // the flags of the TCP header
		{Code: syscall.BPF_ALU | syscall.BPF_AND | syscall.BPF_K, K: 0x12},
		{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, K: 0x02, Jf: 1},
		{Code: syscall.BPF_RET | syscall.BPF_K, K: 0},
		{Code: syscall.BPF_RET | syscall.BPF_K, K: 0xffffffff},
	}
	done := false
	control(l, func(fd int) { done = syscall.AttachLsf(fd, filter) == nil })
	return done
}

// unread reports whether a connection has sent something that nobody has read.
func unread(c net.Conn) bool {
	some := false
	control(c, func(fd int) {
		n, _, err := syscall.Recvfrom(fd, make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		some = err == nil && n > 0
	})
	return some
}

// control hands a socket's descriptor to f; not at all when it is closed.
func control(socket any, f func(fd int)) {
	s, ok := socket.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := s.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { f(int(fd)) }) // a closed one has nothing to say
	}
}
