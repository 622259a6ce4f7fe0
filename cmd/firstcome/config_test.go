package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"pgregory.net/rapid"
)

const (
	goodSecret = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
	goodJWTKey = "a shared secret of more than thirty-two bytes"
)

// clusterArgs is a configuration of a cluster that is right as far as one can
// tell without knocking.
func clusterArgs(with ...string) []string {
	return append([]string{"config", "check", "--kafka", "127.0.0.1:1", "--redis", "redis://127.0.0.1:1",
		"--postgres", "postgres://u:hunter2@127.0.0.1:1/db", "--secret", goodSecret, "--jwt-key", goodJWTKey}, with...)
}

// Each malformed configuration is refused with exit code 2 and names the key,
// the value, what is wrong and what would be right.
func TestMalformedConfigurations(t *testing.T) {
	pemKey := func(curve elliptic.Curve) string {
		k, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	for _, tt := range []struct {
		name string
		args string
		env  string
		file string
		says []string
	}{
		{name: "no port", args: "--listen localhost", says: []string{`listen = "localhost" (flag)`, "has no port", "127.0.0.1:8080"}},
		{name: "port too large", args: "--listen :70000", says: []string{`":70000"`, "from 0 to 65535"}},
		{name: "port is a word", env: "FIRSTCOME_ADMIN_LISTEN=:http", says: []string{"admin-listen", "(environment)", `"http"`}},
		{name: "scheme in listen", args: "--listen http://localhost:80", says: []string{"scheme", "host:port"}},
		{name: "bad host", args: "--listen 300.1.1.1:80", says: []string{"300.1.1.1", "neither a name nor an IP address"}},
		{name: "bare IPv6", args: "--listen ::1:80", says: []string{"brackets"}},
		{name: "two doors in one", args: "--listen :9000 --admin-listen 127.0.0.1:9000", says: []string{"admin-listen", "same door", "another port"}},
		{name: "empty listen", file: `listen: ""`, says: []string{"listen", "is empty"}},
		{name: "data is a file", args: "--data " + os.Args[0], says: []string{"data", "a file, not a directory"}},
		{name: "brokers without port", args: "--kafka kafka-1", says: []string{"kafka", "kafka-1", "not host:port"}},
		{name: "brokers with a scheme", args: "--kafka kafka://k:9092", says: []string{"scheme"}},
		{name: "a broker twice", args: "--kafka k:9092,k:9092", says: []string{`names "k:9092" twice`}},
		{name: "a hole in the list", args: "--kafka k:9092,,l:9092", says: []string{"empty item"}},
		{name: "unknown source", args: "--stream-source kafka", says: []string{"stream-source", "not one of log, redis"}},
		{name: "redis alone", args: "--stream-source redis", says: []string{"4 things", "--roles stream", "redis", "secret", "jwt-key"}},
		{name: "kafka alone", args: "--kafka k:9092", says: []string{"4 things", "redis", "postgres", "secret", "jwt-key", "one of issuer, jwks and jwt-key"}},
		{name: "topic name", args: "--kafka-topic first/come", says: []string{"kafka-topic", "not a name that Kafka allows"}},
		{name: "topic without kafka", args: "--kafka-topic mine", says: []string{"kafka-topic", "kafka is not"}},
		{name: "no partitions", args: "--kafka-partitions 0", says: []string{"kafka-partitions", "not from 1 to 1024"}},
		{name: "partitions as a word", file: "kafka-partitions: many", says: []string{"(file)", "not a whole number"}},
		{name: "half a replica", file: "kafka-replication: 1.5", says: []string{"kafka-replication", "not a whole number"}},
		{name: "redis without scheme", args: "--redis localhost:6379", says: []string{"redis", "redis://"}},
		{name: "redis with http", args: "--redis http://localhost", says: []string{"http", "redis-sentinel"}},
		{name: "sentinel without master", args: "--redis redis-sentinel://h:26379", says: []string{"master", "mymaster"}},
		{name: "database in a cluster", args: "--redis redis-cluster://h:6379/1", says: []string{"cluster has no databases"}},
		{name: "redis database is a word", args: "--redis redis://h/zero", says: []string{"zero"}},
		{name: "mysql", args: "--postgres mysql://u@h/db", says: []string{`"mysql"`, "postgres"}},
		{name: "dsn without database", args: "--postgres host=localhost", env: "PGDATABASE=", says: []string{"postgres", "database"}},
		{name: "dsn port", args: "--postgres postgres://h:port/db", says: []string{"postgres", "cannot be read"}},
		{name: "unknown role", args: "--roles api,leger", says: []string{"leger", `did you mean "ledger"?`}},
		{name: "role twice", args: "--roles api,api", says: []string{"twice"}},
		{name: "no role", args: "--roles=", says: []string{"names no role"}},
		{name: "alone without a scheduler", args: "--roles api,ledger", says: []string{"leaves out scheduler", "only node"}},
		{name: "rate zero", args: "--ledger-rate 0", says: []string{"ledger-rate", "not from 1 to 1000000"}},
		{name: "more streams than connections", args: "--streams-most 50000 --streams-per-address 0", says: []string{"streams-most", "streams-per-address", "not from 1 to 45000"}},
		{name: "rate with a unit", args: "--ledger-rate 5k", says: []string{`"5k"`, "not a whole number"}},
		{name: "deadline without unit", file: "claim-deadline: 3", says: []string{"no unit", "did you mean 3s?"}},
		{name: "deadline too short", args: "--claim-deadline 1ms", says: []string{"from 100ms to 30s"}},
		{name: "deadline negative", args: "--claim-deadline=-3s", says: []string{"from 100ms to 30s"}},
		{name: "issuer without https", args: "--issuer http://login.example.org", says: []string{"issuer", "https"}},
		{name: "issuer is a word", args: "--issuer us", says: []string{"issuer", "not an address", "neither jwks nor jwt-key"}},
		{name: "audience for nobody", args: "--audience app", says: []string{"audience", "issuer, jwks or jwt-key too"}},
		{name: "jwks by http", args: "--jwks http://login.example.org/keys", says: []string{"jwks", "https"}},
		{name: "two who say who", args: "--jwks https://login.example.org/keys --jwt-key file:" + write(t, "k", goodJWTKey), says: []string{"jwks", "only one"}},
		{name: "short shared secret", args: "--jwt-key hunter2", says: []string{"at least 32", "this has 7"}},
		{name: "wrong curve", args: "--jwt-key file:" + write(t, "pem", pemKey(elliptic.P384())), says: []string{"jwt-key", "P-256"}},
		{name: "broken pem", args: "--jwt-key file:" + write(t, "pem", "-----BEGIN PUBLIC KEY-----\nhello\n"), says: []string{"PEM"}},
		{name: "short secret", args: "--secret abc", says: []string{"secret", "not 32 bytes", "openssl rand -hex 32"}},
		{name: "no secret at all", args: "--secret " + strings.Repeat("0", 64), says: []string{"one byte 32 times"}},
		{name: "secret file missing", args: "--secret file:/does/not/exist", says: []string{"/does/not/exist", "does not exist"}},
		{name: "secret file empty", args: "--secret file:" + write(t, "empty", "\n"), says: []string{"which is empty"}},
		{name: "secret as a YAML number", file: "secret: 1234", says: []string{"put it in quotes"}},
		{name: "language", args: "--default-language kr", says: []string{`did you mean "ko"?`}},
		{name: "proxies", args: "--trusted-proxies 10.0.0.0/33", says: []string{"10.0.0.0/33", "neither an IP address nor a network"}},
		{name: "proxy bits", args: "--trusted-proxies 10.0.0.1/8", says: []string{"the network is 10.0.0.0/8"}},
		{name: "log level", args: "--log-level verbose", says: []string{"debug, info, warn, error"}},
		{name: "log format", args: "--log-format jason", says: []string{`did you mean "json"?`}},
		{name: "collector", args: "--otlp-endpoint collector:4318", says: []string{"otlp-endpoint", "http://collector:4318"}},
		{name: "example", env: "FIRSTCOME_NO_EXAMPLE=perhaps", says: []string{"no-example", "true or false"}},
		{name: "unknown flag", args: "--lisen :80", says: []string{"--lisen", `did you mean "--listen"?`}},
		{name: "unknown variable", env: "FIRSTCOME_REDIS_URL=redis://h", says: []string{"FIRSTCOME_REDIS_URL", `did you mean "FIRSTCOME_REDIS"?`}},
		{name: "small letters in a variable", env: "FIRSTCOME_redis=redis://h", says: []string{"FIRSTCOME_redis", "FIRSTCOME_REDIS"}},
		{name: "unknown key in the file", file: "kafka_topic: x", says: []string{"kafka_topic", `did you mean "kafka-topic"?`}},
		{name: "nested key", file: "kafka:\n  topic: x", says: []string{"kafka.topic", `did you mean "kafka-topic"?`}},
		{name: "no YAML", file: "listen: [", says: []string{"cannot be read as YAML"}},
		{name: "no file", args: "--config /does/not/exist.yaml", says: []string{"config", "does not exist"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"config", "check"}, strings.Fields(tt.args)...)
			if tt.file != "" {
				args = append(args, "--config", write(t, "firstcome.yaml", tt.file))
			}
			got := invoke(t, []string{tt.env}, args...)
			if got.code != exitUsage || got.out != "" {
				t.Fatalf("exit code %d, output %q, errors:\n%s", got.code, got.out, got.err)
			}
			must(t, got.err, tt.says...)
			for _, secret := range []string{"hunter2", goodJWTKey} {
				if strings.Contains(got.err, secret) {
					t.Errorf("the report shows a secret:\n%s", got.err)
				}
			}
		})
	}
}

func TestEverythingWrongIsReportedAtOnce(t *testing.T) {
	file := write(t, "firstcome.yaml", "listn: ':80'\nroles: [api, nothing]\nlog-level: loud\n")
	got := invoke(t, []string{"FIRSTCOME_SECRET=abc", "FIRSTCOME_FOO=1"},
		"serve", "--config", file, "--listen", "banana", "--ledger-rate", "0", "--claim-deadlin", "3s", "--redis=http://h")
	if got.code != exitUsage {
		t.Fatalf("exit code %d", got.code)
	}
	must(t, got.err, "9 things are wrong", "listn", "nothing", "loud", "secret", "FIRSTCOME_FOO", "banana", "ledger-rate", "--claim-deadlin", "redis")
}

func TestStrengthOfTheThreeSources(t *testing.T) {
	file := write(t, "firstcome.yaml", "listen: ':1'\nadmin-listen: ':2'\ndefault-language: ko\nroles: [api, stream, ledger, scheduler]\nledger-rate: 200\n")
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, k := range keys {
		flags.String(k.name, "", "")
	}
	flags.String("config", "", "")
	if err := flags.Parse([]string{"--config", file, "--listen", ":5"}); err != nil {
		t.Fatal(err)
	}
	c, wrong := load(flags, []string{"FIRSTCOME_LISTEN=:3", "FIRSTCOME_ADMIN_LISTEN=:4", "FIRSTCOME_REDIS=", "FIRSTCOME_CLAIM_DEADLINE=2s"})
	if wrong != nil {
		t.Fatal(wrong)
	}
	got := []any{c.Listen, c.AdminListen, c.DefaultLanguage, c.LedgerRate, c.ClaimDeadline, c.Redis, c.KafkaPartitions}
	want := []any{":5", ":4", "ko", int64(200), 2 * time.Second, "", int32(16)}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
}

func TestDefaultsAreThoseOfTheManual(t *testing.T) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	c, wrong := load(flags, nil)
	if wrong != nil {
		t.Fatal(wrong)
	}
	for name, want := range map[string]string{
		"listen": ":8080", "admin-listen": "127.0.0.1:8081", "data": "firstcome-data", "kafka": "", "kafka-topic": "firstcome.log.v1",
		"kafka-partitions": "16", "kafka-replication": "3", "redis": "", "postgres": "", "roles": "api,stream,ledger,scheduler",
		"ledger-rate": "5000", "claim-deadline": "3s", "streams-most": "40000", "streams-per-address": "500", "streams-end": "2s", "issuer": "", "audience": "", "jwks": "", "jwt-key": "", "secret": "",
		"default-language": "en", "trusted-proxies": "", "log-level": "info", "log-format": "", "otlp-endpoint": "", "no-example": "false",
	} {
		if got := mustKey(name).show(c); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// The comment on each field is the manual: every key has one.
func TestEveryKeyIsInTheManual(t *testing.T) {
	text, err := os.ReadFile("config.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if !strings.Contains(string(text), "(key "+k.name+")") {
			t.Errorf("config.go does not explain %s", k.name)
		}
		help := invoke(t, nil, "serve", "--help")
		must(t, help.out, "--"+k.name+" ")
	}
}

func TestSecretsAreUnderstoodInThreeForms(t *testing.T) {
	want, err := parseSecret(goodSecret)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{strings.ToUpper(goodSecret), "Dx4tPEtaaXiHlqW0w9Lh8A8eLTxLWml4h5altMPS4fA=", "Dx4tPEtaaXiHlqW0w9Lh8A8eLTxLWml4h5altMPS4fA"} {
		if got, err := parseSecret(form); err != nil || got != want {
			t.Errorf("%s: %v, %v", form, got.bytes, err)
		}
	}
	if got, err := parseSecret("thirty-two characters of a word!"); err != nil || string(got.bytes[:]) != "thirty-two characters of a word!" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestOrchestratorsVariablesAreNobodysMistake(t *testing.T) {
	_, wrong := readEnv([]string{"FIRSTCOME_SERVICE_HOST=10.0.0.1", "FIRSTCOME_SERVICE_PORT_MEMBERS=8080", "FIRSTCOME_PORT=tcp://10.0.0.1:8080",
		"FIRSTCOME_PORT_8080_TCP=x", "FIRSTCOME_PORT_8080_TCP_ADDR=x", "FIRSTCOME_REQUIRE_SERVICES=1"})
	if wrong != nil {
		t.Fatal(wrong)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	got := invoke(t, nil, clusterArgs("--redis", "redis://:hunter2@127.0.0.1:1/0")...)
	if got.code != exitUnreachable {
		t.Fatalf("exit code %d: %s", got.code, got.err)
	}
	must(t, got.out, `postgres: "postgres://u:***@127.0.0.1:1/db"`, `redis: "redis://:***@127.0.0.1:1/0"`, `secret: "***"`, `jwt-key: "***"`, "# default", "# flag")
	for _, text := range []string{got.out, got.err} {
		for _, secret := range []string{"hunter2", goodSecret, goodJWTKey} {
			if strings.Contains(text, secret) {
				t.Errorf("a secret is shown:\n%s", text)
			}
		}
	}
}

func TestPasswordsAreMaskedHoweverTheyAreWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		password := rapid.StringMatching(`[a-z]{4}[A-Za-z0-9!@:/]{4,12}ZZ`).Draw(t, "password")
		for _, form := range []string{"postgres://user:" + password + "@host:5432/db", "redis-sentinel://:" + password + "@h:1,i:2/m?sentinel_password=" + password,
			"host=h password=" + password + " dbname=d", "host=h password='" + password + "' dbname=d"} {
			if shown := maskURL(form); strings.Contains(shown, password) {
				t.Fatalf("%q shows the password of %q", shown, form)
			}
		}
	})
}

func TestConfigCheckPrintsWhatCanBeReadBack(t *testing.T) {
	t.Chdir(t.TempDir())
	first := invoke(t, nil, "config", "check", "--listen", "127.0.0.1:9000", "--ledger-rate", "77")
	if first.code != exitDone {
		t.Fatal(first.err)
	}
	kept := ""
	for line := range strings.Lines(first.out) {
		if !strings.Contains(line, "# default") {
			kept += line
		}
	}
	path := filepath.Join(t.TempDir(), "kept.yaml")
	if err := os.WriteFile(path, []byte(kept), 0o600); err != nil {
		t.Fatal(err)
	}
	second := invoke(t, nil, "config", "check", "--config", path)
	if want := strings.ReplaceAll(first.out, "# flag", "# file"); second.out != want {
		t.Fatalf("%s\nwant\n%s", second.out, want)
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) != 0 {
		t.Fatalf("config check left something behind: %v %v", entries, err)
	}
}

func FuzzValues(f *testing.F) {
	f.Add("127.0.0.1:80")
	f.Add("redis-sentinel://u:p@h:1,i:2/m?db=0")
	f.Add("postgres://u:p@h/d")
	f.Fuzz(func(t *testing.T, text string) {
		for _, k := range keys {
			if path, isFile := strings.CutPrefix(text, "file:"); k.secret && isFile && path != "" {
				continue
			}
			c := &Config{from: map[string]source{}}
			if p := c.set(k, text, fromFlag); p != nil && p.wrong == "" {
				t.Errorf("%s = %q is refused without a reason", k.name, text)
			}
			c.defaults()
			c.validate()
		}
	})
}
