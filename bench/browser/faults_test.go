package browser

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// witness runs before each page and tells violations of its security policy.
const witness = `addEventListener("securitypolicyviolation", e =>
	console.error("violates the policy:", e.effectiveDirective, e.blockedURI, e.sample, e.sourceFile + ":" + e.lineNumber), true);`

// mostFaults bounds what is kept of a page that never stops to complain; the
// first ones tell enough.
const mostFaults = 20

// faults are what must not happen on any page, seen while somebody uses it.
type faults struct {
	mu    sync.Mutex // held for an append
	all   []string
	hosts map[string]bool // that pages may talk to
}

// home allows the host of an address that the person opens.
func (f *faults) home(address string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.hosts == nil {
		f.hosts = map[string]bool{}
	}
	if u, err := url.Parse(address); err == nil {
		f.hosts[u.Host] = true
	}
}

func (f *faults) add(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.all) < mostFaults {
		f.all = append(f.all, fmt.Sprintf(format, args...))
	}
}

// see is told each event of a window. A request that failed is no fault: people
// lose their network, and a refusal is an answer.
func (f *faults) see(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		f.add("exception: %s", describe(e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			f.add("console: %s", arguments(e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			f.add("%s: %s", e.Entry.Source, e.Entry.Text)
		}
	case *page.EventJavascriptDialogOpening:
		f.add("dialog: %s", e.Message)
	case *network.EventRequestWillBeSent:
		f.request(e.Request.URL)
	case *network.EventResponseReceived:
		if e.Response.Status == 500 {
			f.add("500 from %s", e.Response.URL)
		}
	}
}

func (f *faults) request(address string) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" { // about:, data:, blob:
		return
	}
	f.mu.Lock()
	own := f.hosts[u.Host]
	f.mu.Unlock()
	if !own {
		f.add("a request to another host: %s", address)
	}
}

func describe(d *runtime.ExceptionDetails) string {
	if d.Exception != nil && d.Exception.Description != "" {
		return fmt.Sprintf("%s %s (%s:%d)", d.Text, d.Exception.Description, d.URL, d.LineNumber+1)
	}
	return fmt.Sprintf("%s (%s:%d)", d.Text, d.URL, d.LineNumber+1)
}

func arguments(args []*runtime.RemoteObject) string {
	var b strings.Builder
	for _, a := range args {
		if a.Description != "" {
			b.WriteString(a.Description + " ")
		} else {
			b.WriteString(strings.Trim(string(a.Value), `"`) + " ")
		}
	}
	return b.String()
}

func (f *faults) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.all) == 0 {
		return "nothing"
	}
	return strings.Join(f.all, "\n")
}

// report fails the test for each fault.
func (f *faults) report(t testing.TB) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.all {
		t.Errorf("a page is at fault: %s", fault)
	}
}
