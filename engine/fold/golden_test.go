package fold_test

import (
	"strings"
	"testing"

	"firstcome/engine/fold"
)

// The logs pin the meaning of every version: bytes, verdicts, transitions and
// digests. A change of any line is a change of the rules, and needs a version.
func TestGoldenLogs(t *testing.T) {
	for name, play := range map[string]func(*tape){
		"noon": playNoon, "ghosts": playGhosts, "admin": playAdmin, "same": playSame(fold.Done),
		"noon.2": second(playNoon), "ghosts.2": second(playGhosts), "admin.2": second(playAdmin), "same.2": second(playSame(fold.NoEffect)),
		"activated": playActivated,
	} {
		t.Run(name, func(t *testing.T) {
			var trace strings.Builder
			play(tracedTape(t, &trace))
			golden(t, "testdata/"+name+".golden", trace.String())
		})
	}
}

// playNoon is the usual life of a campaign with a waiting list.
func playNoon(l *tape) {
	l.create(fold.Definition{Title: "noon", Kind: "event", Counting: "direct", Cap: 2, WaitlistCap: 2, Points: 10})
	l.verb(fold.Done, fold.KindPublish)
	l.claim(fold.ClaimNotOpen, "ann")
	l.verb(fold.Done, fold.KindOpen)
	ann := l.claim(fold.ClaimGranted, "ann")
	l.claim(fold.ClaimDuplicate, "ann")
	bob := l.claim(fold.ClaimGranted, "bob")
	l.claim(fold.ClaimFull, "cid")
	l.queue(fold.ClaimWaiting, "cid")
	dan := l.queue(fold.ClaimWaiting, "dan")
	l.queue(fold.ClaimFull, "eve")
	l.want(fold.Done, fold.Record{Kind: fold.KindAnswers, Campaign: club, User: user("dan"), Claim: dan, Sealed: []byte("x")})
	l.cancel(fold.Done, "ann", ann)
	l.setCap(fold.Done, 1)
	l.cancel(fold.Done, "bob", bob)
	l.claim(fold.ClaimFull, "ann")
	l.setCap(fold.Done, 3)
	l.claim(fold.ClaimGranted, "ann")
	l.queue(fold.ClaimWaiting, "bob")
	l.verb(fold.Done, fold.KindClose)
	l.claim(fold.ClaimClosed, "eve")
	l.cancel(fold.Done, "dan", dan)
	l.verb(fold.Done, fold.KindArchive)
	l.claim(fold.ClaimClosed, "ann")
}

// playGhosts is old copies of claims, fences and erased members.
func playGhosts(l *tape) {
	l.create(fold.Definition{Cap: 1, WaitlistCap: 1, Reclaim: fold.ReclaimAllowed})
	l.verb(fold.Done, fold.KindOpen)
	old := l.state.Next()
	l.cancel(fold.Done, "ann", 0)
	l.claimSeen(fold.ClaimSuperseded, "ann", false, old)
	ann := l.claim(fold.ClaimGranted, "ann")
	l.cancel(fold.NoEffect, "ann", 0)
	bob := l.queue(fold.ClaimWaiting, "bob")
	told := l.state.Next()
	l.claim(fold.ClaimFull, "cid")
	l.queue(fold.ClaimFull, "cid")
	l.cancel(fold.Done, "ann", ann)
	l.claimSeen(fold.ClaimSuperseded, "ann", true, ann)
	l.claimSeen(fold.ClaimStale, "cid", true, told)
	l.claimSeen(fold.ClaimFull, "cid", false, told)
	l.cancel(fold.NoEffect, "ann", ann)
	l.erase(fold.Done, "bob")
	l.erase(fold.NoEffect, "bob")
	l.cancel(fold.NoEffect, "bob", bob)
	l.claim(fold.ClaimFull, "dan")
	l.queue(fold.ClaimWaiting, "dan")
	l.erase(fold.Done, "ann")
	l.claimSeen(fold.ClaimFull, "ann", true, old)
	l.erase(fold.Done, "dan")
	l.claimSeen(fold.ClaimStale, "ann", true, old)
	l.queue(fold.ClaimWaiting, "ann")
}

// playAdmin is what admins may and may not do.
func playAdmin(l *tape) {
	l.verb(fold.Invalid, fold.KindOpen)
	l.create(fold.Definition{Title: "a", Kind: "reward", Counting: "batched", Cap: fold.NoCap, Soft: true})
	l.want(fold.Refused, fold.Record{Kind: fold.KindCampaign, Campaign: club, Definition: &fold.Definition{}})
	l.edit(fold.Done, func(d *fold.Definition) { d.Kind, d.Soft, d.Cap, d.Points = "event", false, 1, 4 })
	l.verb(fold.Done, fold.KindPublish)
	l.edit(fold.Refused, func(d *fold.Definition) { d.Soft = true })
	l.edit(fold.Done, func(d *fold.Definition) { d.Cap, d.Points, d.WaitlistCap, d.Reclaim = 2, 5, 4, fold.ReclaimRefused })
	l.verb(fold.Done, fold.KindOpen)
	l.edit(fold.Refused, func(d *fold.Definition) { d.Points = 6 })
	l.cancel(fold.Done, "ann", l.claim(fold.ClaimGranted, "ann"))
	l.claim(fold.ClaimEndedBefore, "ann")
	l.edit(fold.Done, func(d *fold.Definition) { d.Cap, d.Reclaim = 9, fold.ReclaimAllowed })
	l.claimSeen(fold.ClaimStale, "ann", false, l.state.Next()-1)
	l.claim(fold.ClaimGranted, "ann")
	l.claim(fold.ClaimGranted, "bob")
	l.queue(fold.ClaimWaiting, "cid")
	l.verb(fold.Done, fold.KindPause)
	l.claim(fold.ClaimPaused, "dan")
	l.setCap(fold.Done, 4)
	l.verb(fold.Done, fold.KindResume)
	l.want(fold.Refused, fold.Record{Kind: fold.KindClose, Campaign: club, Xv: 1})
	l.want(fold.NoEffect, fold.Record{Kind: fold.KindNoop})
	l.want(fold.NoEffect, fold.Record{Kind: fold.KindBeacon, Mark: fold.BeaconEvery})
	l.want(fold.NoEffect, fold.Record{Kind: fold.KindActivate, Activate: 1})
	l.want(fold.NoEffect, fold.Record{Kind: fold.KindGenesis, Partitions: 1})
	l.verb(fold.Done, fold.KindClose)
	l.verb(fold.Done, fold.KindArchive)
	l.setCap(fold.Refused, 9)
}
