package cache

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"firstcome/engine"
)

var noon = time.UnixMilli(1_772_420_400_000).UTC()

// anArchive has campaigns whose offsets and times are those of years.
func anArchive(random *rand.Rand, partitions, campaigns int) (archive, numbers) {
	known, stands := make(archive, partitions), numbers{}
	for p := range known {
		created := int64(0)
		for n := range campaigns {
			created += 1 + random.Int64N(200_000)
			c := engine.ArchivedCampaign{ID: fmt.Sprintf("c%d-%d", p, n), Created: created, Offset: created + 300_000_000,
				Base: noon.Add(time.Duration(n) * time.Hour), Points: random.Int64N(500)}
			stands[c.ID] = stand{p, n}
			known[p] = append(known[p], c)
		}
	}
	return known, stands
}

// aRow is a member's place in a campaign as the ledger has it.
func aRow(random *rand.Rand, c *engine.ArchivedCampaign) engine.PlaceRow {
	r := engine.PlaceRow{Campaign: c.ID, State: states[1+random.IntN(3)], ClaimOff: c.Created + 1 + random.Int64N(100_000_000),
		ClaimedAt: c.Base.Add(time.Duration(random.Int64N(int64(36 * time.Hour)))).Truncate(time.Millisecond), Points: c.Points, Booked: true}
	switch r.State {
	case "granted":
		r.Rank = 1 + random.Int64N(1_000_000)
	case "waitlisted":
		r.Ticket = 1 + random.Int64N(1_000_000)
		r.Position = 1 + random.Int64N(r.Ticket)
	case "cancelled":
		r.Rank, r.EndedAt = random.Int64N(1000), r.ClaimedAt.Add(time.Duration(random.IntN(1e6))*time.Millisecond)
	}
	if random.IntN(4) == 0 {
		r.Points = random.Int64N(1000)
	}
	return r
}

// TestARecordIsTheLedgersRows: whatever the rows, and in however many steps they come.
func TestARecordIsTheLedgersRows(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		known, stands := anArchive(random, 1+random.IntN(5), 1+random.IntN(12))
		h := &History{stands: stands}
		r, want := &record{}, []engine.PlaceRow(nil)
		for step := 1; step <= 3; step++ {
			shown, ledger := make(archive, len(known)), []engine.PlaceRow(nil)
			for p := range known {
				shown[p] = known[p][:len(known[p])*step/3]
				for n := range shown[p] {
					if old := len(r.reach) > p && int64(n) < r.reach[p]; !old && random.IntN(3) > 0 {
						want = append(want, aRow(random, &shown[p][n]))
					}
				}
			}
			for _, row := range want { // the ledger tells all, and what only it knows
				row.Member, row.Answers = "somebody", []byte(`{}`)
				ledger = append(ledger, row)
			}
			ledger = append(ledger, engine.PlaceRow{Campaign: "live", State: "granted", ClaimedAt: noon})
			before := r.raw
			r = h.grow(r, ledger, shown)
			if !bytes.HasPrefix(r.raw, before) {
				t.Fatal("a record was changed, not appended to")
			}
			sortNewest(want)
			back, err := readRecord(r.raw, shown)
			if err != nil || len(want)+len(back.rows) > 0 && !reflect.DeepEqual(back.rows, want) || !reflect.DeepEqual(back.reach, r.reach) {
				t.Fatalf("seed %d step %d: %v\n got %+v\nwant %+v", seed, step, err, back, want)
			}
			if len(want) > 0 && !reflect.DeepEqual(r.rows, want) {
				t.Fatalf("seed %d step %d, in memory:\n got %+v\nwant %+v", seed, step, r.rows, want)
			}
		}
	}
}

// TestAGrantIs16Bytes: after the first, with 16 partitions, thousands of campaigns in
// each, ranks and offsets in the millions, and times within a day and a half of opening.
func TestAGrantIs16Bytes(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	known, stands := anArchive(random, 16, 4000)
	h := &History{stands: stands}
	var rows []engine.PlaceRow
	largest := 0
	for range 500 {
		p := random.IntN(16)
		c := &known[p][random.IntN(4000)]
		r := aRow(random, c)
		r.State, r.Rank, r.Ticket, r.Position, r.EndedAt, r.Points = "granted", 1+random.Int64N(1_000_000), 0, 0, time.Time{}, c.Points
		largest = max(largest, len(appendGrant(nil, &r, stands[c.ID], c)))
		rows = append(rows, r)
	}
	whole := h.grow(nil, rows, known)
	t.Logf("the largest of %d grants takes %d bytes, on average %.1f with everything", len(rows), largest, float64(len(whole.raw))/float64(len(rows)))
	if largest > 16 {
		t.Errorf("a grant takes %d bytes", largest)
	}
	none := h.grow(nil, nil, known)
	if back, err := readRecord(none.raw, known); err != nil || len(back.rows) != 0 || !back.covers(none.reach) {
		t.Fatalf("nothing: %+v %v", back, err)
	}
}

func TestARecordThatKnowsMore(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 9))
	known, stands := anArchive(random, 2, 5)
	r := (&History{stands: stands}).grow(nil, []engine.PlaceRow{aRow(random, &known[1][4])}, known)
	less := archive{known[0], known[1][:2]}
	_, err := readRecord(r.raw, less)
	if b, ok := errors.AsType[*beyondError](err); !ok || b.partition != 1 || b.count != 5 {
		t.Fatalf("%v", err)
	}
}

func FuzzReadRecord(f *testing.F) {
	random := rand.New(rand.NewPCG(2, 2))
	known, stands := anArchive(random, 3, 4)
	h := &History{stands: stands}
	for n := range 5 {
		var rows []engine.PlaceRow
		for i := range n {
			rows = append(rows, aRow(random, &known[i%3][i%4]))
		}
		f.Add(h.grow(nil, rows, known).raw)
	}
	f.Add([]byte{1, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := readRecord(b, known)
		if err != nil {
			return
		}
		// What was read can be written, and says the same.
		again := h.grow(nil, r.rows, known)
		back, err := readRecord(again.raw, known)
		if err != nil || len(back.rows) != len(r.rows) {
			t.Fatalf("%v: %+v came back as %+v", err, r.rows, back)
		}
		for i := range r.rows {
			if len(r.rows) > 0 && !reflect.DeepEqual(r.rows[i], back.rows[i]) {
				t.Fatalf("%+v came back as %+v", r.rows[i], back.rows[i])
			}
		}
	})
}
