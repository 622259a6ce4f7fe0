package redisgate

import (
	"net"
	"reflect"
	"strings"
	"testing"
)

func TestURLsAreRead(t *testing.T) {
	for raw, want := range map[string]Address{
		"redis://localhost":                 {Shape: Single, Hosts: []string{"localhost:6379"}},
		"redis://localhost:7000/3":          {Shape: Single, Hosts: []string{"localhost:7000"}, DB: 3},
		"redis://h/?db=4":                   {Shape: Single, Hosts: []string{"h:6379"}, DB: 4},
		"redis://:p%40ss@h:1/0":             {Shape: Single, Hosts: []string{"h:1"}, Password: "p@ss"},
		"redis://u:p@ss:w@h":                {Shape: Single, Hosts: []string{"h:6379"}, User: "u", Password: "p@ss:w"},
		"rediss://u:p@[::1]:6380":           {Shape: Single, TLS: true, Hosts: []string{"[::1]:6380"}, User: "u", Password: "p"},
		"redis://[::1]":                     {Shape: Single, Hosts: []string{"[::1]:6379"}},
		"redis-cluster://a:1,b,[fe80::1]:2": {Shape: Cluster, Hosts: []string{"a:1", "b:6379", "[fe80::1]:2"}},
		"redis-sentinel://user:pass@h1:26379,h2:26379/mymaster?db=0": {Shape: Sentinel, Hosts: []string{"h1:26379", "h2:26379"},
			Master: "mymaster", User: "user", Password: "pass"},
		"redis-sentinel://h1,h2/m?db=2&sentinel_password=s%26t&sentinel_username=w": {Shape: Sentinel,
			Hosts: []string{"h1:26379", "h2:26379"}, Master: "m", DB: 2, SentinelUser: "w", SentinelPassword: "s&t"},
	} {
		if got, err := ParseURL(raw); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", raw, got, err)
		}
	}
}

func TestMalformedURLsAreExplained(t *testing.T) {
	for raw, words := range map[string]string{
		"":                              "must begin with redis://",
		"localhost:6379":                `must begin with redis://`,
		"http://h":                      `not with "http"`,
		"redis:/h":                      "must begin with redis://",
		"user:s3cret@h:6379":            "must begin with redis://",
		"redis://":                      "no host",
		"redis://u:s3cret@":             "no host",
		"redis://u:s3cret@:6379":        "no valid host",
		"redis://h:":                    "no port",
		"redis://h:0":                   "no port between 1 and 65535",
		"redis://h:99999":               "no port between 1 and 65535",
		"redis://h:abc":                 "no port between 1 and 65535",
		"redis://::1:6379":              "IPv6",
		"redis://h i:6379":              "no valid host",
		"redis://h/x":                   "not the number of a database",
		"redis://h/-1":                  "not the number of a database",
		"redis://h/0/1":                 "not the number of a database",
		"redis://a,b":                   "takes one host",
		"redis://user@h":                "without a password",
		"redis://user:@h":               "is empty",
		"redis://u:s3cret%zz@h":         "percent",
		"redis://h?timeout=5":           `"timeout" is not known`,
		"redis://h?db=x":                "not the number of a database",
		"redis://h?db=1&db=2":           "given 2 times",
		"redis://h?sentinel_password=x": "is not known",
		"redis://h?%zz":                 "name=value",
		"redis-sentinel://h:1":          "name of the master is missing",
		"redis-sentinel://h:1/":         "name of the master is missing",
		"redis-sentinel:///m":           "no host",
		"redis-sentinel://h1,,h2/m":     "no valid host",
		"redis-sentinel://h/m/0":        "not the name of one master",
		"redis-sentinel://h/m?master=x": "is not known",
		"redis-sentinel://h/m?db=a":     "not the number of a database",
		"redis-sentinel://h/m?sentinel_username=w": "without sentinel_password",
		"redis-cluster://h/0":                      "no databases",
		"redis-cluster://h?db=0":                   "is not known",
		"redis-cluster://u:s3cret@h:x,:1/1":        "no port between 1 and 65535",
	} {
		_, err := ParseURL(raw)
		if err == nil {
			t.Errorf("%q was taken", raw)
			continue
		}
		want := strings.ReplaceAll(words, "percent", "% that is not followed")
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; it does not say %q", raw, err, want)
		}
		if !strings.Contains(err.Error(), "right would be redis") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v; it does not say what would be right, in one line", raw, err)
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: the password is in the error: %v", raw, err)
		}
	}
	_, err := ParseURL("redis-sentinel://u@h:0/?db=x")
	for _, words := range []string{"without a password", "no port", "name of the master", "number of a database"} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("not everything that is wrong is named: %v misses %q", err, words)
		}
	}
}

func TestAddressHidesItsPasswords(t *testing.T) {
	a, err := ParseURL("redis-sentinel://u:canary@h/m?sentinel_password=canary")
	if err != nil {
		t.Fatal(err)
	}
	if s := a.String(); strings.Contains(s, "canary") || !strings.Contains(s, "h:26379") {
		t.Fatal(s)
	}
}

func TestSettingsOfTheDriver(t *testing.T) {
	a, err := ParseURL("redis-sentinel://u:p@h/m?db=3&sentinel_password=q&sentinel_username=w")
	if err != nil {
		t.Fatal(err)
	}
	o := a.sentinel()
	if o.Username != "u" || o.Password != "p" || o.SentinelUsername != "w" || o.SentinelPassword != "q" || o.DB != 3 || o.MasterName != "m" {
		t.Errorf("%+v", o)
	}
	if o.MaxRetries != -1 || o.OnConnect != nil || !o.ContextTimeoutEnabled || o.DialerRetries != 1 {
		t.Errorf("a call may be repeated, or not end with its context: %+v", o)
	}
	if o := a.single(); o.MaxRetries != -1 || o.OnConnect != nil || !o.ContextTimeoutEnabled || o.DialerRetries != 1 {
		t.Errorf("a call may be repeated, or not end with its context: %+v", o)
	}
	if o := a.cluster(); o.MaxRetries != -1 || o.OnConnect != nil || !o.ContextTimeoutEnabled || o.DialerRetries != 1 {
		t.Errorf("a call may be repeated, or not end with its context: %+v", o)
	}
}

func FuzzParseURL(f *testing.F) {
	for _, s := range []string{"redis://u:p@h:1/0?db=1", "redis-sentinel://a,b/m?sentinel_password=x", "rediss-cluster://[::1]:1,b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := ParseURL(raw)
		if err != nil {
			return
		}
		if len(a.Hosts) == 0 || (a.Master == "") != (a.Shape != Sentinel) {
			t.Fatalf("%q: %+v", raw, a)
		}
		for _, host := range a.Hosts {
			if _, _, err := net.SplitHostPort(host); err != nil {
				t.Fatalf("%q: %v", raw, err)
			}
		}
	})
}
