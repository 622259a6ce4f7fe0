package history

import "testing"

// A tap that wanted the waiting list and got no answer may arrive after a tap
// that did not want it was told "sold out": protocol 12 does not promise more.
// Told so with the same wish, the late one would be a ghost.
func TestAWeakerWishDoesNotRecallAStrongerOne(t *testing.T) {
	for _, wish := range []bool{false, true} {
		k := &court{Evidence: &Evidence{Ops: []Op{
			{Kind: Claim, Campaign: "c", Member: "m", Waitlist: true, Call: 1, Return: 2},
			{Kind: Claim, Campaign: "c", Member: "m", Waitlist: wish, Call: 3, Return: 4, Status: 409, Code: "sold-out"},
		}}, idx: []int32{0, 1}}
		if got := k.excused(&party{from: 0, to: 2, m: &member{}}, 1); got == wish {
			t.Errorf("wanted the list the second time %v: excused %v", wish, got)
		}
	}
}
