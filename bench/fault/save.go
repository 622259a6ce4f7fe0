package fault

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"firstcome/bench/history"
	"firstcome/bench/stack"
)

// logs keeps the processes' logs of a run, as long as they are there.
func (r *run) logs() {
	dir := r.folder()
	if dir == "" {
		return
	}
	for _, n := range r.strike.Nodes {
		copyLog(dir, n.Process)
	}
	for _, s := range r.strike.Redis.Servers {
		copyLog(dir, s.Process)
	}
	for _, s := range r.strike.Redis.Sentinels {
		copyLog(dir, s.Process)
	}
	for _, b := range r.strike.Kafka.Brokers {
		copyLog(dir, b.Process)
	}
	copyLog(dir, r.strike.Postgres.Process)
}

// folder is where a run is kept, made when it is first asked for; "" when it
// cannot be.
func (r *run) folder() string {
	if r.out.Folder != "" {
		return r.out.Folder
	}
	name := fmt.Sprintf("%s-%s-%d", r.Name, r.out.Workload, r.o.Seed)
	if r.o.Rival {
		name += "-rival"
	}
	dir := filepath.Join(r.o.Keep, name)
	err := os.MkdirAll(dir, 0o755)
	if r.o.Keep == "" {
		dir, err = os.MkdirTemp("", "firstcome-"+name+"-")
	}
	if err != nil {
		return ""
	}
	r.out.Folder = dir
	return dir
}

// copyLog copies a log's last megabytes.
func copyLog(dir string, p *stack.Process) {
	const most = 8 << 20
	from, err := os.Open(p.LogFile())
	if err != nil {
		return
	}
	defer from.Close()
	if info, err := from.Stat(); err == nil && info.Size() > most {
		_, _ = from.Seek(-most, io.SeekEnd)
	}
	to, err := os.Create(filepath.Join(dir, filepath.Base(p.LogFile())))
	if err != nil {
		return
	}
	defer to.Close()
	_, _ = io.Copy(to, from) // as much as there is
}

// save keeps a run that failed, or each when that is asked for: its history and
// what came of it.
func (r *run) save(failed bool) error {
	keep := r.o.Keep != "" || failed || len(r.out.Violations) > 0 && !r.o.Rival
	if !keep {
		err := os.RemoveAll(r.out.Folder)
		r.out.Folder = ""
		return err
	}
	dir := r.folder()
	text, err := json.MarshalIndent(r.out, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "outcome.json"), append(text, '\n'), 0o644)
	}
	if err == nil && r.evidence != nil {
		err = history.Save(filepath.Join(dir, "evidence.jsonl.gz"), r.evidence)
	}
	if err != nil {
		return fmt.Errorf("keep a run: %w", err)
	}
	return nil
}
