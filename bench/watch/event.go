package watch

import (
	"bytes"
	"strconv"
	"time"
)

// Event is one server-sent event as the HTML standard dispatches it.
type Event struct {
	ID    string // the last one that was sent, as lastEventId
	Name  string // "message" when the stream names none
	Data  []byte // lines joined by LF; valid until the next one
	Retry time.Duration
}

// parser reads a stream's bytes as the HTML standard says (9.2.6), and is
// stricter where our contract is: it counts lines that no client of ours needs.
type parser struct {
	line    []byte
	data    []byte
	id      string
	name    string
	retry   time.Duration
	hasData bool
	strange int // fields that the contract does not know, and carriage returns
}

// feed takes the next bytes and calls tell for every event that they complete.
func (p *parser) feed(b []byte, tell func(Event)) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			p.line = append(p.line, b...)
			return
		}
		line := b[:i]
		if len(p.line) > 0 {
			line = append(p.line, line...)
		}
		p.field(line, tell)
		p.line = p.line[:0]
		b = b[i+1:]
	}
}

func (p *parser) field(line []byte, tell func(Event)) {
	if len(line) == 0 {
		p.dispatch(tell)
		return
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "": // a comment: the heartbeat
	case "id":
		p.id = string(value)
	case "event":
		p.name = string(value)
	case "data":
		if p.hasData {
			p.data = append(p.data, '\n')
		}
		p.data, p.hasData = append(p.data, value...), true
	case "retry":
		if ms, err := strconv.Atoi(string(value)); err == nil {
			p.retry = time.Duration(ms) * time.Millisecond
		}
	default:
		p.strange++
	}
	if bytes.IndexByte(line, '\r') >= 0 {
		p.strange++
	}
}

func (p *parser) dispatch(tell func(Event)) {
	if p.hasData {
		e := Event{ID: p.id, Name: p.name, Data: p.data, Retry: p.retry}
		if e.Name == "" {
			e.Name = "message"
		}
		tell(e)
	}
	p.data, p.name, p.hasData = p.data[:0], "", false
}
