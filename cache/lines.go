package cache

import (
	"firstcome/engine"
	"firstcome/engine/fold"
)

// linesMost is how many of a campaign's last changes are kept one by one, for
// admins: at least these, and at most a quarter more. Who asks for older ones is
// told to read again. A line is 40 bytes, so a busy campaign keeps 50 KB.
const linesMost = 1000

// line is one change as an admin reads it.
type line struct {
	at               int64
	granted, waiting int64
	limit            int64
	what             fold.Change
	status           fold.Status
}

// lines are a campaign's last changes, dense in their numbers.
type lines struct {
	kept []line
	last int64 // event number of the newest
}

// add takes the next change. What does not follow the newest begins anew.
func (l *lines) add(c *engine.Change) {
	if c.Ev != l.last+1 {
		l.kept = l.kept[:0]
	}
	if len(l.kept) == linesMost+linesMost/4 {
		l.kept = l.kept[:copy(l.kept, l.kept[linesMost/4:])]
	}
	l.last = c.Ev
	l.kept = append(l.kept, line{c.At, c.After.Granted, c.After.Waiting, c.After.Cap, c.What, c.After.Status})
}

// since appends the changes behind an event that are kept as server-sent events,
// at most most of them, and returns the last one's number.
func (l *lines) since(b []byte, epoch string, after int64, most int) ([]byte, int64) {
	first := l.last - int64(len(l.kept)) + 1
	for i := after + 1 - first; i < int64(len(l.kept)) && most > 0; i, most = i+1, most-1 {
		after++
		b = l.kept[i].append(b, epoch, after)
	}
	return b, after
}

func (l *line) append(b []byte, epoch string, ev int64) []byte {
	b = appendID(append(b, "id: "...), epoch, ev)
	b = appendNumber(append(b, "\nevent: change\ndata: {"...), "ev", ev)
	b = append(append(append(b, `"what":"`...), l.what.String()...), '"', ',')
	b = appendCounts(b, &fold.Totals{Granted: l.granted, Waiting: l.waiting, Cap: l.limit})
	b = append(append(append(b, `"status":"`...), l.status.String()...), '"', ',')
	return append(appendAt(b, l.at), '\n', '\n')
}
