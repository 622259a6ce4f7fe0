package fold

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// A digest is 64 bits of xxhash64, kept up to date with every record: hashes of
// members are summed per campaign and those of campaigns per partition, so a
// sum depends on no order, and a record costs two or three small hashes. Equal
// digests at equal offsets mean equal folds; it guards against mistakes and
// damage, not against somebody who may write to the log.

// BeaconEvery is the distance in records between two beacons of a partition.
const BeaconEvery = 5000

// Digest is a hash of the whole state. It costs one hash of 65 bytes, whatever
// the size of the state.
func (s *State) Digest() uint64 {
	b := make([]byte, 0, 65)
	b = appendNumbers(b, int64(s.partition), s.next, s.lastAt, s.rows, int64(s.genesis.Partitions))
	b = append(b, s.version)
	b = append(b, s.genesis.Cluster[:]...)
	b = binary.LittleEndian.AppendUint64(b, s.sum)
	return xxhash.Sum64(b)
}

// Digest is the hash of the campaign: its own fields and its members.
func (c *Campaign) Digest() uint64 { return c.hash }

func (c *Campaign) digest() uint64 {
	b := make([]byte, 0, 89)
	b = appendNumbers(b, c.Xv, c.Granted, c.Waiting, c.Seq, c.Wseq, c.Ev, c.Freed, c.CreatedAt, c.Created)
	b = append(b, byte(c.Status))
	b = binary.LittleEndian.AppendUint64(b, c.defined)
	b = binary.LittleEndian.AppendUint64(b, c.sum)
	return xxhash.Sum64(b)
}

func memberHash(u User, p *Place) uint64 {
	b := make([]byte, 0, 73)
	b = append(b, u[:]...)
	b = appendNumbers(b, p.Claim, p.End, p.Last, p.Rank, p.Ticket, p.At, p.EndedAt)
	b = append(b, byte(p.State))
	return xxhash.Sum64(b)
}

func appendNumbers(b []byte, numbers ...int64) []byte {
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return b
}

// marks are this fold's own digests at the last eight multiples of BeaconEvery,
// to hold beacons against. They are no part of the state: a fold that started
// from a snapshot knows fewer, and lets pass what it cannot judge.
type marks struct {
	ring [8]struct {
		next   int64 // 0: empty
		digest uint64
	}
	last int
}

func (m *marks) put(next int64, digest uint64) {
	m.last = (m.last + 1) % len(m.ring)
	m.ring[m.last].next, m.ring[m.last].digest = next, digest
}

// check compares a beacon. Which of the two folds is wrong is not its question:
// the node refolds and finds out.
func (m *marks) check(mark int64, digest uint64) Verdict {
	for i := range m.ring {
		if at := &m.ring[i]; mark > 0 && at.next == mark && at.digest != digest {
			return Diverged
		}
	}
	return NoEffect
}
