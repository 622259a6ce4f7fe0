package wiretest

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// echo answers each line, and counts them.
func echo(t *testing.T) (addr string, heard *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	heard = &atomic.Int64{}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer c.Close()
				for lines := bufio.NewScanner(c); lines.Scan(); {
					heard.Add(1)
					fmt.Fprintln(c, lines.Text())
				}
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); group.Wait() })
	return l.Addr().String(), heard
}

func TestEachFaultComesOnceAndWhereItWasAskedFor(t *testing.T) {
	for _, fault := range Faults {
		t.Run(fault.String(), func(t *testing.T) {
			addr, heard := echo(t)
			w := New(t, addr)
			c, err := net.Dial("tcp", w.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			lines := bufio.NewScanner(c)
			say := func(what string) bool { fmt.Fprintln(c, what); return lines.Scan() && lines.Text() == what }
			w.Strike(fault, func(b []byte) bool { return strings.HasPrefix(string(b), "commit") })
			if !say("begin") {
				t.Fatal("a request that was not meant is lost")
			}
			if say("commit") || w.Struck() != 1 {
				t.Fatal("the fault did not come")
			}
			if want := int64(1 + fault); heard.Load() != want {
				t.Fatalf("the server heard %d requests, want %d", heard.Load(), want)
			}
			again, err := net.Dial("tcp", w.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			fmt.Fprintln(again, "commit")
			if s := bufio.NewScanner(again); !s.Scan() || s.Text() != "commit" {
				t.Fatal("the fault came twice")
			}
		})
	}
}
