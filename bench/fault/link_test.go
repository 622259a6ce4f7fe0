package fault

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"firstcome/bench/stack"
)

// echo answers each line with itself until the test ends.
func echo(t *testing.T) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func through(t *testing.T, target int, lag time.Duration, speak func(*Link) wire) *Link {
	t.Helper()
	port, err := stack.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	l, err := newLink(port, target, lag, speak)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

type talk struct {
	t *testing.T
	net.Conn
	in *bufio.Reader
}

func call(t *testing.T, l *Link) *talk {
	t.Helper()
	c, err := net.Dial("tcp", address(l.Port()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &talk{t, c, bufio.NewReader(c)}
}

func (c *talk) say(line string) {
	c.t.Helper()
	if _, err := fmt.Fprintln(c, line); err != nil {
		c.t.Fatal(err)
	}
}

// hear returns the next line, or the error of waiting so long.
func (c *talk) hear(within time.Duration) (string, error) {
	_ = c.SetReadDeadline(time.Now().Add(within))
	line, err := c.in.ReadString('\n')
	return strings.TrimSpace(line), err
}

func (c *talk) must(want string) {
	c.t.Helper()
	if got, err := c.hear(5 * time.Second); err != nil || got != want {
		c.t.Fatalf("heard %q, %v; want %q", got, err, want)
	}
}

// silent is long enough to tell that nothing comes.
const silent = 50 * time.Millisecond

func TestALinkThatIsHeldLosesNothing(t *testing.T) {
	l := through(t, echo(t), 0, nil)
	c := call(t, l)
	c.say("one")
	c.must("one")
	l.Hold()
	c.say("two")
	late := call(t, l)
	late.say("three")
	if got, err := c.hear(silent); err == nil {
		t.Fatalf("heard %q over a link that is held", got)
	}
	l.Heal()
	c.must("two")
	late.must("three")
}

func TestALinkThatIsCutLosesWhatIsUnderWayAndSaysNothing(t *testing.T) {
	l := through(t, echo(t), 300*time.Millisecond, nil)
	c := call(t, l)
	c.say("one")
	c.must("one")
	c.say("two") // the echo is under way for 300 ms
	l.Cut()
	fresh := call(t, l)
	fresh.say("three")
	for _, one := range []*talk{c, fresh} {
		if got, err := one.hear(400 * time.Millisecond); !errors.Is(err, errTimeout(err)) {
			t.Fatalf("heard %q, %v; want silence", got, err)
		}
	}
	l.Heal()
	for _, one := range []*talk{c, fresh} {
		if got, err := one.hear(5 * time.Second); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("heard %q, %v; want a reset", got, err)
		}
	}
	again := call(t, l)
	again.say("four")
	again.must("four")
}

// errTimeout returns err when it is a timeout.
func errTimeout(err error) error {
	var n net.Error
	if errors.As(err, &n) && n.Timeout() {
		return err
	}
	return errors.ErrUnsupported
}

func TestALinkThatResetsSaysSo(t *testing.T) {
	l := through(t, echo(t), 0, nil)
	c := call(t, l)
	c.say("one")
	c.must("one")
	l.Reset()
	if got, err := c.hear(5 * time.Second); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("heard %q, %v; want a reset", got, err)
	}
	l.Heal()
	c = call(t, l)
	c.say("two")
	c.must("two")
}

func TestASlowLinkIsLate(t *testing.T) {
	const lag = 30 * time.Millisecond
	c := call(t, through(t, echo(t), lag, nil))
	start := time.Now()
	c.say("one")
	c.must("one")
	if took := time.Since(start); took < lag {
		t.Errorf("took %s over a link with a lag of %s", took, lag)
	}
}

func TestASentinelNamesTheDoorsOfThisSide(t *testing.T) {
	c := call(t, through(t, echo(t), 0, func(l *Link) wire {
		return &resp{link: l, ports: map[string]string{"17001": "27001"}}
	}))
	c.say("+switch-master firstcome 127.0.0.1 16000 127.0.0.1 17001")
	c.must("+switch-master firstcome 127.0.0.1 16000 127.0.0.1 27001")
}

func TestATimeIsShiftedAndNothingElse(t *testing.T) {
	l := through(t, echo(t), 0, func(l *Link) wire { return &resp{link: l} })
	l.Shift(time.Hour)
	c := call(t, l)
	for _, line := range [][2]string{{"*2", "*2"}, {"$10", "$10"}, {"1700000000", "1700003600"}, {"$6", "$6"},
		{"123456", "123456"}, {"$10", "$10"}, {"1700000000", "1700000000"}} {
		c.say(line[0])
		c.must(line[1])
	}
}

func TestACommitIsSwallowedAndARollbackIsNot(t *testing.T) {
	l := through(t, echo(t), 0, func(*Link) wire { return pg{} })
	message := func(tag string) []byte {
		b := binary.BigEndian.AppendUint32([]byte{'C'}, uint32(4+len(tag)+1))
		return append(append(b, tag...), 0)
	}
	l.Swallow()
	c := call(t, l)
	roundTrip := func(tag string) error {
		m := message(tag)
		if _, err := c.Write(m); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
		_, err := io.ReadFull(c.in, m)
		return err
	}
	if err := roundTrip("ROLLBACK"); err != nil {
		t.Errorf("a rollback: %v", err)
	}
	if err := roundTrip("COMMIT"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a commit: %v, want a reset", err)
	}
	if got := l.swallowed.Load(); got != 1 {
		t.Errorf("%d replies swallowed, want 1", got)
	}
}
