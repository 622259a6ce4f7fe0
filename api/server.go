package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"firstcome/engine"
)

// Config of the doors. Zero values mean the defaults named here.
type Config struct {
	Identity        Identity
	DefaultLanguage string         // "en" or "ko", when a request names neither; en
	TrustedProxies  []netip.Prefix // whose X-Forwarded-For is believed; nobody's
	Limits          Limits
	Streams         StreamLimits
	StreamsOnly     bool     // members' claims and data are refused: another node answers them
	NewsOnly        bool     // and so is everything that needs a fold: of the ports only Node, Feed and Glances are used
	TicketKey       [32]byte // of the cluster: signs stream tickets
	Version         string   // of the program, as the documents tell it
	Logger          *slog.Logger
	Metrics         prometheus.Registerer // nil: not measured
	Gatherer        prometheus.Gatherer   // what GET /metrics shows; nil: nothing
}

// Server is both doors.
type Server struct {
	ports    Ports
	log      *slog.Logger
	language language
	proxies  []netip.Prefix
	gatherer prometheus.Gatherer
	metrics  *metrics

	keys            keySource
	meters          *meters
	addresses       *meters // nil: no limit
	prints          prints
	boards          boards
	listing         atomic.Pointer[listing]
	changes         atomic.Uint64 // admins' changes on this node
	auditing        sync.Mutex    // held while an audit runs
	leaving         atomic.Bool   // see Leave
	streams         *streams      // nil: this node serves none
	streamsOnly     bool
	newsOnly        bool
	notices         atomic.Pointer[sheet]
	parts           *lane        // of views, under way
	feeds           atomic.Int64 // open feeds of admins
	ticketKey       [32]byte
	memberGate      *identity
	adminGate       *identity
	issuer          *Issuer // nil: somebody else makes the tokens
	assets          map[string]*asset
	members, admins *door
	memberDoc       []byte
	adminDoc        []byte
	asyncDoc        []byte
}

// New joins the doors to their ports. It starts nothing and asks nobody.
func New(cfg Config, ports Ports) (*Server, error) {
	if ports.Node == nil || !cfg.NewsOnly && (ports.Claims == nil || ports.Campaigns == nil || ports.Verbs == nil || ports.Register == nil) {
		return nil, errors.New("the doors need claims, campaigns, verbs, register and node")
	}
	if cfg.Logger == nil {
		return nil, errors.New("the doors need a logger")
	}
	s := &Server{ports: ports, log: cfg.Logger, proxies: cfg.TrustedProxies, gatherer: cfg.Gatherer, metrics: newMetrics(cfg.Metrics),
		streamsOnly: cfg.StreamsOnly, newsOnly: cfg.NewsOnly, ticketKey: cfg.TicketKey}
	if ports.Feed != nil && ports.Glances != nil {
		s.streams = newStreams(ports.Feed, ports.Glances, cfg.Streams, newStreamMetrics(cfg.Metrics))
	}
	switch cfg.DefaultLanguage {
	case "", "en":
	case "ko":
		s.language = korean
	default:
		return nil, fmt.Errorf("default-language: %q is neither ko nor en", cfg.DefaultLanguage)
	}
	if err := s.open(cfg); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Server) open(cfg Config) (err error) {
	limits := cfg.Limits.withDefaults()
	if s.meters, err = newMeters(newRule("member", limits.Member), newRule("costly", limits.Costly)); err != nil {
		return err
	}
	var crowd *meters
	if byAddress := newRule("address", limits.Address); byAddress != nil {
		if crowd, err = newMeters(byAddress, nil); err != nil {
			return err
		}
	}
	if s.keys, err = cfg.Identity.keys(s.log); err != nil {
		return err
	}
	if s.memberDoc, err = document("members", cfg.Version); err != nil {
		return err
	}
	if s.adminDoc, err = document("admins", cfg.Version); err != nil {
		return err
	}
	if s.asyncDoc, err = asyncDocument(cfg.Version); err != nil {
		return err
	}
	s.parts = newLane(partsMost)
	claims, reads, admins := newLane(limits.Claims), newLane(limits.Reads), newLane(limits.Admins)
	s.metrics.lanes(cfg.Metrics, map[string]*lane{"claims": claims, "reads": reads, "admins": admins})
	if s.memberGate, err = newIdentity(cfg.Identity, s.keys, false); err != nil {
		return err
	}
	if s.adminGate, err = newIdentity(cfg.Identity, s.keys, true); err != nil {
		return err
	}
	if err := s.openPages(cfg.Identity); err != nil {
		return err
	}
	s.members = s.door(s.memberRoutes(), s.memberGate, crowd, func(r route) *lane {
		if r.operation == "claim" {
			return claims
		}
		return reads
	})
	s.admins = s.door(s.adminRoutes(), s.adminGate, nil, func(route) *lane { return admins })
	return nil
}

// Members is the handler of the members' listener.
func (s *Server) Members() http.Handler { return s.members }

// Admins is the handler of the admins' listener: admins, metrics, profiles.
func (s *Server) Admins() http.Handler { return s.admins }

// Leave says that this node ends: it is not ready any more, and every answer
// from now on is the last one of its connection. Whoever asks is answered all
// the same. Streams begin to end, one after the other.
func (s *Server) Leave() {
	s.leaving.Store(true)
	if s.streams != nil {
		s.streams.end()
	}
}

// Stream serves the event streams until ctx ends and all of them have ended.
func (s *Server) Stream(ctx context.Context) error {
	if s.streams == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	return s.streams.run(ctx)
}

// Run keeps the issuer's keys fresh until ctx ends.
func (s *Server) Run(ctx context.Context) error { return s.keys.run(ctx) }

// memberRoutes is everything that members can ask for.
func (s *Server) memberRoutes() []route {
	return append([]route{
		{"GET /v1/time", "getTime", anyone, free, s.time},
		{"GET /v1/campaigns", "listCampaigns", anyone, free, s.campaignList},
		{"GET /v1/campaigns/{id}", "getCampaign", anyone, free, s.campaignDetail},
		{"GET /v1/notices", "listNotices", anyone, free, s.listNotices},
		{"GET /v1/view", "getView", anyone, free, s.view},
		{"GET /v1/campaigns/{id}/events", "watchCampaign", anyone, free, s.events},
		{"POST /v1/stream-tickets", "makeStreamTicket", asMember, counted, s.makeTicket},

		{"POST /v1/campaigns/{id}/claims", "claim", asMember, free, s.claim},
		{"GET /v1/campaigns/{id}/claims/me", "getMyClaim", asMember, counted, s.myClaim},
		{"PATCH /v1/campaigns/{id}/claims/me", "changeMyAnswers", asMember, costly, s.answer},
		{"DELETE /v1/campaigns/{id}/claims/me", "cancelMyClaim", asMember, costly, s.cancel},
		{"GET /v1/me/claims", "listMyClaims", asMember, counted, s.history},
		{"GET /v1/me/points", "getMyPoints", asMember, counted, s.points},

		{"GET /{$}", "getHome", anyone, free, s.app("home.html", s.memberGate, nil)},
		{"GET /c/{id}", "getCampaignPage", anyone, free, s.app("member.html", s.memberGate, s.aboutCampaign)},
		{"GET /live", "getLivePage", anyone, free, s.app("live.html", s.memberGate, nil)},
	}, s.commonRoutes(s.memberDoc, s.memberGate)...)
}

// adminRoutes is everything that admins, and the machines that watch, can ask for.
func (s *Server) adminRoutes() []route {
	return append([]route{
		{"POST /v1/admin/campaigns", "createCampaign", asOperator, free, s.create},
		{"GET /v1/admin/campaigns", "listAllCampaigns", asViewer, free, s.allCampaigns},
		{"GET /v1/admin/campaigns/{id}", "getAnyCampaign", asViewer, free, s.adminCampaign},
		{"PATCH /v1/admin/campaigns/{id}", "editCampaign", asOperator, free, s.edit},
		{"PUT /v1/admin/campaigns/{id}/cap", "setCap", asOperator, free, s.setCap},

		{"POST /v1/admin/campaigns/{id}/publication", "publishCampaign", asOperator, free, s.moves(engine.Publish)},
		{"POST /v1/admin/campaigns/{id}/opening", "openCampaign", asOperator, free, s.moves(engine.Open)},
		{"POST /v1/admin/campaigns/{id}/pause", "pauseCampaign", asOperator, free, s.moves(engine.Pause)},
		{"POST /v1/admin/campaigns/{id}/resumption", "resumeCampaign", asOperator, free, s.moves(engine.Resume)},
		{"POST /v1/admin/campaigns/{id}/closure", "closeCampaign", asOperator, free, s.moves(engine.Close)},
		{"POST /v1/admin/campaigns/{id}/archive", "archiveCampaign", asOperator, free, s.moves(engine.Archive)},

		{"GET /v1/admin/campaigns/{id}/claims", "listClaims", asViewer, free, s.places},
		{"POST /v1/admin/campaigns/{id}/cancellations", "cancelForMember", asOperator, free, s.cancelFor},
		{"GET /v1/admin/campaigns/{id}/audit", "listDeeds", asViewer, free, s.deeds},
		{"GET /v1/admin/campaigns/{id}/board", "getBoard", asViewer, free, s.board},
		{"GET /v1/admin/campaigns/{id}/books", "getBooks", asViewer, free, s.books},
		{"GET /v1/admin/campaigns/{id}/feed", "followCampaign", asViewer, free, s.feed},

		{"GET /v1/admin/notices", "listAllNotices", asViewer, free, s.allNotices},
		{"POST /v1/admin/notices", "addNotice", asOperator, free, s.addNotice},
		{"PUT /v1/admin/notices/{id}", "changeNotice", asOperator, free, s.changeNotice},
		{"DELETE /v1/admin/notices/{id}", "removeNotice", asOperator, free, s.removeNotice},

		{"GET /v1/admin/ledger/throttle", "getThrottle", asViewer, free, s.readThrottle},
		{"PUT /v1/admin/ledger/throttle", "setThrottle", asOwner, free, s.setThrottle},
		{"GET /v1/admin/nodes", "listNodes", asViewer, free, s.nodes},
		{"POST /v1/admin/upgrade", "activateRules", asOwner, free, s.upgrade},
		{"POST /v1/admin/audit", "runAudit", asOwner, free, s.audit},

		{"GET /v1/time", "getTime", anyone, free, s.time},
		{"GET /metrics", "getMetrics", anyone, free, s.showMetrics},
		{"GET /debug/pprof/{profile...}", "getProfile", asOperator, free, s.profile},

		{"GET /{$}", "getHome", anyone, free, s.app("admin.html", s.adminGate, nil)},
	}, s.commonRoutes(s.adminDoc, s.adminGate)...)
}

// commonRoutes is what both listeners have. The admins' says why something has stopped.
func (s *Server) commonRoutes(doc []byte, id *identity) []route {
	return []route{
		{"GET /session", "getSession", anyone, free, s.whoIsHere(id)},
		{"POST /session", "signIn", anyone, free, s.signIn(id)},
		{"DELETE /session", "signOut", anyone, free, s.signOut(id)},
		{"GET /assets/{file}", "getAsset", anyone, free, s.asset},

		{"GET /livez", "getLiveness", anyone, free, s.live},
		{"GET /readyz", "getReadiness", anyone, free, s.ready(id.admins)},
		{"GET /openapi.json", "getOpenAPI", anyone, free, s.serveDocument(doc)},
		{"GET /asyncapi.json", "getAsyncAPI", anyone, free, s.serveDocument(s.asyncDoc)},
		{"GET /docs", "getDocs", anyone, free, s.serveDocs(doc)},
		{"GET /problems/{code}", "getProblem", anyone, free, s.problemPage},
	}
}
