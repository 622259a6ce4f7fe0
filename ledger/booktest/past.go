package booktest

import (
	"testing"
	"time"

	"firstcome/engine/fold"
)

// archivedInOrder: archived campaigns are told in the order of their archiving, whatever
// the order in which they were made, and what is told of them never changes.
func archivedInOrder(t *testing.T, open func(t *testing.T) Book) {
	book, w := open(t), newWorld(5)
	opens := time.UnixMilli(1_772_420_400_000)
	for _, id := range []string{"c0", "c1", "c2", "c3"} {
		w.create(id, 3, 3)
		w.claim(id, "m1", false)
	}
	key := sealer.NewKey("planned")
	w.log.Add(&fold.Record{Kind: fold.KindCampaign, Campaign: "planned", Actor: "admin", Definition: &fold.Definition{
		Title: "P", Kind: "event", Counting: "direct", Cap: 1, Points: 70, OpensAt: opens.UnixMilli(), Key: key}})
	made := w.log.Fold(w.log.Len())
	archive := func(id string) {
		xv := w.log.Fold(w.log.Len()).Campaign(id).Xv
		if id != "planned" {
			w.log.Add(&fold.Record{Kind: fold.KindClose, Campaign: id, Xv: xv, Actor: "admin"})
			xv++
		}
		w.log.Add(&fold.Record{Kind: fold.KindArchive, Campaign: id, Xv: xv, Actor: "admin"})
	}
	read := func(after int64) (ids []string, last int64) {
		all, err := book.Archived(t.Context(), 0, after)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			if c.Created != made.Campaign(c.ID).Created || c.Offset <= last {
				t.Errorf("%+v after %d", c, last)
			}
			base, points := time.UnixMilli(made.Campaign(c.ID).CreatedAt), int64(5)
			if c.ID == "planned" {
				base, points = opens, 70
			}
			if !c.Base.Equal(base) || c.Points != points {
				t.Errorf("%+v, want base %v and %d points", c, base, points)
			}
			ids, last = append(ids, c.ID), c.Offset
		}
		return ids, last
	}
	archive("c2")
	archive("c0")
	_, _, end := writer(t, w.log, book, 100_000)
	defer end()
	drained(t, w.log, book)
	first, last := read(-1)
	if len(first) != 2 || first[0] != "c2" || first[1] != "c0" {
		t.Fatalf("archived: %v", first)
	}
	archive("planned")
	archive("c1")
	drained(t, w.log, book)
	if more, _ := read(last); len(more) != 2 || more[0] != "planned" || more[1] != "c1" {
		t.Fatalf("archived since: %v", more)
	}
	if all, _ := read(-1); len(all) != 4 {
		t.Fatalf("archived in all: %v", all)
	}
	if none, err := book.Archived(t.Context(), 1, -1); err != nil || len(none) != 0 {
		t.Fatalf("of another partition: %v %v", none, err)
	}
}
