package locallog

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firstcome/engine"
	"firstcome/ledger/logtest"
)

const patience = 30 * time.Second

func testConfig(path string) Config {
	return Config{Path: path, Partitions: 2, Logger: slog.New(slog.DiscardHandler)}
}

func mustOpen(t *testing.T, path string) *Log {
	t.Helper()
	log, err := Open(t.Context(), testConfig(path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(log) })
	return log
}

func shut(log *Log) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return log.Close(ctx)
}

// filled makes a closed log with n records of 100 bytes and more in each partition.
func filled(t *testing.T, n int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "log.db")
	log := mustOpen(t, path)
	a := logtest.NewAnswers()
	for i := range n {
		for p := range int32(2) {
			if err := a.Append(log, p, value(p, i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	a.Await(t)
	if err := shut(log); err != nil {
		t.Fatal(err)
	}
	return path
}

func value(p int32, i int) string {
	return fmt.Sprintf("<%d/%d>%s", p, i, strings.Repeat("v", 100))
}

// change runs a statement on a closed log, as somebody with other tools would.
func change(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

// followAll follows both partitions from their start until the test ends.
func followAll(t *testing.T, log *Log) *logtest.Recorder { return follow(t, log, 0, 0) }

// follow follows the partitions from the given offsets until the test ends.
func follow(t *testing.T, log *Log, from ...int64) *logtest.Recorder {
	t.Helper()
	r := logtest.NewRecorder()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		log.Follow(ctx, from, r)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return r
}

// wantLost waits for the loss of partition 1 after its first n records, and
// checks that it is named and that partition 0 goes on.
func wantLost(t *testing.T, log *Log, n int, named ...string) {
	t.Helper()
	r := followAll(t, log)
	r.Await(t, "the loss of partition 1", func() bool { return r.LostError(1) != nil })
	checkLost(t, r.LostError(1), append(named, "partition 1")...)
	if got := len(r.Records(1)); got != n {
		t.Errorf("%d records came before the damage, want %d", got, n)
	}
	r.AwaitRecords(t, 0, 40)
	a := logtest.NewAnswers()
	if err := a.Append(log, 0, "more"); err != nil {
		t.Fatal(err)
	}
	r.AwaitRecords(t, 0, 41)
}

func checkLost(t *testing.T, err error, named ...string) {
	t.Helper()
	if !errors.Is(err, engine.ErrLogLost) {
		t.Fatalf("got %v, want ErrLogLost", err)
	}
	for _, part := range named {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %q", err, part)
		}
	}
}

func TestAFlippedByteStopsAtItsRecord(t *testing.T) {
	path := filled(t, 40)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(data, []byte("<1/25>"))
	if i < 0 {
		t.Fatal("the record is not in the file")
	}
	data[i+50] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	wantLost(t, mustOpen(t, path), 25, "offset 25", "damaged", path)
}

func TestADeletedRowStopsAtItsPlace(t *testing.T) {
	path := filled(t, 40)
	change(t, path, "DELETE FROM log WHERE part=1 AND off=17")
	wantLost(t, mustOpen(t, path), 17, "offset 17", "missing", path)
}

func TestAMovedRowStopsAtItsPlace(t *testing.T) {
	path := filled(t, 40)
	change(t, path, "UPDATE log SET rec=(SELECT rec FROM log WHERE part=1 AND off=3) WHERE part=1 AND off=4")
	wantLost(t, mustOpen(t, path), 4, "offset 4", "damaged", path)
}

func TestADeletedHeadStopsAFollowerOfIt(t *testing.T) {
	path := filled(t, 40)
	change(t, path, "DELETE FROM log WHERE part=1 AND off<9")
	wantLost(t, mustOpen(t, path), 0, "offset 0", "9 to 40", path)
}

func TestAMissingTailRefusesTheStart(t *testing.T) {
	path := filled(t, 40)
	change(t, path, "DELETE FROM log WHERE part=1 AND off>=35")
	_, err := Open(t.Context(), testConfig(path))
	checkLost(t, err, "partition 1", "35 to 39", path)
}

func TestATruncatedFileRefusesTheStart(t *testing.T) {
	path := filled(t, 400)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()/2); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), testConfig(path))
	checkLost(t, err, path)
}

func TestAnotherFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	change(t, path, "CREATE TABLE x (y)")
	if _, err := Open(t.Context(), testConfig(path)); err == nil || !strings.Contains(err.Error(), "not a log of firstcome") {
		t.Errorf("another program's database: %v", err)
	}
	path = filepath.Join(t.TempDir(), "log.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("text "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), testConfig(path))
	checkLost(t, err, path)
}

func TestAnotherNumberOfPartitionsIsRefused(t *testing.T) {
	path := filled(t, 1)
	cfg := testConfig(path)
	cfg.Partitions = 3
	_, err := Open(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "made with 2 partitions") || !strings.Contains(err.Error(), "with 3") {
		t.Errorf("got %v", err)
	}
}

func TestStrangeNamesOfFiles(t *testing.T) {
	for _, name := range []string{"a b%20?c#d.db", "ü.db", "sub/dir/log.db"} {
		path := filepath.Join(t.TempDir(), name)
		if err := shut(mustOpen(t, path)); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("the log is not where it was asked for: %v", err)
		}
	}
}

func TestALostEndsFileIsReplaced(t *testing.T) {
	path := filled(t, 40)
	if err := os.Remove(path + ".ends"); err != nil {
		t.Fatal(err)
	}
	log := mustOpen(t, path)
	if _, _, ends, err := log.Describe(t.Context()); err != nil || ends[1] != 40 {
		t.Fatalf("ends %v, %v", ends, err)
	}
	if err := shut(log); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".ends", []byte("rubbish that is long enough to be looked at as if it were a slot of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path)
}

// A commit that fails: the disk is full.
func TestAFailedCommitStopsTheLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	log := mustOpen(t, path)
	r := followAll(t, log)
	good := logtest.NewAnswers()
	if err := good.Append(log, 0, "good"); err != nil {
		t.Fatal(err)
	}
	good.Await(t)
	if _, err := log.file.conn.ExecContext(t.Context(), "PRAGMA max_page_count=1"); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	if err := log.Append(0, "c", bytes.Repeat([]byte("x"), 100_000), func(err error) { failed <- err }); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err == nil {
		t.Fatal("an append to a full disk was acknowledged")
	}
	checkStopped(t, log, r, path)
	again := followAll(t, mustOpen(t, path))
	again.AwaitRecords(t, 0, 1)
	good.CheckKept(t, again.Records(0))
}

// A commit that succeeds and is not known to have: reading back decides.
func TestACommitWithoutAnAnswerIsReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	log := mustOpen(t, path)
	r := followAll(t, log)
	log.ends.f.Close()
	failed := make(chan error, 1)
	if err := log.Append(0, "c", []byte("there"), func(err error) { failed <- err }); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err == nil {
		t.Fatal("an append was acknowledged without its end remembered")
	}
	checkStopped(t, log, r, path)
	again := followAll(t, mustOpen(t, path))
	again.AwaitRecords(t, 0, 1)
	logtest.CheckValues(t, []string{"there"}, again.Records(0))
}

// checkStopped checks that a log accepts nothing and has told its followers,
// and closes it.
func checkStopped(t *testing.T, log *Log, r *logtest.Recorder, path string) {
	t.Helper()
	if err := log.Append(1, "c", []byte("later"), func(error) { t.Error("answered") }); err == nil {
		t.Error("a log that failed took an append")
	}
	for p := range int32(2) {
		r.Await(t, "the loss of every partition", func() bool { return r.LostError(p) != nil })
		checkLost(t, r.LostError(p), path)
	}
	shut(log) // its error is the fault's
}

func TestCloseGivesUpWhatDoesNotEnd(t *testing.T) {
	log := mustOpen(t, filepath.Join(t.TempDir(), "log.db"))
	r := logtest.NewRecorder()
	entered, release := make(chan struct{}, 2), make(chan struct{})
	r.OnDeliver = func(engine.Batch) error {
		entered <- struct{}{}
		<-release
		return nil
	}
	ended := make(chan error, 1)
	go func() { ended <- log.Follow(context.Background(), []int64{0, -1}, r) }()
	<-entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := log.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("close: %v", err)
	}
	close(release)
	if err := <-ended; !errors.Is(err, ErrClosed) {
		t.Errorf("the follower returned %v, want ErrClosed", err)
	}
}

// The processes below are this test binary again.
const childPath = "FIRSTCOME_TEST_LOG"

// child appends as fast as it can and prints each value when it is acknowledged.
func child(path string) {
	log, err := Open(context.Background(), testConfig(path))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	out, room := make(chan string, 1024), make(chan struct{}, 1024)
	go func() {
		for i := 0; ; i++ {
			room <- struct{}{}
			v, p := fmt.Sprintf("%d-%d", os.Getpid(), i), int32(i%2)
			if err := log.Append(p, "c", []byte(v), func(err error) {
				<-room
				if err == nil {
					out <- v
				}
			}); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(3)
			}
		}
	}()
	for v := range out {
		fmt.Println(v)
	}
}

func startChild(t *testing.T, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childPath+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	return cmd, bufio.NewScanner(out)
}

// killed runs a child until it has acknowledged n appends, kills it and returns
// everything that it acknowledged.
func killed(t *testing.T, path string, n int) []string {
	t.Helper()
	cmd, lines := startChild(t, path)
	var acked []string
	for lines.Scan() {
		acked = append(acked, lines.Text())
		if len(acked) == n {
			cmd.Process.Kill()
		}
	}
	cmd.Wait()
	if len(acked) < n {
		t.Fatalf("the child ended after %d appends", len(acked))
	}
	return acked
}

func TestNothingAcknowledgedIsLostInAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	var acked []string
	for _, n := range []int{1, 40, 700, 3000} {
		acked = append(acked, killed(t, path, n)...)
	}
	log := mustOpen(t, path)
	_, _, ends, err := log.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := followAll(t, log)
	there := map[string]int{}
	for p := range int32(2) {
		r.AwaitRecords(t, p, int(ends[p]))
		logtest.CheckDense(t, 0, r.Records(p))
		for _, rec := range r.Records(p) {
			there[string(rec.Value)]++
		}
	}
	for _, v := range acked {
		if there[v] != 1 {
			t.Errorf("%s was acknowledged and is %d times in the log", v, there[v])
		}
	}
}

func TestADamagedWriteAheadLogRefusesTheStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	killed(t, path, 100)
	wal, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	wal[len(wal)/2] ^= 1
	if err := os.WriteFile(path+"-wal", wal, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), testConfig(path))
	checkLost(t, err, path, "missing")
}

func TestASecondProcessIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	log := mustOpen(t, path)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childPath+"="+path)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), path+" is in use by another process") {
		t.Errorf("a second process got %v: %s", err, out)
	}
	if _, err := Open(t.Context(), testConfig(path)); err == nil {
		t.Error("this process opened the log twice")
	}
	a := logtest.NewAnswers()
	if err := a.Append(log, 0, "still mine"); err != nil {
		t.Fatal(err)
	}
	a.Await(t)
}
