package stack

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// What install.sh fetches for the tests in a browser.
var (
	//go:embed package-lock.json
	npmLock []byte
	//go:embed requirements.txt
	pipLock []byte
)

// Chromium returns the path of the browser.
func Chromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := program(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("chromium: %w", ErrMissing)
}

// BrowserTools returns the folder of what npm and pip fetched: node_modules and
// python. It is named after the lists of what is in it.
func BrowserTools() (string, error) {
	dir := os.Getenv("FIRSTCOME_BROWSER_TOOLS")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("look for axe: %w", err)
		}
		sum := sha256.Sum256(append(append([]byte{}, npmLock...), pipLock...))
		dir = filepath.Join(cache, "firstcome", "browser-"+hex.EncodeToString(sum[:])[:12])
	}
	if _, err := os.Stat(dir); err != nil {
		return "", fmt.Errorf("axe and clients of event streams in %s: %w", dir, ErrMissing)
	}
	return filepath.Abs(dir)
}

// CheckBrowser returns ErrMissing, wrapped, unless the pages can be tried in
// Chromium and the stream with other clients.
func CheckBrowser() error {
	if _, err := Chromium(); err != nil {
		return err
	}
	_, err := BrowserTools()
	return err
}

// NeedBrowser skips the test, or fails it with FIRSTCOME_REQUIRE_SERVICES=1, when
// Chromium or what is tried in it is not here.
func NeedBrowser(t testing.TB) {
	t.Helper()
	need(t, "a real browser", CheckBrowser())
}
