package main

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// key is one thing that can be set: its name in all three sources, and how text
// becomes its field and comes back from it.
type key struct {
	name   string
	usage  string // one line of --help
	right  string // what a right value looks like
	secret bool   // may be file:/path, and is never shown
	parse  func(c *Config, text string) error
	show   func(c *Config) string
}

// keys are all keys, in the order of the manual (Config).
var keys = []key{
	{"listen", "`host:port` where members connect (default :8080)", `":8080" or "127.0.0.1:8080"`, false,
		text(func(c *Config) *string { return &c.Listen }, checkListen), func(c *Config) string { return c.Listen }},
	{"admin-listen", "`host:port` where admins, metrics, health and profiles are (default 127.0.0.1:8081)", `"127.0.0.1:8081"`, false,
		text(func(c *Config) *string { return &c.AdminListen }, checkListen), func(c *Config) string { return c.AdminListen }},
	{"data", "`directory` of the embedded log, book and keys (default firstcome-data)", "a directory that may be written", false,
		text(func(c *Config) *string { return &c.Data }, checkData), func(c *Config) string { return c.Data }},
	{"kafka", "brokers, `host:port,...`; empty: the embedded log", `"kafka-1:9092,kafka-2:9092"`, false,
		func(c *Config, s string) (err error) { c.Kafka, err = parseBrokers(s); return err },
		func(c *Config) string { return strings.Join(c.Kafka, ",") }},
	{"kafka-topic", "the log's `topic` (default firstcome.log.v1)", `"firstcome.log.v1": letters, digits, '.', '_' and '-', at most 249`, false,
		text(func(c *Config) *string { return &c.KafkaTopic }, checkTopic), func(c *Config) string { return c.KafkaTopic }},
	{"kafka-partitions", "`number` of partitions of the log, for ever (default 16)", "a whole number from 1 to 1024", false,
		func(c *Config, s string) error {
			return whole(s, 1, 1024, func(n int64) { c.KafkaPartitions = int32(n) })
		},
		func(c *Config) string { return strconv.Itoa(int(c.KafkaPartitions)) }},
	{"kafka-replication", "`number` of brokers that keep each record (default 3)", "a whole number from 1 to 9", false,
		func(c *Config, s string) error {
			return whole(s, 1, 9, func(n int64) { c.KafkaReplication = int16(n) })
		},
		func(c *Config) string { return strconv.Itoa(int(c.KafkaReplication)) }},
	{"redis", "`address` of the gate: redis://, redis-sentinel:// or redis-cluster://; empty: in process",
		`"redis://host:6379/0", "redis-sentinel://h1:26379,h2:26379/mymaster?db=0" or "redis-cluster://h1:6379,h2:6379"`, true,
		text(func(c *Config) *string { return &c.Redis }, checkRedis), func(c *Config) string { return maskURL(c.Redis) }},
	{"postgres", "the ledger's `DSN`; empty: SQLite in data", `"postgres://user:pass@host:5432/database"`, true,
		text(func(c *Config) *string { return &c.Postgres }, checkPostgres), func(c *Config) string { return maskURL(c.Postgres) }},
	{"roles", "`list` of what this node does (default api,stream,ledger,scheduler)", "some of api, stream, ledger, scheduler, separated by commas", false,
		func(c *Config, s string) (err error) { c.Roles, err = parseRoles(s); return err },
		func(c *Config) string { return strings.Join(c.Roles, ",") }},
	{"ledger-rate", "`rows` a second the ledger is written at (default 5000)", "a whole number from 1 to 1000000", false,
		func(c *Config, s string) error { return whole(s, 1, 1_000_000, func(n int64) { c.LedgerRate = n }) },
		func(c *Config) string { return strconv.FormatInt(c.LedgerRate, 10) }},
	{"claim-deadline", "`duration` that a claim may stay undecided, then 202 (default 3s)", `"3s": from 100ms to 30s`, false,
		duration(func(c *Config) *time.Duration { return &c.ClaimDeadline }, 100*time.Millisecond, 30*time.Second),
		func(c *Config) string { return c.ClaimDeadline.String() }},
	{"streams-most", "`number` of event streams open at once on this node, then 503 (default 40000)", "a whole number from 1 to 45000", false,
		func(c *Config, s string) error {
			return whole(s, 1, 45_000, func(n int64) { c.StreamsMost = int(n) })
		},
		func(c *Config) string { return strconv.Itoa(c.StreamsMost) }},
	{"streams-per-address", "`number` of event streams of one client address, then 429 (default 500)", "a whole number from 1 to 45000", false,
		func(c *Config, s string) error {
			return whole(s, 1, 45_000, func(n int64) { c.StreamsPerAddress = int(n) })
		},
		func(c *Config) string { return strconv.Itoa(c.StreamsPerAddress) }},
	{"streams-end", "`duration` over which the streams end when the node does (default 2s)", `"2s": from 10ms to 4s`, false,
		duration(func(c *Config) *time.Duration { return &c.StreamsEnd }, 10*time.Millisecond, 4*time.Second),
		func(c *Config) string { return c.StreamsEnd.String() }},
	{"stream-source", "`source` of this node's streams: log, or redis with the role stream alone (default log)", `"log" or "redis"`, false,
		text(func(c *Config) *string { return &c.StreamSource }, oneOf("log", "redis")), func(c *Config) string { return c.StreamSource }},
	{"issuer", "the `iss` of tokens; alone: OpenID Connect discovery", `"https://login.example.org/"`, false,
		text(func(c *Config) *string { return &c.Issuer }, checkIssuer), func(c *Config) string { return c.Issuer }},
	{"audience", "the `aud` of members' tokens; admins': with -admin appended", `"firstcome"`, false,
		text(func(c *Config) *string { return &c.Audience }, checkAudience), func(c *Config) string { return c.Audience }},
	{"jwks", "`address` of the issuer's public keys", `"https://login.example.org/keys"`, false,
		text(func(c *Config) *string { return &c.JWKS }, checkJWKS), func(c *Config) string { return c.JWKS }},
	{"jwt-key", "a `key` in PEM, or a shared secret, that verifies tokens", `"file:/etc/firstcome/issuer.pem", or a shared secret of at least 32 bytes`, true,
		text(func(c *Config) *string { return &c.JWTKey }, checkJWTKey), func(c *Config) string { return maskAll(c.JWTKey) }},
	{"secret", "`32 bytes` for pseudonyms, sealed answers, cookies; the same on every node", `"file:/etc/firstcome/secret" with the output of: openssl rand -hex 32`, true,
		func(c *Config, s string) (err error) { c.Secret, err = parseSecret(s); return err },
		func(c *Config) string { return c.Secret.String() }},
	{"default-language", "`language` of titles when a request names none: ko or en (default en)", `"ko" or "en"`, false,
		text(func(c *Config) *string { return &c.DefaultLanguage }, oneOf("ko", "en")), func(c *Config) string { return c.DefaultLanguage }},
	{"trusted-proxies", "`networks` or addresses whose X-Forwarded-For is believed", `"10.0.0.0/8,192.0.2.7"`, false,
		func(c *Config, s string) (err error) { c.TrustedProxies, err = parsePrefixes(s); return err },
		func(c *Config) string {
			return strings.Trim(strings.ReplaceAll(fmt.Sprint(c.TrustedProxies), " ", ","), "[]")
		}},
	{"log-level", "`level`: debug, info, warn or error (default info)", "debug, info, warn or error", false,
		parseLevel, func(c *Config) string { return strings.ToLower(c.LogLevel.String()) }},
	{"log-format", "`format`: text or json (default text on a terminal, json elsewhere)", `"text" or "json"`, false,
		text(func(c *Config) *string { return &c.LogFormat }, oneOf("text", "json")), func(c *Config) string { return c.LogFormat }},
	{"otlp-endpoint", "`address` that receives traces; empty: none are made", `"http://collector:4318"`, false,
		text(func(c *Config) *string { return &c.OTLPEndpoint }, checkOTLP), func(c *Config) string { return c.OTLPEndpoint }},
	{"no-example", "start without the example campaign", "true or false", false,
		parseNoExample, func(c *Config) string { return strconv.FormatBool(c.NoExample) }},
}

// findKey returns the key of that name.
func findKey(name string) (key, bool) {
	for _, k := range keys {
		if k.name == name {
			return k, true
		}
	}
	return key{}, false
}

// text parses a key that is kept as it is given, once it passed its check.
func text(field func(*Config) *string, check func(string) error) func(*Config, string) error {
	return func(c *Config, s string) error {
		if err := check(s); err != nil {
			return err
		}
		*field(c) = s
		return nil
	}
}

func parseLevel(c *Config, s string) error {
	if err := oneOf("debug", "info", "warn", "error")(s); err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(s)); err != nil {
		return err
	}
	c.LogLevel = level
	return nil
}

func parseNoExample(c *Config, s string) error {
	yes, err := strconv.ParseBool(s)
	if err != nil {
		return fmt.Errorf("is neither true nor false")
	}
	c.NoExample = yes
	return nil
}
