package kafkalog

import (
	"context"
	"encoding/binary"
	"net"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"firstcome/bench/stack"
	"firstcome/engine/wiretest"
	"firstcome/ledger/logtest"
)

// wires puts a wire in front of every broker that is dialled: brokers tell their
// own addresses, so a single proxy would be walked around.
type wires struct {
	t      *testing.T
	mu     sync.Mutex // held for a look-up
	byHost map[string]*wiretest.Wire
}

func (w *wires) dial(ctx context.Context, network, host string) (net.Conn, error) {
	w.mu.Lock()
	wire := w.byHost[host]
	if wire == nil {
		wire = wiretest.New(w.t, host)
		w.byHost[host] = wire
	}
	w.mu.Unlock()
	return (&net.Dialer{}).DialContext(ctx, network, wire.Addr())
}

func (w *wires) each(do func(*wiretest.Wire)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, wire := range w.byHost {
		do(wire)
	}
}

func (w *wires) struck() bool {
	n := int64(0)
	w.each(func(wire *wiretest.Wire) { n += wire.Struck() })
	return n > 0
}

// isProduce tells a produce request by its api key, behind its length.
func isProduce(request []byte) bool {
	return len(request) > 8 && kmsg.Key(binary.BigEndian.Uint16(request[4:])) == kmsg.Produce
}

func faulty(t *testing.T, cfg Config) logtest.Faulty {
	w := &wires{t: t, byHost: map[string]*wiretest.Wire{}}
	cfg.dial = w.dial
	return logtest.Faulty{
		Open:   opener(cfg),
		Struck: w.struck,
		Strike: func(_ logtest.Log, fault wiretest.Fault) {
			w.each(func(wire *wiretest.Wire) { wire.Strike(fault, isProduce) })
		},
	}
}

// A produce request is lost, or its answer is: the client asks again and the
// broker knows the batch by its sequence number, so it is there once.
func TestFaultsOnTheFake(t *testing.T) {
	logtest.RunFaults(t, func(t *testing.T) logtest.Faulty {
		return faulty(t, config(t, fake(t, 3).ListenAddrs(), 3))
	})
}

func TestFaultsOnKafka(t *testing.T) {
	cluster, _ := stack.Kafka(t)
	logtest.RunFaults(t, func(t *testing.T) logtest.Faulty {
		cfg := config(t, cluster.Addrs(), int16(cluster.Replication()))
		cfg.Topic = stack.Unique("faults")
		return faulty(t, cfg)
	})
}
