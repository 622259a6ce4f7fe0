package history

import (
	"fmt"

	"firstcome/engine/fold"
)

// Judge returns every broken promise, nothing for a clean run.
func Judge(e *Evidence) (found []Violation) {
	states := make([]*fold.State, len(e.Log))
	ranks := map[string]map[fold.User][]int64{}
	for p, records := range e.Log {
		states[p] = fold.New(int32(p))
		for _, r := range records {
			st, err := states[p].Apply(r.Offset, r.At, r.Value)
			if err != nil {
				found = append(found, Violation{"I1 cap", "", err.Error()})
				break
			}
			for _, t := range st.Transitions {
				if t.Place.State == fold.Granted {
					if ranks[t.Campaign] == nil {
						ranks[t.Campaign] = map[fold.User][]int64{}
					}
					ranks[t.Campaign][t.User] = append(ranks[t.Campaign][t.User], t.Place.Rank)
				}
			}
		}
	}
	for i := range e.Ops {
		o := &e.Ops[i]
		if !o.granted() {
			continue
		}
		has := false
		for _, r := range ranks[o.Campaign][e.Users[o.Member]] {
			has = has || r == o.Rank
		}
		if !has {
			found = append(found, Violation{"I3 durability", o.Campaign, fmt.Sprintf("%s was told rank %d and the log has %v", o.Member, o.Rank, ranks[o.Campaign][e.Users[o.Member]])})
		}
	}
	return found
}
