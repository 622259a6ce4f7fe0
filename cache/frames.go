package cache

import (
	"math"
	"strconv"
	"strings"
	"time"

	"firstcome/engine/fold"
)

// mark is where a campaign stands after one of its changes.
type mark struct {
	ev     int64
	at     int64 // Unix ms
	totals fold.Totals
}

// kind is what a frame tells.
type kind uint8

const (
	count kind = iota
	status
	limit
)

var kindNames = [...]string{count: "count", status: "status", limit: "cap"}

// frame tells what happened from one event number to another. Frames of one
// campaign that follow one another leave nothing out and tell nothing twice,
// wherever one begins.
type frame struct {
	kind kind
	from int64
	mark // after the last event that it covers
}

// appendID appends `<epoch>-<to>`.
func appendID(b []byte, epoch string, to int64) []byte {
	return strconv.AppendInt(append(append(b, epoch...), '-'), to, 10)
}

// parseID reads `<epoch>-<to>`; ok is false for anything else.
func parseID(id string) (epoch string, to int64, ok bool) {
	i := strings.LastIndexByte(id, '-')
	if i <= 0 || i == len(id)-1 || len(id)-i > 20 {
		return "", 0, false
	}
	for _, c := range []byte(id[i+1:]) {
		if c < '0' || c > '9' {
			return "", 0, false
		}
	}
	to, err := strconv.ParseInt(id[i+1:], 10, 64)
	return id[:i], to, err == nil && to < math.MaxInt64
}

// appendSSE appends the frame as a server-sent event: ASCII, LF, and an id on
// each, so that every client resumes behind what it has seen.
func (f *frame) appendSSE(b []byte, epoch string) []byte {
	b = appendID(append(b, "id: "...), epoch, f.ev)
	b = append(append(append(b, "\nevent: "...), kindNames[f.kind]...), "\ndata: "...)
	return append(f.appendData(b), '\n', '\n')
}

// appendItem appends the frame as an item of the JSON fetch.
func (f *frame) appendItem(b []byte, epoch string) []byte {
	b = append(appendID(append(b, `{"id":"`...), epoch, f.ev), `","event":"`...)
	b = append(append(append(b, kindNames[f.kind]...), `","data":`...), f.appendData(nil)...)
	return append(b, '}')
}

func (f *frame) appendData(b []byte) []byte {
	b = appendNumber(append(b, '{'), "from", f.from)
	b = appendNumber(b, "to", f.ev)
	switch t := &f.totals; f.kind {
	case status:
		b = append(append(append(b, `"status":"`...), t.Status.String()...), '"', ',')
	case limit:
		if t.Cap == fold.NoCap {
			b = append(b, `"cap":null,`...)
		} else {
			b = appendNumber(b, "cap", t.Cap)
		}
	default:
		b = appendCounts(b, t)
	}
	return appendAt(b, f.at)
}

// appendCounts appends granted and waiting, and what is left where there is a cap.
func appendCounts(b []byte, t *fold.Totals) []byte {
	b = appendNumber(b, "granted", t.Granted)
	b = appendNumber(b, "waiting", t.Waiting)
	if t.Cap != fold.NoCap {
		b = appendNumber(b, "remaining", max(0, t.Cap-t.Granted))
	}
	return b
}

// appendAt appends the time, which ends an object.
func appendAt(b []byte, ms int64) []byte {
	b = append(b, `"at":"`...)
	b = time.UnixMilli(ms).UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	return append(b, '"', '}')
}

func appendNumber(b []byte, name string, n int64) []byte {
	b = append(append(append(b, '"'), name...), '"', ':')
	return append(strconv.AppendInt(b, n, 10), ',')
}

// reset tells a client that what it knows is not of this log, or that nobody
// knows any more what it missed: the page reads again and goes on from here.
func appendReset(b []byte, epoch string, at mark) []byte {
	b = appendID(append(b, "id: "...), epoch, at.ev)
	b = append(b, "\nevent: reset\ndata: "...)
	return append(appendResetData(b, epoch, at), '\n', '\n')
}

func appendResetData(b []byte, epoch string, at mark) []byte {
	b = appendID(append(b, `{"position":"`...), epoch, at.ev)
	return appendAt(append(b, `",`...), at.at)
}
