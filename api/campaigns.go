package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"firstcome/engine"
	"firstcome/engine/fold"
)

var statusNames = map[fold.Status]string{
	fold.Draft: "draft", fold.Scheduled: "scheduled", fold.Open: "open",
	fold.Paused: "paused", fold.Closed: "closed", fold.Archived: "archived",
}

// time is GET /v1/time.
func (s *Server) time(c *call) error {
	c.buf = appendNow(c.buf[:0], s.ports.Campaigns.Now())
	return c.json(http.StatusOK, c.buf)
}

func appendNow(b []byte, now time.Time) []byte {
	b = appendTime(append(b, '{'), "now", now)
	return closeObject(appendInt(b, "unix_ms", now.UnixMilli()))
}

var publicCache = []string{"public, max-age=5, stale-while-revalidate=30, stale-if-error=300"}

// campaignDetail is GET /v1/campaigns/{id}.
func (s *Server) campaignDetail(c *call) error {
	id, err := c.campaign()
	if err != nil {
		return err
	}
	a, err := c.asker()
	if err != nil {
		return err
	}
	ctx, cancel := c.deadline()
	defer cancel()
	p, offset, err := a.published(ctx, id)
	if err != nil {
		return err
	}
	c.tell(offset)
	h := c.w.Header()
	h["Etag"], h["Cache-Control"] = p.etag, publicCache
	if matches(c.r.Header["If-None-Match"], p.etag[0]) {
		c.status = http.StatusNotModified
		c.w.WriteHeader(c.status)
		return nil
	}
	return c.json(http.StatusOK, p.body)
}

// readCampaign reads the campaign in the path, as new as the request asks.
func (c *call) readCampaign() (engine.Campaign, error) {
	id, err := c.campaign()
	if err != nil {
		return engine.Campaign{}, err
	}
	a, err := c.asker()
	if err != nil {
		return engine.Campaign{}, err
	}
	ctx, cancel := c.deadline()
	defer cancel()
	return a.campaign(ctx, id)
}

// matches compares a list of entity tags weakly (RFC 9110, 13.1.2).
func matches(header []string, etag string) bool {
	for _, line := range header {
		for tag := range strings.SplitSeq(line, ",") {
			if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
				return true
			}
		}
	}
	return false
}

// printed is a campaign in JSON, encoded once for each of its states.
type printed struct {
	version, ev int64
	epoch       string
	definition  []byte // the part that only a new version changes
	body        []byte
	etag        []string
}

// prints keeps what was printed last of each campaign: as many as there are
// campaigns. What it gives out is never older than what it gave out before.
type prints struct {
	byID sync.Map      // id -> *atomic.Pointer[printed]
	news atomic.Uint64 // how often a definition or a status was new: then a list is older than this
}

func (p *prints) of(c *engine.Campaign) *printed {
	slot, ok := p.byID.Load(c.ID)
	if !ok {
		slot, _ = p.byID.LoadOrStore(c.ID, new(atomic.Pointer[printed]))
	}
	at := slot.(*atomic.Pointer[printed])
	for {
		old := at.Load()
		if old != nil && old.epoch == c.Epoch && old.version >= c.Version && old.ev >= c.Ev {
			return old
		}
		fresh := printOf(c, old)
		if at.CompareAndSwap(old, fresh) {
			if old == nil || old.version != fresh.version {
				p.news.Add(1)
			}
			return fresh
		}
	}
}

func printOf(c *engine.Campaign, old *printed) *printed {
	fresh := &printed{version: c.Version, ev: c.Ev, epoch: c.Epoch}
	if old != nil && old.version == c.Version && old.epoch == c.Epoch {
		fresh.definition = old.definition
	} else {
		fresh.definition = appendDefinition(nil, c)
	}
	fresh.body = appendLive(append(make([]byte, 0, len(fresh.definition)+256), fresh.definition...), c)
	fresh.etag = []string{`"` + position(c) + "." + itoa(c.Version) + `"`}
	return fresh
}

// position is where the campaign's stream goes on behind this state.
func position(c *engine.Campaign) string { return c.Epoch + "-" + itoa(c.Ev) }

func appendDefinition(b []byte, c *engine.Campaign) []byte {
	b = appendText(append(b, '{'), "id", c.ID)
	b = appendText(b, "title", c.Title)
	b = appendText(b, "description", c.Description)
	b = appendText(b, "kind", c.Kind)
	if c.Cap != nil {
		b = appendInt(b, "cap", *c.Cap)
		b = appendText(b, "cap_mode", c.CapMode)
	}
	b = appendText(b, "counting", c.Counting)
	b = appendInt(b, "points", c.Points)
	b = appendInt(b, "waitlist_cap", c.WaitlistCap)
	b = appendText(b, "reclaim", c.Reclaim)
	b = appendBool(b, "end_promotion", c.EndPromotion)
	b = appendTime(b, "opens_at", c.OpensAt)
	b = appendTime(b, "closes_at", c.ClosesAt)
	b = appendTime(b, "cancellable_until", c.CancellableUntil)
	b = appendForm(b, c.Form)
	return appendRules(b, c.Eligibility)
}

// appendLive ends the object with what changes with every claim.
func appendLive(b []byte, c *engine.Campaign) []byte {
	b = appendText(b, "status", statusNames[c.Status])
	b = appendBool(b, "sold_out", c.SoldOut())
	b = appendInt(b, "granted", c.Granted)
	b = appendInt(b, "waiting", c.Waiting)
	if left := c.Remaining(); left >= 0 {
		b = appendInt(b, "remaining", left)
	}
	b = appendInt(b, "version", c.Version)
	b = appendText(b, "position", position(c))
	return closeObject(appendInt(b, "poll_after_ms", pollCampaign(c.Status)))
}

// pollCampaign is how long a client without the stream should wait between
// looks; it depends on the state alone, so that equal states are equal bytes.
func pollCampaign(s fold.Status) int64 {
	switch s {
	case fold.Open:
		return 3000
	case fold.Scheduled, fold.Paused:
		return 5000
	}
	return 60_000
}

// listingAge is how old the list of all campaigns may be. A change that an
// admin makes on this node, or that somebody has read here, is in it at once.
const listingAge = 100 * time.Millisecond

// listing is all campaigns, newest first, at one moment.
type listing struct {
	made      time.Time
	changes   uint64
	next      []int64 // it includes everything before, by partition
	campaigns []engine.Campaign
}

// campaigns returns the list, gathered anew when it is too old, or older than
// records that the client was told of and this node knows. Several may gather
// at once: it is cheaper than to wait for one another.
func (s *Server) campaigns(seen []engine.LogOffset) *listing {
	changes := s.changes.Load() + s.prints.news.Load()
	l := s.listing.Load()
	if l != nil && l.changes == changes && time.Since(l.made) < listingAge && l.includes(seen) {
		return l
	}
	l = &listing{made: time.Now(), changes: changes}
	l.next, _ = s.ports.Node.Folds()
	l.campaigns = s.ports.Campaigns.Campaigns()
	slices.SortFunc(l.campaigns, func(a, b engine.Campaign) int { return whenCreated(&a).compare(whenCreated(&b)) })
	s.listing.Store(l)
	return l
}

func (l *listing) includes(seen []engine.LogOffset) bool {
	for _, o := range seen {
		if int(o.Partition) < len(l.next) && l.next[o.Partition] <= o.Offset {
			return false
		}
	}
	return true
}

func whenCreated(c *engine.Campaign) when { return when{c.CreatedAt.UnixMilli(), c.ID} }

const campaignList = "campaigns"

// campaignList is GET /v1/campaigns.
func (s *Server) campaignList(c *call) error {
	return c.listCampaigns(isShown)
}

// isShown reports whether the members' list shows campaigns of a status.
func isShown(s fold.Status) bool { return s != fold.Draft && s != fold.Archived }

// allCampaigns is GET /v1/admin/campaigns.
func (s *Server) allCampaigns(c *call) error {
	return c.listCampaigns(func(fold.Status) bool { return true })
}

func (c *call) listCampaigns(shown func(fold.Status) bool) error {
	q, err := c.query()
	if err != nil {
		return err
	}
	p, err := c.page(q, campaignList)
	if err != nil {
		return err
	}
	status, err := wantedStatus(q.Get("status"))
	if err != nil {
		return err
	}
	a, err := c.asker()
	if err != nil {
		return err
	}
	ctx, cancel := c.deadline()
	defer cancel()
	b, next, err := a.listed(ctx, c.buf[:0], p, func(s fold.Status) bool { return shown(s) && (status == 0 || s == status) })
	if err != nil {
		return err
	}
	c.buf = c.closeList(b, campaignList, next)
	return c.json(http.StatusOK, c.buf)
}

// listed appends a page of the campaigns whose status is wanted.
func (a *asker) listed(ctx context.Context, b []byte, p page, wanted func(fold.Status) bool) (_ []byte, next string, err error) {
	after, err := parseWhen(p.after)
	if err != nil {
		return b, "", err
	}
	if err := a.reach(ctx); err != nil {
		return b, "", err
	}
	b, n := openList(b), 0
	all := a.server.campaigns(a.seen).campaigns
	for i := range all {
		one := &all[i]
		if !wanted(one.Status) || (p.after != "" && whenCreated(one).compare(after) <= 0) {
			continue
		}
		if n == p.limit {
			next = whenCreated(&all[i-1]).String()
			break
		}
		n++
		b = append(append(b, a.server.prints.of(one).body...), ',')
	}
	return b, next, nil
}

func wantedStatus(name string) (fold.Status, error) {
	if name == "" {
		return 0, nil
	}
	for s, n := range statusNames {
		if n == name {
			return s, nil
		}
	}
	return 0, badQuery("status", "must be draft, scheduled, open, paused, closed or archived")
}
