package cache

import "context"

// Changes returns a campaign's changes one by one behind an id as server-sent
// events, at most most of them, and the position behind the last. Without an id
// it begins with the oldest that is kept: about a thousand are. What is not kept
// any more, or is of another log, gives a reset first.
func (f *Feed) Changes(ctx context.Context, campaign, after string, most int) (events []byte, position string, err error) {
	r, err := f.find(ctx, campaign)
	if err != nil {
		return nil, "", err
	}
	defer r.part.mu.Unlock()
	oldest := r.now.ev - int64(len(r.lines.kept))
	epoch, ev, known := parseID(after)
	switch {
	case after == "":
		ev = oldest
	case !known || epoch != r.epoch || ev > r.now.ev || ev < oldest:
		ev = oldest
		at := r.now
		at.ev = ev
		events = appendReset(events, r.epoch, at)
	}
	if len(r.lines.kept) > 0 {
		events, ev = r.lines.since(events, r.epoch, ev, most)
	}
	return events, string(appendID(nil, r.epoch, ev)), nil
}
