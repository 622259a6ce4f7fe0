package fault

import (
	"encoding/json"
	"strconv"
	"strings"

	"firstcome/bench/history"
	"firstcome/engine"
)

// told is one answer; it is understood after the run.
type told struct {
	op   history.Op
	body []byte
	log  []byte
}

// stopped is what a claim of a partition is told that has stopped for good:
// nobody insists.
var stopped = []byte(`"code":"stopped"`)

// understand reads the body of an answer.
func (t *told) understand() {
	if t.op.Status == 0 {
		return
	}
	var a struct {
		State, Code    string
		Rank, Position int64
		Grant          string `json:"grant_id"`
	}
	if json.Unmarshal(t.body, &a) != nil {
		a.Code = "no-json" // no promise allows it, so the judge will name it
	}
	t.op.State, t.op.Code, t.op.Rank, t.op.Position, t.op.Claim = a.State, a.Code, a.Rank, a.Position, a.Grant
	t.op.Log = logOffset(string(t.log))
	t.body, t.log = nil, nil
}

// logOffset reads X-Log-Offset: partition:offset.
func logOffset(s string) (o engine.LogOffset) {
	partition, offset, ok := strings.Cut(s, ":")
	p, err1 := strconv.ParseInt(partition, 10, 32)
	n, err2 := strconv.ParseInt(offset, 10, 64)
	if !ok || err1 != nil || err2 != nil {
		return o
	}
	return engine.LogOffset{Partition: int32(p), Offset: n, Known: true}
}
