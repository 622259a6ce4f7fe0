package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

const dirPrefix = "firstcome-stack-"

var sweep sync.Once

// newDir makes a temporary folder that names this process, and once per
// process removes the folders of processes that have died. Others may enter
// but not list it: PostgreSQL runs as another user.
func newDir(what string) (string, error) {
	sweep.Do(removeOrphans)
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-%s-", dirPrefix, os.Getpid(), what))
	if err != nil {
		return "", fmt.Errorf("make a folder for %s: %w", what, err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return "", fmt.Errorf("make a folder for %s: %w", what, err)
	}
	return dir, nil
}

// removeOrphans removes what a killed process could not. Errors are left to
// the next one: the folder may be another user's.
func removeOrphans() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*"))
	for _, dir := range dirs {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), dirPrefix), "-")
		if n, err := strconv.Atoi(pid); err == nil && n > 0 && !alive(n) {
			_ = os.RemoveAll(dir)
		}
	}
}
