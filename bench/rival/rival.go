// Package rival builds what a user would pick instead of firstcome, to be held
// against it under the same load and the same faults.
package rival

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// BuildNaive compiles the Redis-first engine of ./naive, which is known to be
// bad, into a folder and returns the program's path. It takes the place of
// firstcome in stack.DeploymentOptions.Program; its Settings may name a
// NAIVE_VARIANT.
func BuildNaive(ctx context.Context, dir string) (string, error) {
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("build naive: find the module: %w", err)
	}
	program := filepath.Join(dir, "naive")
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "badengine", "-o", program, "./bench/rival/naive")
	cmd.Dir = filepath.Dir(strings.TrimSpace(string(mod)))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build naive: %w:\n%s", err, bytes.TrimSpace(out))
	}
	return program, nil
}
