package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows one bar after another on a terminal, and one line for each on
// anything else.
type progress struct {
	out io.Writer
	bar bool

	mu   sync.Mutex // guards what follows; held while a bar is drawn
	what string
	now  *progressbar.ProgressBar
}

func newProgress(out io.Writer) *progress {
	f, ok := out.(*os.File)
	return &progress{out: out, bar: ok && term.IsTerminal(int(f.Fd()))}
}

// tell shows how far something has come. Another name begins another bar.
func (p *progress) tell(what string, done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if what != p.what {
		p.finish()
		p.what = what
		if p.bar {
			p.now = progressbar.NewOptions(total,
				progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(fmt.Sprintf("%-36s", what)),
				progressbar.OptionShowCount(), progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(false))
		} else {
			fmt.Fprintln(p.out, what)
		}
	}
	if p.now != nil {
		_ = p.now.Set(done) // a bar that cannot be drawn is no reason to stop
	}
}

func (p *progress) finish() {
	if p.now != nil {
		_ = p.now.Finish()
		fmt.Fprintln(p.out)
		p.now = nil
	}
}

// end closes the last bar.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finish()
	p.what = ""
}
