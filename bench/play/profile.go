package play

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Profile asks for a CPU profile of the first node while a play is measured.
type Profile struct {
	For  time.Duration // 0: none
	File string        // where it goes, for "go tool pprof"
}

// profile begins the profile and returns how to wait for it.
func (s *Stage) profile(ctx context.Context, a *admin) (wait func() error) {
	if s.Profile.For == 0 {
		return func() error { return nil }
	}
	done := make(chan error, 1)
	go func() { done <- s.Profile.take(ctx, a) }()
	return func() error { return <-done }
}

func (p Profile) take(ctx context.Context, a *admin) error {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", a.addr, max(int(p.For.Seconds()), 1))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("take a profile: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	resp, err := a.client.Do(req)
	if err != nil {
		return fmt.Errorf("take a profile: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("take a profile: %s", resp.Status)
	}
	if err := os.MkdirAll(filepath.Dir(p.File), 0o755); err != nil {
		return fmt.Errorf("take a profile: %w", err)
	}
	f, err := os.Create(p.File)
	if err != nil {
		return fmt.Errorf("take a profile: %w", err)
	}
	_, err = io.Copy(f, resp.Body)
	return errors.Join(err, f.Close())
}
