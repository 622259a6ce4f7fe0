package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// notice says once per run of "go test", on its standard error, which services
// are missing. "go test" hides what a passing package prints, and a skip that
// nobody sees is a lie; so the line goes to where the go command itself writes,
// if that is a terminal or a pipe. Anything unexpected means silence.
func notice() {
	parent := os.Getppid()
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", parent))
	if err != nil || strings.TrimSpace(string(name)) != "go" {
		return // somebody runs the test binary and sees its skips
	}
	sweep.Do(removeOrphans)
	// The first of the run's test processes makes the mark; the sweep removes it.
	mark := filepath.Join(os.TempDir(), fmt.Sprintf("%s%d-notice", dirPrefix, parent))
	if os.Mkdir(mark, 0o700) != nil {
		return
	}
	path := fmt.Sprintf("/proc/%d/fd/2", parent)
	info, err := os.Stat(path)
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeCharDevice) == 0 {
		return // a second handle on a plain file would overwrite it
	}
	out, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return
	}
	defer out.Close()
	fmt.Fprint(out, noticeText())
}
