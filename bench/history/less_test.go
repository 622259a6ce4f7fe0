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

// A soft campaign's "sold out" comes from a counter; a tap that is still under
// way may be granted after it. The log's own "sold out" recalls that tap.
func TestACounterRecallsNothing(t *testing.T) {
	for _, soft := range []bool{false, true} {
		k := &court{Evidence: &Evidence{Ops: []Op{
			{Kind: Claim, Campaign: "c", Member: "m", Call: 1, Return: 2},
			{Kind: Claim, Campaign: "c", Member: "m", Call: 3, Return: 4, Status: 409, Code: "sold-out"},
		}}, idx: []int32{0, 1}}
		c := &course{}
		c.d.Soft = soft
		if got := k.excused(&party{from: 0, to: 2, m: &member{}, docket: &docket{course: c}}, 1); got != soft {
			t.Errorf("soft %v: excused %v", soft, got)
		}
	}
}
