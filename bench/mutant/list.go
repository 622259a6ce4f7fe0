package mutant

// All returns every mutant.
func All() []Mutant {
	var all []Mutant
	for _, some := range [][]Mutant{foldMutants, bookMutants, engineMutants} {
		all = append(all, some...)
	}
	return all
}

const inFold = "./engine/fold"

// foldMutants break rules of the fold.
var foldMutants = []Mutant{
	{
		Name: "duplicate", What: "who has a place is given another", In: inFold,
		File:   "engine/fold/claim.go",
		Old:    `if p.Active() { // rule 2`,
		New:    `if false && p.Active() { // rule 2`,
		Caught: "TestRule2_RepeatFindsItsPlaceInEveryStatus",
	}, {
		Name: "seen", What: "a slow copy of an old tap undoes a cancel", In: inFold,
		File:   "engine/fold/claim.go",
		Old:    `return (p.State == Ended || p.State == Fenced) && seen <= p.End`,
		New:    `return false`,
		Caught: "TestRule5_SlowCopyOfAnOldTapDoesNotUndoACancel",
	}, {
		Name: "stale", What: "who was told full and has left is granted later", In: inFold,
		File:   "engine/fold/claim.go",
		Old:    `case (grants || waits) && r.Seen <= c.Freed:`,
		New:    `case false && r.Seen <= c.Freed:`,
		Caught: "TestRule5_ClaimOfSomebodyWhoWasToldFullIsStale",
	}, {
		Name: "settle", What: "nobody is promoted", In: inFold,
		File:   "engine/fold/claim.go",
		Old:    `for c.promotes() && c.below() && c.Waiting > 0 {`,
		New:    `for false && c.Waiting > 0 {`,
		Caught: "TestSettlePromotesTheHeadWhenAGrantEnds",
	}, {
		Name: "cap-plus-one", What: "the cap lets one too many in", In: inFold,
		File:   "engine/fold/campaign.go",
		Old:    `return d.Soft || d.Cap == NoCap || c.Granted < d.Cap`,
		New:    `return d.Soft || d.Cap == NoCap || c.Granted <= d.Cap`,
		Caught: "TestRule6_GrantsInOrderUpToTheCap",
	}, {
		Name: "list-plus-one", What: "the waiting list lets one too many in", In: inFold,
		File:   "engine/fold/campaign.go",
		Old:    `return c.Status == Open && c.Waiting < c.Definition.WaitlistCap`,
		New:    `return c.Status == Open && c.Waiting <= c.Definition.WaitlistCap`,
		Caught: "TestRule8_FullWhenTheListIsFull",
	}, {
		Name: "any-cancel", What: "a late copy of a cancel ends a newer place", In: inFold,
		File:   "engine/fold/claim.go",
		Old:    `case !p.Active() || p.Claim != r.Claim:`,
		New:    `case !p.Active():`,
		Caught: "TestCancelEndsExactlyThePlaceItNames",
	}, {
		Name: "fence", What: "a cancel of no known place stops no claim that is under way", In: inFold,
		File:   "engine/fold/claim.go",
		Old:    `after.End, after.Last = st.Offset, st.Offset`,
		New:    `after.Last = st.Offset`,
		Caught: "TestRule5_FenceStopsAClaimThatIsStillUnderWay",
	}, {
		Name: "last-promoted", What: "the waiting list moves up from its end", In: inFold,
		File:   "engine/fold/waitlist.go",
		Old:    "for w.entries[w.head].gone {\n\t\tw.head++\n\t}\n\tu := w.entries[w.head].user\n\tw.drop(w.head)",
		New:    "i := len(w.entries) - 1\n\tfor w.entries[i].gone {\n\t\ti--\n\t}\n\tu := w.entries[i].user\n\tw.drop(i)",
		Caught: "TestCapRaisedPromotesInOrderInOneStep",
	}, {
		Name: "rank-again", What: "a rank is given again after a cancel", In: inFold,
		File:   "engine/fold/claim.go",
		Old:    "c.Seq++\n\tc.Granted++\n\tafter :=",
		New:    "c.Granted++\n\tc.Seq = c.Granted\n\tafter :=",
		Caught: "TestCancelEndsExactlyThePlaceItNames",
	}, {
		Name: "open-after-close", What: "a closed campaign takes claims", In: inFold,
		File:   "engine/fold/claim.go",
		Old:    "if v := c.shut(); v != Done { // rule 3\n\t\treturn v\n\t}",
		New:    "if v := c.shut(); v == ClaimClosed {\n\t\tdefer func(s Status) { c.Status = s }(c.Status)\n\t\tc.Status = Open\n\t} else if v != Done {\n\t\treturn v\n\t}",
		Caught: "TestRule3_OnlyAnOpenCampaignTakesClaims",
	}, {
		Name: "time-goes-back", What: "a broker's slow clock turns the fold's time back", In: inFold,
		File:   "engine/fold/apply.go",
		Old:    `At: max(at, s.lastAt)`,
		New:    `At: at`,
		Caught: "TestTimeNeverGoesBack",
	}, {
		Name: "gap", What: "a record that is missing goes unnoticed", In: inFold,
		File:   "engine/fold/apply.go",
		Old:    `if offset != s.next {`,
		New:    `if offset < s.next {`,
		Caught: "TestGapStops",
	}, {
		Name: "any-version", What: "of two admins who saw the same both are obeyed", In: inFold,
		File:   "engine/fold/manage.go",
		Old:    `return r.Xv == c.Xv`,
		New:    `return r.Xv <= c.Xv`,
		Caught: "TestVerbsMoveOnlyWhereTheyMay",
	}, {
		Name: "id-again", What: "an archived campaign's id is used again", In: inFold,
		File:   "engine/fold/apply.go",
		Old:    `if s.byID[r.Campaign] != nil {`,
		New:    `if c := s.byID[r.Campaign]; c != nil && c.Status != Archived {`,
		Caught: "TestAnIDIsNeverUsedTwice",
	}, {
		Name: "beacon", What: "a beacon with another digest is taken for the same", In: inFold,
		File:   "engine/fold/digest.go",
		Old:    `at.next == mark && at.digest != digest {`,
		New:    `at.next == mark && at.digest != digest && false {`,
		Caught: "TestBeacon",
	}, {
		Name: "map-order", What: "the digest depends on the order of a map", In: inFold,
		File:   "engine/fold/digest.go",
		Old:    `b = binary.LittleEndian.AppendUint64(b, c.sum)`,
		New:    "for u := range c.members {\n\t\tb = append(b, u[:]...)\n\t}",
		Caught: "TestRestoredStateGoesOnAsIfNothingHadHappened",
	}, {
		Name: "digest-forgets", What: "the digest does not see where a member's place ended", In: inFold,
		File:   "engine/fold/digest.go",
		Old:    `b = appendNumbers(b, p.Claim, p.End, p.Last,`,
		New:    `b = appendNumbers(b, p.Claim, p.Last,`,
		Caught: "TestGoldenLogs",
	},
}

// bookMutants break rules of the books and of the gate.
var bookMutants = []Mutant{
	{
		Name: "no-cursor", What: "a writer that is behind writes all the same (PostgreSQL)", In: "./ledger/postgres",
		File:   "ledger/postgres/append.go",
		Old:    `WHERE partition = $1 AND next = $2 AND topic_id = $10`,
		New:    `WHERE partition = $1 AND $2::bigint >= 0 AND topic_id = $10`,
		Caught: "TestBook/a_cursor_elsewhere_refuses_the_batch_whole",
	}, {
		Name: "no-cursor-file", What: "a writer that is behind writes all the same (SQLite)", In: "./ledger/sqlite",
		File:   "ledger/sqlite/append.go",
		Old:    `WHERE partition = ?1 AND next = ?2 AND topic_id = ?10`,
		New:    `WHERE partition = ?1 AND ?2 >= 0 AND topic_id = ?10`,
		Caught: "TestBook/a_cursor_elsewhere_refuses_the_batch_whole",
	}, {
		Name: "on-conflict-do-nothing", What: "a row that breaks a rule of the book is passed over", In: "./ledger/sqlite",
		File:   "ledger/sqlite/append.go",
		Old:    "insertPlace  = `INSERT INTO places",
		New:    "insertPlace  = `INSERT OR IGNORE INTO places",
		Caught: "TestBook/a_violated_rule_stops_and_names_itself",
	}, {
		Name: "insert-before-update", What: "a member's new place is written before the old one has ended", In: "./ledger/postgres",
		File: "ledger/postgres/append.go",
		Old: "if err := tx.SendBatch(ctx, first).Close(); err != nil {\n\t\treturn fmt.Errorf(\"write states: %w\", err)\n\t}\n" +
			"\tif err := copyPlaces(ctx, tx, b.Placed); err != nil {\n\t\treturn err\n\t}\n",
		New: "if err := copyPlaces(ctx, tx, b.Placed); err != nil {\n\t\treturn err\n\t}\n" +
			"\tif err := tx.SendBatch(ctx, first).Close(); err != nil {\n\t\treturn fmt.Errorf(\"write states: %w\", err)\n\t}\n",
		Caught: "TestBook/what_is_loaded_is_the_fold",
	}, {
		Name: "book-beyond-the-log", What: "the book goes on with a log that has lost its end", In: "./ledger",
		File:   "ledger/writer.go",
		Old:    `if start > next || end < next {`,
		New:    `if start > next {`,
		Caught: "TestALogThatHasLostRecordsIsNotWritten",
	}, {
		Name: "book-behind-the-log", What: "the book goes on with a log that has lost its start", In: "./ledger",
		File:   "ledger/writer.go",
		Old:    `if start > next || end < next {`,
		New:    `if end < next {`,
		Caught: "TestALogThatHasLostRecordsIsNotWritten",
	}, {
		Name: "book-of-another-log", What: "the book goes on with another log", In: "./ledger/sqlite",
		File:   "ledger/writer.go",
		Old:    `case of != topic.ID:`,
		New:    `case false && of != topic.ID:`,
		Caught: "TestBook/a_writer_with_nothing_to_write_rests",
	}, {
		Name: "violation-skipped", What: "a row that the book refuses is tried again for ever, and nobody told", In: "./ledger",
		File:   "ledger/part.go",
		Old:    `case errors.Is(err, ErrBehind), errors.As(err, &rule), ctx.Err() != nil:`,
		New:    `case errors.Is(err, ErrBehind), errors.As(err, &rule) && rule == nil, ctx.Err() != nil:`,
		Caught: "TestWhatTheBookRefuses",
	}, {
		Name: "violation-untold", What: "a partition whose row the book refuses is written again from where it was", In: "./ledger",
		File:   "ledger/part.go",
		Old:    "case errors.As(err, &rule):",
		New:    "case errors.As(err, &rule) && rule == nil:",
		Caught: "TestWhatTheBookRefuses",
	}, {
		Name: "no-throttle", What: "the book is written as fast as it goes", In: "./ledger",
		File:   "ledger/throttle.go",
		Old:    `if err := t.limiter.WaitN(ctx, n); err != nil {`,
		New:    `if err := t.limiter.WaitN(ctx, 0); err != nil {`,
		Caught: "TestEachSecondStaysWithinFivePercent",
	}, {
		Name: "driver-retries", What: "the Redis driver repeats what it has no answer to", In: "./engine/redisgate",
		File: "engine/redisgate/options.go",
		Old: "-1, DialerRetries: 1, ContextTimeoutEnabled: true,\n\t\tDialTimeout: dialTimeout, ReadTimeout: callTimeout, WriteTimeout: callTimeout, PoolTimeout: poolTimeout,\n" +
			"\t\tPoolSize: poolSize, PipelinePoolSize: poolSize,\n\t}\n}\n\nfunc (a Address) sentinel()",
		New: "3, DialerRetries: 1, ContextTimeoutEnabled: true,\n\t\tDialTimeout: dialTimeout, ReadTimeout: callTimeout, WriteTimeout: callTimeout, PoolTimeout: poolTimeout,\n" +
			"\t\tPoolSize: poolSize, PipelinePoolSize: poolSize,\n\t}\n}\n\nfunc (a Address) sentinel()",
		Caught: "TestSettingsOfTheDriver",
	},
}
