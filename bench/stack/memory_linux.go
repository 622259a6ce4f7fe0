package stack

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Memory is how many bytes of RAM the process uses (RssAnon: its own, without
// files that are mapped); 0 when it is not known.
func (p *Process) Memory() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid()))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10
		}
	}
	return 0
}

// Received is how many bytes the process has read so far, from files and, most of
// all, from sockets; 0 when it is not known.
func (p *Process) Received() int64 {
	io, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", p.Pid()))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(io)) {
		if rest, ok := strings.CutPrefix(line, "rchar: "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			return n
		}
	}
	return 0
}
