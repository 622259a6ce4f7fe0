//go:build linux

package api

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"firstcome/engine/fold"
)

// crowdEnv makes this program the crowd: the clients, in a process of their own,
// so that what is measured is the server.
const crowdEnv = "FIRSTCOME_TEST_CROWD"

func init() {
	if address := os.Getenv(crowdEnv); address != "" {
		crowd(address, os.Stdin, os.Stdout)
		os.Exit(0)
	}
}

// crowd opens streams at an address as its standard input says: "open 100
// ?last_event_id=e1-12" opens so many and answers when each has heard something,
// "until e1-40" answers when each has heard of that.
func crowd(address string, in io.Reader, out io.Writer) {
	var all []*spectator
	for lines := bufio.NewScanner(in); lines.Scan(); {
		verb, rest, _ := strings.Cut(lines.Text(), " ")
		began := time.Now()
		var busy sync.WaitGroup
		switch verb {
		case "open":
			var n int
			var query string
			_, _ = fmt.Sscan(rest, &n, &query) // without a query it is empty
			fresh := make([]*spectator, n)
			turns := make(chan struct{}, 256) // dialling at once
			for i := range fresh {
				busy.Go(func() {
					turns <- struct{}{}
					defer func() { <-turns }()
					fresh[i] = enter(address, query)
				})
			}
			busy.Wait()
			all = append(all, fresh...)
		case "until":
			for _, s := range all {
				busy.Go(func() { s.until("id: " + rest + "\n") })
			}
			busy.Wait()
		}
		fmt.Fprintln(out, time.Since(began).Seconds())
	}
}

type spectator struct {
	conn net.Conn
	in   *bufio.Reader
}

// enter opens a stream and hears its first event.
func enter(address, query string) *spectator {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(conn, "GET /v1/campaigns/noon/events%s HTTP/1.1\r\nHost: x\r\n\r\n", query)
	s := &spectator{conn, bufio.NewReaderSize(conn, 512)}
	s.until("id: ")
	return s
}

func (s *spectator) until(prefix string) {
	for {
		line, err := s.in.ReadSlice('\n')
		if err != nil {
			panic(fmt.Sprintf("waiting for %q: %v", prefix, err))
		}
		if bytes.HasPrefix(line, []byte(prefix)) {
			return
		}
	}
}

// summon starts a crowd; the returned function tells it something and returns
// the seconds that this took.
func (c *cinema) summon(b *testing.B) func(order string) float64 {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crowdEnv+"="+strings.TrimPrefix(c.url, "http://"))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	answers := bufio.NewReader(out)
	return func(order string) (took float64) {
		fmt.Fprintln(in, order)
		if _, err := fmt.Fscanln(answers, &took); err != nil {
			b.Fatalf("%s: %v", order, err)
		}
		return took
	}
}

func cpu() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it has no other error than a bad address
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// resident is what this process holds of the machine's memory, in KiB.
func resident(b *testing.B) (kib float64) {
	debug.FreeOSMemory()
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "VmRSS:")
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		b.Fatal(err)
	}
	return kib
}

func bigCinema(b *testing.B) *cinema {
	c := newCinema(b, func(cfg *Config) { cfg.Streams = StreamLimits{Most: 20_000, PerAddress: -1} })
	c.server.streams.pace = usualPace
	return c
}

// BenchmarkStreams measures what an idle stream holds, what a delivery costs,
// and how fast a crowd that missed a hundred events is served again.
func BenchmarkStreams(b *testing.B) {
	crowded := 5000
	if testing.Short() {
		crowded = 500
	}
	for b.Loop() {
		c := bigCinema(b)
		tell := c.summon(b)
		empty := resident(b)
		tell(fmt.Sprintf("open %d", crowded))
		b.ReportMetric((resident(b)-empty)/float64(crowded), "KiB/stream")

		const frames = 30
		before := cpu()
		for i := range frames {
			c.happens(fold.GrantedNow, "bob", 1)
			tell(fmt.Sprintf("until e1-%d", 13+i))
		}
		b.ReportMetric((cpu()-before)/float64(frames*crowded)*1e6, "CPUs/million")
		c.stop()

		c = bigCinema(b)
		for range 100 {
			c.happens(fold.GrantedNow, "bob", 1)
		}
		tell, before = c.summon(b), cpu()
		b.ReportMetric(tell(fmt.Sprintf("open %d ?last_event_id=e1-12", crowded)), "s/return")
		b.ReportMetric(cpu()-before, "CPUs/return")
		c.stop()
	}
}
