package engine

import "firstcome/engine/fold"

// Change is one numbered change of a campaign, as those who watch it are told.
type Change struct {
	Campaign string
	Ev       int64 // the event number: gapless, and the same on every node
	Offset   int64 // of the record that caused it
	At       int64 // Unix ms
	What     fold.Change
	User     fold.User   // of the member concerned; zero for the campaign's own changes
	After    fold.Totals // of the campaign after the change
}

// News hears what the folds of this node do.
type News interface {
	// Tell hands out changes of one partition in their order, when they can be
	// read from the fold. It is called on the goroutine that feeds the fold:
	// it must not block. The slice is the caller's again when it returns.
	Tell(partition int32, changes []Change)
}
