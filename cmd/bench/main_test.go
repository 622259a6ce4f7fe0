package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test binary stands in for the program when it is started as the empty handler.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "empty" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestWrongUseIsNamedBeforeAnythingStarts(t *testing.T) {
	for what, args := range map[string][]string{
		"a shape that is none":   {"noon", "--shape", "round"},
		"two brokers":            {"noon", "--brokers", "2"},
		"no members":             {"noon", "--members", "0"},
		"three sends":            {"stampede", "--sends", "3"},
		"a rate of nothing":      {"like", "--rate", "0"},
		"a flag that is unknown": {"like", "--colour", "red"},
		"an unknown scenario":    {"faults", "-scenario", "R1,Z9"},
		"an unknown workload":    {"faults", "-workload", "W6"},
		"no runs":                {"faults", "-repeat", "0"},
		"an unknown engine":      {"faults", "-engine", "steam"},
	} {
		var out, complaints bytes.Buffer
		if code := run(context.Background(), args, &out, &complaints); code != exitUsage {
			t.Errorf("%s: exit code %d, %s", what, code, complaints.String())
		}
		if strings.Contains(complaints.String(), "building") {
			t.Errorf("%s: it began all the same", what)
		}
	}
}

func TestHelpTeaches(t *testing.T) {
	for _, verb := range []string{"noon", "stampede", "like"} {
		var out bytes.Buffer
		if code := run(context.Background(), []string{verb, "--help"}, &out, &out); code != 0 {
			t.Errorf("%s: exit code %d", verb, code)
		}
		for _, want := range []string{"go run ./cmd/bench " + verb, "--shape", "--brokers"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the help of %s lacks %s", verb, want)
			}
		}
	}
}

func TestTheEmptyHandlerAnswersAndEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	addr, end, err := startEmpty(ctx)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post("http://"+addr+"/v1/x", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != 200 {
		t.Errorf("%s, %v", resp.Status, err)
	}
	end()
	if resp, err := client.Post("http://"+addr, "", nil); err == nil {
		_ = resp.Body.Close()
		t.Error("it answers after its end")
	}
}

func TestProgressOffATerminalIsOneLineAStep(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out)
	for i := range 100 {
		p.tell("first", i, 100)
	}
	p.tell("second", 0, 1)
	p.end()
	if got := out.String(); got != "first\nsecond\n" {
		t.Errorf("%q", got)
	}
}

func TestFaultsAreListed(t *testing.T) {
	var out bytes.Buffer
	if code := run(context.Background(), []string{"faults", "-list"}, &out, &out); code != 0 {
		t.Fatalf("exit code %d: %s", code, out.String())
	}
	for _, want := range []string{"R1 ", "K5 ", "P2 ", "E6 ", "C2 ", "M1 ", "W8 "} {
		if !strings.Contains(out.String(), "\n"+want) && !strings.HasPrefix(out.String(), want) {
			t.Errorf("%s is not in\n%s", want, out.String())
		}
	}
}
