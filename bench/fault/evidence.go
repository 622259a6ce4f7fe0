package fault

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"firstcome/bench/history"
	"firstcome/bench/stack"
	"firstcome/engine"
	"firstcome/engine/fold"
	"firstcome/engine/redisgate"
	"firstcome/ledger/postgres"
)

// witness reads what a run has left behind, past the links: log, folds, ledger
// and gate as they are.
type witness struct {
	cast  *Cast
	kafka *kadm.Client
	book  *postgres.Book
	gate  *redisgate.Client
	lost  []int32
}

func (c *Cast) witness(lost []int32) (*witness, error) {
	w := &witness{cast: c, lost: lost}
	var err1, err2, err3 error
	w.kafka, err1 = c.admins()
	w.book, err2 = postgres.Open(c.Postgres.DSN(c.Database))
	w.gate, err3 = redisgate.Connect(c.Redis.URL(0), redisgate.Config{})
	if err := errors.Join(err1, err2, err3); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *witness) close() {
	if w.kafka != nil {
		w.kafka.Close()
	}
	if w.book != nil {
		w.book.Close()
	}
	if w.gate != nil {
		_ = w.gate.Close() // only read
	}
}

// gone reports whether a partition is lost for good.
func (w *witness) gone(p int32) bool {
	return slices.Contains(w.lost, p) || slices.Contains(w.lost, -1)
}

// ends are the offsets after the last records.
func (w *witness) ends(ctx context.Context) ([]int64, error) {
	listed, err := w.kafka.ListEndOffsets(ctx, w.cast.Topic)
	if err != nil {
		return nil, err
	}
	ends := make([]int64, Partitions)
	for p := range ends {
		o, ok := listed.Lookup(w.cast.Topic, int32(p))
		if !ok || o.Err != nil {
			return nil, fmt.Errorf("partition %d has no end: %w", p, errors.Join(o.Err, errors.New("not listed")))
		}
		ends[p] = o.Offset
	}
	return ends, nil
}

// log reads every record from the start, with a client of its own.
func (w *witness) log(ctx context.Context) ([][]engine.LogRecord, error) {
	ends, err := w.ends(ctx)
	if err != nil {
		return nil, err
	}
	from := map[int32]kgo.Offset{}
	left := 0
	for p, end := range ends {
		if end > 0 && !w.gone(int32(p)) {
			from[int32(p)] = kgo.NewOffset().AtStart()
			left++
		}
	}
	records := make([][]engine.LogRecord, Partitions)
	if left == 0 {
		return records, nil
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(w.cast.Kafka.Addrs()...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{w.cast.Topic: from}),
		kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for left > 0 {
		batch := c.PollFetches(ctx)
		if err := errors.Join(batch.Err0(), ctx.Err()); err != nil {
			return nil, fmt.Errorf("read the log: %w", err)
		}
		batch.EachRecord(func(r *kgo.Record) {
			if r.Offset < ends[r.Partition] {
				records[r.Partition] = append(records[r.Partition], engine.LogRecord{Offset: r.Offset, At: r.Timestamp.UnixMilli(), Value: r.Value})
				if r.Offset == ends[r.Partition]-1 {
					left--
				}
			}
		})
	}
	return records, nil
}

// folds asks every node what its folds came to.
func (w *witness) folds(ctx context.Context) (all []history.Fold, err error) {
	for i := range w.cast.Nodes {
		parts, err := w.cast.Boss.partitions(ctx, i)
		if err != nil {
			return nil, err
		}
		for _, p := range parts {
			digest, err := hex.DecodeString(p.Digest)
			if w.gone(p.Partition) || err != nil || len(digest) != 8 {
				continue // not loaded
			}
			number, _ := strconv.ParseUint(p.Digest, 16, 64)
			all = append(all, history.Fold{Node: "node-" + strconv.Itoa(i+1), Partition: p.Partition, Next: p.Next, Digest: number})
		}
	}
	return all, nil
}

// part is one partition as a node tells of it.
type part struct {
	Partition     int32
	Next, End     int64
	State, Reason string
	Digest        string
	Ledger        string
}

func (b *boss) partitions(ctx context.Context, node int) ([]part, error) {
	var list struct {
		Items []struct{ Partitions []part }
	}
	if err := b.must(ctx, node, "GET", "/nodes", nil, &list); err != nil {
		return nil, err
	}
	if len(list.Items) == 0 {
		return nil, errors.New("a node does not tell of itself")
	}
	return list.Items[0].Partitions, nil
}

// snapshots reads the whole ledger.
func (w *witness) snapshots(ctx context.Context) (all []fold.Snapshot, err error) {
	for p := range int32(Partitions) {
		s, _, err := w.book.Load(ctx, p)
		switch {
		case w.gone(p), errors.Is(err, engine.ErrNoSnapshot):
			continue
		case err != nil:
			return nil, fmt.Errorf("read the ledger: %w", err)
		}
		all = append(all, s)
	}
	return all, nil
}

// counts reads the gate.
func (w *witness) counts(ctx context.Context, campaigns []Campaign) (map[string]history.GateCount, error) {
	all := map[string]history.GateCount{}
	gate := redisgate.NewGate(w.gate)
	for i := range campaigns {
		if w.gone(partition(campaigns[i].ID)) {
			continue
		}
		n, err := gate.Read(ctx, campaigns[i].ID)
		if err != nil {
			return nil, fmt.Errorf("read the gate: %w", err)
		}
		all[campaigns[i].ID] = n
	}
	return all, nil
}

// pseudonyms are the members' names in the log.
func pseudonyms(ops []history.Op) (map[string]fold.User, error) {
	raw, err := hex.DecodeString(stack.TestSecret)
	if err != nil {
		return nil, err
	}
	sealer, err := engine.NewSealer([32]byte(raw))
	if err != nil {
		return nil, err
	}
	users := map[string]fold.User{}
	for i := range ops {
		if member := ops[i].Member; member != "" && users[member] == (fold.User{}) {
			users[member] = sealer.User(member)
		}
	}
	return users, nil
}
