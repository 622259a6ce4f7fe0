package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// dataDir is the directory of what is embedded, held by this process alone.
type dataDir struct {
	path string
	lock *os.File
}

// tenant is who runs in a data directory, as its lock file tells.
type tenant struct {
	PID     int       `json:"pid"`
	Since   time.Time `json:"since"`
	Members string    `json:"members"` // addresses that really listen
	Admins  string    `json:"admins"`
}

// errHeld: another process uses the directory.
var errHeld = errors.New("another process uses it")

const (
	lockFile   = "running.json"
	secretFile = "secret"
)

// openDataDir makes the directory when it is absent (0700) and takes it for
// this process until close. A second process is told who has it.
func openDataDir(path string) (*dataDir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the data directory %s: %w", path, err)
	}
	f, err := os.OpenFile(filepath.Join(abs, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("take the data directory: %w", err)
	}
	switch err := lockExclusively(f); {
	case errors.Is(err, errHeld):
		f.Close()
		return nil, fmt.Errorf("data = %q: %w%s; right would be another directory, or to end that process first", path, errHeld, describeTenant(abs))
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("take the data directory %s: %w", abs, err)
	}
	return &dataDir{path: abs, lock: f}, nil
}

func describeTenant(path string) string {
	t, ok := readTenant(path)
	if !ok {
		return ""
	}
	return fmt.Sprintf(" (process %d, since %s, members at %s)", t.PID, t.Since.Format(time.DateTime), t.Members)
}

// announce writes down who runs here and where, for the verbs that look for the
// server and for whoever starts a second one.
func (d *dataDir) announce(members, admins string) error {
	text, err := json.Marshal(tenant{os.Getpid(), time.Now().UTC().Truncate(time.Second), members, admins})
	if err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	if err := d.lock.Truncate(0); err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	if _, err := d.lock.WriteAt(append(text, '\n'), 0); err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	return nil
}

// close gives the directory back.
func (d *dataDir) close() error {
	return errors.Join(d.lock.Truncate(0), d.lock.Close())
}

// readTenant tells who runs in a directory; the text may be left over from a
// process that was killed.
func readTenant(path string) (tenant, bool) {
	var t tenant
	text, err := os.ReadFile(filepath.Join(path, lockFile))
	return t, err == nil && json.Unmarshal(text, &t) == nil
}

// secret returns the secret kept in the directory, and makes it at first start.
// It is on the disk before it is used: what it sealed must open again.
func (d *dataDir) secret() (Secret, error) {
	s, err := readSecret(d.path)
	if !errors.Is(err, os.ErrNotExist) {
		return s, err
	}
	var fresh [32]byte
	rand.Read(fresh[:])
	if err := writeNew(filepath.Join(d.path, secretFile), hex.EncodeToString(fresh[:])+"\n"); err != nil {
		return Secret{}, fmt.Errorf("keep the secret: %w", err)
	}
	return Secret{fresh, true}, nil
}

// readSecret reads the secret kept in a directory. os.ErrNotExist.
func readSecret(path string) (Secret, error) {
	name := filepath.Join(path, secretFile)
	text, err := os.ReadFile(name)
	if err != nil {
		return Secret{}, fmt.Errorf("read the secret: %w", err)
	}
	s, err := parseSecret(strings.TrimSpace(string(text)))
	if err != nil || !s.known {
		return Secret{}, fmt.Errorf("the secret in %s is damaged; without it the sealed answers cannot be read", name)
	}
	return s, nil
}

// writeNew writes a file that was not there, whole or not at all, for its owner only.
func writeNew(name, text string) error {
	temp := name + ".new"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, name); err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}

// syncDir makes a rename durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
