package main

import (
	"log/slog"
	"net/netip"
	"slices"
	"time"
)

// Config is everything that can be set. Each key can be given as a flag
// (--claim-deadline), in the environment (FIRSTCOME_CLAIM_DEADLINE) or in the
// YAML file named by --config (claim-deadline); the flag wins over the
// environment, the environment over the file. Lists are separated by commas, or
// are lists in YAML. Keys that carry a secret may be given as file:/path.
type Config struct {
	// Listen (key listen) is where members connect, as host:port; without a
	// host on every interface. Port 0 takes a free one. Default ":8080".
	Listen string
	// AdminListen (key admin-listen) is where admins connect, and where
	// metrics, health and profiles are. Port 0 takes a free one. Default
	// "127.0.0.1:8081": this machine only.
	AdminListen string
	// Data (key data) is the directory of the embedded log, the embedded book
	// and the keys made at first start. One process at a time may use it. It is
	// made (0700) when absent, and only used by what is embedded. Default
	// "firstcome-data" in the working directory.
	Data string

	// Kafka (key kafka) lists brokers to start from, as host:port. Empty, the
	// default: the log is one SQLite file in Data. Given, this is a node of a
	// cluster: redis, postgres, secret and one of issuer, jwks and jwt-key are
	// required too.
	Kafka []string
	// KafkaTopic (key kafka-topic) holds the log. It is created when absent and
	// verified at each start. Default "firstcome.log.v1".
	KafkaTopic string
	// KafkaPartitions (key kafka-partitions) is the number of partitions, for
	// ever: the log's first record names it, and another number refuses to
	// start. 1..1024, default 16. The embedded log uses it too.
	KafkaPartitions int32
	// KafkaReplication (key kafka-replication) is how many brokers keep each
	// record. Below 3 the loss of one disk may lose grants. 1..9, default 3.
	KafkaReplication int16

	// Redis (key redis) is the gate: redis://user:pass@host:6379/0,
	// redis-sentinel://user:pass@h1:26379,h2:26379/mymaster?db=0 or
	// redis-cluster://h1:6379,h2:6379. Empty, the default: a Redis inside this
	// process. Carries a secret.
	Redis string
	// Postgres (key postgres) is the ledger's DSN:
	// postgres://user:pass@host:5432/database. Empty, the default: one SQLite
	// file in Data. Carries a secret.
	Postgres string

	// Roles (key roles) is the work that this node does: api (claims and
	// admins), stream (live events), ledger (writes the book), scheduler (opens
	// and closes). Each is needed on at least one node. A node with stream and
	// without api opens the members' door for streams, campaigns and health, and
	// answers 503 "unavailable" to claims and everything of one member; a node
	// with api and without stream does so to streams. Default: all.
	Roles []string
	// LedgerRate (key ledger-rate) is how many rows a second the ledger is
	// written at by all nodes together, until an admin sets another rate.
	// 1..1,000,000, default 5000.
	LedgerRate int64
	// ClaimDeadline (key claim-deadline) is how long a claim may stay
	// undecided before it is answered with 202. 100ms..30s, default 3s.
	ClaimDeadline time.Duration

	// StreamsMost (key streams-most) is how many event streams may be open at
	// once on this node. Beyond it: 503 with Retry-After, and clients poll. Each
	// holds one of the 50,000 connections of the members' door. 1..45,000,
	// default 40,000.
	StreamsMost int
	// StreamsPerAddress (key streams-per-address) is how many of them may come
	// from one client address, which may be a campus; behind one of the
	// trusted-proxies it is the address that the proxy names. Beyond it: 429.
	// 1..45,000, default 500.
	StreamsPerAddress int
	// StreamsEnd (key streams-end) is the time over which the streams end when
	// the node does, so that their readers do not all come to the next node at
	// once. 10ms..4s, default 2s.
	StreamsEnd time.Duration
	// StreamSource (key stream-source) is where this node's streams come from:
	// log, or redis for a node with the role stream alone. With redis it follows
	// no log and needs neither kafka nor postgres: nodes that follow the log tell
	// it through redis, by one Pub/Sub channel for each campaign that somebody
	// watches here, about 30 ms later. It then answers streams, the JSON of
	// missing frames, tickets, health and metrics, and 503 "unavailable" to
	// everything else; members hear there of changes of their claims from then
	// on, not of how they stand. The other nodes need no setting: they tell while
	// there is such a node, and one of them at a time. Default log.
	StreamSource string

	// Issuer (key issuer) is the iss that tokens must carry. With neither jwks
	// nor jwt-key its keys are found by OpenID Connect discovery, and it must be
	// an https address. Default: none; embedded, the program is its own issuer
	// (trial identity).
	Issuer string
	// Audience (key audience) is the aud that members' tokens must carry, and,
	// with "-admin" appended, admins' tokens. Default: none; aud is not looked
	// at, and an admin is whoever's token has a role.
	Audience string
	// JWKS (key jwks) is where the issuer's public keys are: an https address
	// (http on loopback). Not together with jwt-key. Default: none.
	JWKS string
	// JWTKey (key jwt-key) verifies tokens without asking anybody: a key in PEM
	// (RS256, ES256, EdDSA; the public half is enough) or a shared secret of at
	// least 32 bytes (HS256). Carries a secret. Default: none.
	JWTKey string
	// Secret (key secret) is 32 bytes, as 64 hexadecimal digits, as base64, or
	// as they are: pseudonyms, sealed answers and cookies derive from it. It
	// must be the same on every node and for ever. In a cluster it is required;
	// embedded, it is made at first start and kept in Data. Carries a secret.
	Secret Secret

	// DefaultLanguage (key default-language) of titles when a request names
	// none that we speak: ko or en. Default "en".
	DefaultLanguage string
	// TrustedProxies (key trusted-proxies) lists addresses or networks whose
	// X-Forwarded-For is believed. Default: none; the peer is the client.
	TrustedProxies []netip.Prefix

	// LogLevel (key log-level) is debug, info, warn or error. Default info.
	LogLevel slog.Level
	// LogFormat (key log-format) is text or json. Default: text on a terminal,
	// json elsewhere.
	LogFormat string
	// OTLPEndpoint (key otlp-endpoint) receives traces: http://host:4318. Every
	// request with a sampled traceparent is traced, and one in a hundred of the
	// others. Default: none; nothing is traced.
	OTLPEndpoint string

	// NoExample (key no-example) starts without the example campaign that the
	// embedded shape opens once. Default false.
	NoExample bool

	from map[string]source // who gave each key that was given
}

// Secret is 32 bytes that never show themselves.
type Secret struct {
	bytes [32]byte
	known bool
}

// String hides the secret.
func (s Secret) String() string {
	if !s.known {
		return ""
	}
	return mask
}

const mask = "***"

// allRoles is what a node can do.
var allRoles = []string{"api", "stream", "ledger", "scheduler"}

// defaults fills what nobody gave.
func (c *Config) defaults() {
	orText(&c.Listen, ":8080")
	orText(&c.AdminListen, "127.0.0.1:8081")
	orText(&c.Data, "firstcome-data")
	orText(&c.KafkaTopic, "firstcome.log.v1")
	orText(&c.DefaultLanguage, "en")
	orText(&c.StreamSource, "log")
	if c.KafkaPartitions == 0 {
		c.KafkaPartitions = 16
	}
	if c.KafkaReplication == 0 {
		c.KafkaReplication = 3
	}
	if c.Roles == nil {
		c.Roles = slices.Clone(allRoles)
	}
	if c.LedgerRate == 0 {
		c.LedgerRate = 5000
	}
	if c.ClaimDeadline == 0 {
		c.ClaimDeadline = 3 * time.Second
	}
	if c.StreamsMost == 0 {
		c.StreamsMost = 40_000
	}
	if c.StreamsPerAddress == 0 {
		c.StreamsPerAddress = 500
	}
	if c.StreamsEnd == 0 {
		c.StreamsEnd = 2 * time.Second
	}
}

func orText(field *string, text string) {
	if *field == "" {
		*field = text
	}
}

// cluster reports whether this is a node of a cluster: the log is shared.
func (c *Config) cluster() bool { return len(c.Kafka) > 0 }

// trial reports whether the program is its own issuer.
func (c *Config) trial() bool { return c.Issuer == "" && c.JWKS == "" && c.JWTKey == "" }

// relayed reports whether other nodes tell this one what its streams show: it
// follows no log.
func (c *Config) relayed() bool { return c.StreamSource == "redis" }

// embedded reports whether anything is kept in Data.
func (c *Config) embedded() bool { return !c.relayed() && (!c.cluster() || c.Postgres == "") }

// does reports whether this node has a role.
func (c *Config) does(role string) bool { return slices.Contains(c.Roles, role) }
