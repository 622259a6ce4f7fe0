package watch

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Page is what a client knows of a campaign from frames alone.
type Page struct {
	Epoch     string
	Last      int64 // event number up to which it knows everything
	Granted   int64
	Waiting   int64
	Remaining *int64
	Cap       *int64
	Status    string

	Frames int // count, status and cap frames
	Claims int // private ones
	Resets int
	Wrong  []string // what broke the contract; at most wrongMost
}

// wrongMost bounds what is kept of a stream that is wrong throughout.
const wrongMost = 5

// frame is the data of count, status and cap frames.
type frame struct {
	From, To  int64
	Granted   int64
	Waiting   int64
	Remaining *int64
	Cap       *int64
	Status    string
	At        string
}

func (p *Page) wrong(format string, args ...any) {
	if len(p.Wrong) < wrongMost {
		p.Wrong = append(p.Wrong, fmt.Sprintf(format, args...))
	}
}

// Take brings the page up to an event.
func (p *Page) Take(e Event) {
	epoch, number, ok := cutID(e.ID)
	if !ok {
		p.wrong("id %q is not <epoch>-<number>", e.ID)
		return
	}
	switch e.Name {
	case "claim":
		p.Claims++
		return
	case "reset":
		p.Resets++
		p.Epoch, p.Last = epoch, number
		return
	case "count", "status", "cap":
	default:
		p.wrong("an event named %q", e.Name)
		return
	}
	var f frame
	if err := json.Unmarshal(e.Data, &f); err != nil {
		p.wrong("%s: %v", e.Data, err)
		return
	}
	p.follows(e, epoch, number, &f)
	p.Frames++
	p.Epoch, p.Last = epoch, f.To
	switch e.Name {
	case "count":
		p.Granted, p.Waiting, p.Remaining = f.Granted, f.Waiting, f.Remaining
	case "status":
		p.Status = f.Status
	case "cap":
		p.Cap = f.Cap
	}
}

// follows holds a frame's range against what came before: the next one starts
// right behind it, and its id is its end.
func (p *Page) follows(e Event, epoch string, number int64, f *frame) {
	switch {
	case p.Epoch != "" && epoch != p.Epoch:
		p.wrong("epoch %s after %s without a reset", epoch, p.Epoch)
	case number != f.To:
		p.wrong("id %s on a frame up to %d", e.ID, f.To)
	case f.From != p.Last+1:
		p.wrong("%s from %d after %d", e.Name, f.From, p.Last)
	case f.To < f.From:
		p.wrong("%s from %d to %d", e.Name, f.From, f.To)
	case e.Name != "count" && f.To != f.From:
		p.wrong("a merged %s frame, %d to %d", e.Name, f.From, f.To)
	case f.At == "":
		p.wrong("%s %d without a time", e.Name, f.To)
	}
}

// ID is where the client would resume; empty at the beginning.
func (p Page) ID() string {
	if p.Epoch == "" {
		return ""
	}
	return p.Epoch + "-" + strconv.FormatInt(p.Last, 10)
}

func cutID(id string) (epoch string, number int64, ok bool) {
	i := strings.LastIndexByte(id, '-')
	if i <= 0 {
		return "", 0, false
	}
	number, err := strconv.ParseInt(id[i+1:], 10, 64)
	return id[:i], number, err == nil && number >= 0
}

// Age is how long after its own time a frame was heard.
func Age(e Event, heard time.Time) (time.Duration, bool) {
	var f struct{ At time.Time }
	if json.Unmarshal(e.Data, &f) != nil || f.At.IsZero() {
		return 0, false
	}
	return max(0, heard.Sub(f.At)), true
}

// Range is which events a frame covers; false when it covers none.
func Range(e Event) (from, to int64, ok bool) {
	var f frame
	if e.Name != "count" && e.Name != "status" && e.Name != "cap" || json.Unmarshal(e.Data, &f) != nil {
		return 0, 0, false
	}
	return f.From, f.To, true
}

// Said is a frame's data but for its time: of a merged frame that is about when,
// and a node that was started again may know it less well.
func Said(e Event) string {
	said, _, _ := strings.Cut(string(e.Data), `,"at":`)
	return said
}
