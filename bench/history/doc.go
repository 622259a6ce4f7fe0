// Package history judges a run: what members were told, held against what the
// lists say afterwards. It knows nothing of how the engine works, so it would
// catch any engine that breaks a promise, and its tests show that it does.
//
// It judges runs in which nobody cancels and no cap is changed. Then a campaign
// that is full stays full, and every rule below is exact:
//
//	over-cap       more places granted than the cap
//	member-twice   a member with two places, or a place of a member who never asked
//	rank           ranks of the list are not 1, 2, 3 ... each once
//	lost           a grant that was answered is not in the list
//	moved          a member was told another rank than the list's, or two ranks
//	false-full     "sold out" although a seat was free: somebody who asked only
//	               after that answer got one, or seats are left at the end
//	unfair         a member asked after another had been answered, and ranks before
//	undecided      a member's last answer is no final one
//	error          an answer that no promise allows: 5xx, or a status out of place
package history
