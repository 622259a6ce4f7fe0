package api

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"firstcome/engine"
)

const (
	// boardAge is how old an answer may be that several look at.
	boardAge = 500 * time.Millisecond
	// boardPatience bounds what is asked of others for one board.
	boardPatience = 600 * time.Millisecond
)

// Board tells how a campaign does while it is claimed. *engine.Engine fulfils it.
type Board interface {
	// Board asks no ledger: it may be called often. engine.ErrNotFound.
	Board(ctx context.Context, campaign string) (engine.Board, error)
}

// boards keeps what was drawn last of each campaign that somebody looked at: at
// most as many as there are campaigns.
type boards struct {
	byID sync.Map // id -> *drawn
}

// drawn is one campaign's board.
type drawn struct {
	mu   sync.Mutex // held while the board is drawn, boardPatience at most; guards the rest
	at   time.Time
	body []byte
}

// board is GET /v1/admin/campaigns/{id}/board.
func (s *Server) board(c *call) error {
	id, err := c.campaign()
	if err != nil {
		return err
	}
	if s.ports.Board == nil {
		return later(unavailable, fmt.Errorf("this node has no board: %w", engine.ErrUnavailable))
	}
	if _, err := s.ports.Campaigns.Campaign(id); err != nil {
		return err // no slot for what is not there
	}
	slot, ok := s.boards.byID.Load(id)
	if !ok {
		slot, _ = s.boards.byID.LoadOrStore(id, new(drawn))
	}
	body, err := slot.(*drawn).look(func() ([]byte, error) { return s.draw(c.r.Context(), id) })
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, body)
}

// look returns the board, drawn anew when it is too old. Who comes meanwhile
// waits and looks at the same one.
func (d *drawn) look(draw func() ([]byte, error)) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.body != nil && time.Since(d.at) < boardAge {
		return d.body, nil
	}
	body, err := draw()
	if err != nil {
		return nil, err
	}
	d.at, d.body = time.Now(), body
	return body, nil
}

// draw gathers a board. The client that it is drawn for may leave: others wait
// for it too.
func (s *Server) draw(ctx context.Context, id string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), boardPatience)
	defer cancel()
	var nodes []engine.Presence
	var complete bool
	var asking sync.WaitGroup
	asking.Go(func() { nodes, complete = s.nodesNow(ctx) })
	board, err := s.ports.Board.Board(ctx, id)
	asking.Wait()
	if err != nil {
		return nil, err
	}
	campaign, err := s.ports.Campaigns.Campaign(id)
	if err != nil {
		return nil, err
	}
	b := appendTime(append(make([]byte, 0, 2048), '{'), "at", s.ports.Campaigns.Now())
	b = appendTotalsNow(b, &campaign)
	b = appendDecisions(b, &board)
	b = appendPace(b, &board.Pace)
	b = appendBacklog(b, board.Backlog, s.ports.Throttle)
	b = s.appendCrew(b, nodes, complete)
	return closeObject(appendServices(b, &board)), nil
}

func appendTotalsNow(b []byte, c *engine.Campaign) []byte {
	b = appendText(b, "status", statusNames[c.Status])
	b = appendInt(b, "version", c.Version)
	b = appendInt(b, "granted", c.Granted)
	b = appendInt(b, "waiting", c.Waiting)
	if left := c.Remaining(); left >= 0 {
		b = appendInt(b, "remaining", left)
		b = appendInt(b, "cap", *c.Cap)
	}
	return b
}

// appendDecisions appends all outcomes, those that nobody had as 0.
func appendDecisions(b []byte, board *engine.Board) []byte {
	b = append(appendName(b, "decisions"), '{')
	for o := engine.Granted; o <= engine.Superseded; o++ {
		b = appendInt(b, o.String(), board.Outcomes[o.String()])
	}
	b = append(closeObject(appendInt(b, "errors", board.Outcomes["errors"])), ',')
	return appendBool(b, "decisions_whole", board.Whole)
}

func appendPace(b []byte, p *engine.Pace) []byte {
	b = appendInt(append(appendName(b, "latency_ms"), '{'), "claims", p.Claims)
	if p.Claims > 0 {
		b = appendMillis(b, "p50", p.P50)
		b = appendMillis(b, "p95", p.P95)
		b = appendMillis(b, "p99", p.P99)
	}
	return append(closeObject(b), ',')
}

func appendMillis(b []byte, name string, d time.Duration) []byte {
	return append(fmt.Appendf(appendName(b, name), "%.3f", float64(d)/float64(time.Millisecond)), ',')
}

// appendBacklog appends how far the ledger is behind; null while nobody knows.
func appendBacklog(b []byte, rows int64, throttle Throttle) []byte {
	if rows < 0 || throttle == nil {
		return appendRaw(b, "ledger", []byte("null"))
	}
	rate := throttle.Rate()
	b = appendInt(append(appendName(b, "ledger"), '{'), "backlog_rows", rows)
	if rate > 0 {
		b = appendSeconds(b, "drain_seconds", time.Duration(float64(rows)/float64(rate)*float64(time.Second)))
	}
	return append(closeObject(appendInt(b, "rows_per_second", rate)), ',')
}

// nodesNow lists the nodes, this one first; complete tells whether the others
// could be asked for.
func (s *Server) nodesNow(ctx context.Context) (list []engine.Presence, complete bool) {
	if s.ports.Cluster == nil {
		h := s.ports.Node.Health()
		return []engine.Presence{{Node: h.Node, Roles: h.Roles}}, false
	}
	list, err := s.ports.Cluster.Nodes(ctx)
	return list, err == nil
}

// appendCrew appends the nodes, each with what it said of itself at most ten
// seconds ago: who is silent for longer is not ready.
func (s *Server) appendCrew(b []byte, list []engine.Presence, complete bool) []byte {
	h, now := s.ports.Node.Health(), s.ports.Campaigns.Now()
	b = append(appendName(b, "nodes"), '[')
	for i := range list {
		p := &list[i]
		reason := p.Unready
		if i == 0 {
			reason = h.Reason
		} else if age := now.Sub(p.SaidAt); age > engine.PresentFor {
			reason = fmt.Sprintf("silent for %d s", int(age.Seconds()))
		}
		b = appendText(append(b, '{'), "name", p.Node)
		if p.Address != "" {
			b = appendText(b, "address", p.Address)
		}
		b = appendTexts(b, "roles", p.Roles)
		b = appendBool(b, "ready", reason == "")
		if reason != "" {
			b = appendText(b, "reason", reason)
		}
		if i == 0 {
			b = appendBool(b, "this", true)
		}
		b = append(closeObject(b), ',')
	}
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	return appendBool(append(b, ']', ','), "nodes_complete", complete)
}

func appendServices(b []byte, board *engine.Board) []byte {
	b = append(appendName(b, "services"), '{')
	for _, s := range []struct{ name, state string }{{"log", board.Log}, {"redis", board.Gate}, {"postgres", board.Ledger}} {
		if s.state != "" {
			b = appendText(b, s.name, s.state)
		}
	}
	return append(closeObject(b), ',')
}
