package cache

import (
	"context"
	"fmt"

	"firstcome/engine"
)

// isOf reports whether the records in memory are of a log.
func (h *History) isOf(log string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.log == log
}

// know returns the archived campaigns, at least as many of each partition as are needed.
// engine.ErrUnavailable when the ledger has not come as far.
func (h *History) know(ctx context.Context, log string, need []int64) (archive, error) {
	for range 2 { // the flight that is joined first may have looked for less
		if known := h.known(log, need); known != nil {
			return known, nil
		}
		_, err, _ := h.flights.Do("archive of "+log, func() (any, error) {
			for p, n := range need {
				if err := h.learn(ctx, log, int32(p), n); err != nil {
					return nil, err
				}
			}
			return nil, nil
		})
		if err != nil {
			return nil, err
		}
	}
	if known := h.known(log, need); known != nil {
		return known, nil
	}
	return nil, fmt.Errorf("%w: the ledger has not come to the newest archiving yet", engine.ErrUnavailable)
}

// known is the archive, if it is of that log and as large as is needed. What is larger
// is not shown: it may be beyond what the caller's folds know.
func (h *History) known(log string, need []int64) archive {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.log != log || len(h.archive) != len(need) {
		return nil
	}
	for p, n := range need {
		if int64(len(h.archive[p])) < n {
			return nil
		}
	}
	return append(archive(nil), h.archive...)
}

// learn reads on in one partition's archive, if it is shorter than is needed.
func (h *History) learn(ctx context.Context, log string, partition int32, need int64) error {
	have, after := h.reached(log, partition)
	if have >= need {
		return nil
	}
	var more []engine.ArchivedCampaign
	err := h.cfg.Members.Do(ctx, func(ctx context.Context) (err error) {
		more, err = h.cfg.Book.Archived(ctx, partition, after)
		return err
	})
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.archive[partition]
	if int64(len(all)) != have {
		return nil // somebody else was here
	}
	for i := range more {
		h.stands[more[i].ID] = stand{int(partition), len(all) + i}
	}
	h.archive[partition] = append(all[:len(all):len(all)], more...)
	return nil
}

// reached tells how much of a partition's archive is known. Of another log nothing is.
func (h *History) reached(log string, partition int32) (have, after int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.log != log {
		h.log, h.archive, h.stands = log, nil, numbers{}
		h.memory.InvalidateAll()
	}
	for len(h.archive) <= int(partition) {
		h.archive = append(h.archive, nil)
	}
	all := h.archive[partition]
	if len(all) == 0 {
		return 0, -1
	}
	return int64(len(all)), all[len(all)-1].Offset
}
