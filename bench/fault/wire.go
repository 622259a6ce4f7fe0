package fault

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"strconv"
	"sync"
)

// wire reads one connection's pieces in the language of its service. matters
// says of a reply that it is one that Swallow is about. What a piece names may
// be changed on its way, as long as its length stays.
type wire interface {
	request(*bufio.Reader) (piece []byte, matters bool, err error)
	reply(*bufio.Reader) (piece []byte, matters bool, err error)
}

// plain is bytes.
type plain struct{}

func (plain) request(r *bufio.Reader) ([]byte, bool, error) {
	if _, err := r.Peek(1); err != nil {
		return nil, false, err
	}
	piece, err := r.Peek(r.Buffered())
	if err == nil {
		_, err = r.Discard(len(piece))
	}
	return piece, false, err
}

func (p plain) reply(r *bufio.Reader) ([]byte, bool, error) { return p.request(r) }

// resp is Redis' language, read by lines. ports are the doors that a sentinel
// names and what they are called on this side: five digits each, all of them.
type resp struct {
	plain
	link  *Link
	ports map[string]string
	last  [2][]byte // the lines before
}

func (w *resp) reply(r *bufio.Reader) ([]byte, bool, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return nil, false, err
	}
	for from, to := range w.ports {
		line = bytes.ReplaceAll(line, []byte(from), []byte(to))
	}
	// TIME answers *2, $10 and ten digits, and then the microseconds.
	if by := w.link.shift.Load(); by != 0 && bytes.HasPrefix(w.last[0], []byte("*2")) && bytes.HasPrefix(w.last[1], []byte("$10")) {
		if seconds, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64); err == nil {
			line = append(strconv.AppendInt(nil, seconds+by, 10), "\r\n"...)
		}
	}
	w.last[0], w.last[1] = w.last[1], line
	return line, false, nil
}

// pg is PostgreSQL's language: a reply is a letter and a length.
type pg struct{ plain }

func (pg) reply(r *bufio.Reader) ([]byte, bool, error) {
	head, err := r.Peek(5)
	if err != nil {
		return nil, false, err
	}
	letter, body := head[0], make([]byte, 1+int(binary.BigEndian.Uint32(head[1:])))
	_, err = io.ReadFull(r, body)
	return body, letter == 'C' && bytes.HasPrefix(body[5:], []byte("COMMIT")), err
}

// kafka is Kafka's language: a length, and in a request what is asked for. It
// renames the brokers' ports in the answers that tell of brokers.
type kafka struct {
	ports map[int]int

	mu    sync.Mutex
	asked map[uint32]int16 // what each answer that is awaited answers to
}

// Kafka's numbers of requests.
const (
	kafkaProduce, kafkaMetadata, kafkaCoordinator, kafkaCluster = 0, 3, 10, 60
	frameMost                                                   = 64 << 20
)

func (w *kafka) request(r *bufio.Reader) ([]byte, bool, error) {
	b, err := frame(r)
	if err != nil || len(b) < 12 {
		return b, false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[binary.BigEndian.Uint32(b[8:])] = int16(binary.BigEndian.Uint16(b[4:]))
	return b, false, nil
}

func (w *kafka) reply(r *bufio.Reader) ([]byte, bool, error) {
	b, err := frame(r)
	if err != nil || len(b) < 8 {
		return b, false, err
	}
	number := binary.BigEndian.Uint32(b[4:])
	w.mu.Lock()
	what := w.asked[number]
	delete(w.asked, number)
	w.mu.Unlock()
	if what == kafkaMetadata || what == kafkaCoordinator || what == kafkaCluster {
		for from, to := range w.ports {
			b = bytes.ReplaceAll(b, place(from), place(to))
		}
	}
	return b, what == kafkaProduce, nil
}

// place is how an answer names a broker: its host and its port.
func place(port int) []byte {
	return binary.BigEndian.AppendUint32([]byte("127.0.0.1"), uint32(port))
}

func frame(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(4)
	if err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head)
	if size > frameMost {
		return nil, bufio.ErrTooLong
	}
	b := make([]byte, 4+size)
	_, err = io.ReadFull(r, b)
	return b, err
}
