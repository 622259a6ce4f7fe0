package redisgate

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Shape is the way a Redis is run.
type Shape string

// The shapes.
const (
	Single   Shape = "redis"          // one server
	Sentinel Shape = "redis-sentinel" // a master found and replaced through Sentinel
	Cluster  Shape = "redis-cluster"  // hash slots over many masters
)

// Address says where a Redis is and how to get in.
type Address struct {
	Shape            Shape
	TLS              bool
	Hosts            []string // host:port of the server, the sentinels or some cluster nodes
	Master           string   // Sentinel only: the name of the master
	User, Password   string
	SentinelUser     string // Sentinel only: when the sentinels want a password of their own
	SentinelPassword string
	DB               int // 0 in a cluster
}

// examples are shown with every complaint.
var examples = map[Shape]string{
	Single:   "redis://user:password@host:6379/0",
	Sentinel: "redis-sentinel://user:password@host1:26379,host2:26379,host3:26379/mymaster?db=0&sentinel_password=...",
	Cluster:  "redis-cluster://user:password@host1:6379,host2:6379",
}

// schemes maps what a URL begins with to shape and TLS.
var schemes = map[string]struct {
	shape Shape
	tls   bool
}{
	"redis": {Single, false}, "rediss": {Single, true},
	"redis-sentinel": {Sentinel, false}, "rediss-sentinel": {Sentinel, true},
	"redis-cluster": {Cluster, false}, "rediss-cluster": {Cluster, true},
}

// ParseURL reads an address as config.md's `redis` key gives it:
//
//	redis://user:password@host:6379/0
//	redis-sentinel://user:password@h1:26379,h2:26379/mymaster?db=0&sentinel_password=secret
//	redis-cluster://user:password@h1:6379,h2:6379
//
// rediss, rediss-sentinel and rediss-cluster are the same over TLS. Ports default to
// 6379, those of sentinels to 26379; special characters in a password are
// percent-encoded. The error names everything that is wrong, and what would be right,
// and never contains a password.
func ParseURL(raw string) (Address, error) {
	scheme, rest, found := strings.Cut(raw, "://")
	known, ok := schemes[scheme]
	if !found || !ok {
		return Address{}, fmt.Errorf("redis URL: it must begin with redis://, redis-sentinel:// or redis-cluster:// "+
			"(rediss... for TLS), not with %q; right would be %s", firstWord(raw), examples[Single])
	}
	a := Address{Shape: known.shape, TLS: known.tls}
	rest, query, _ := strings.Cut(rest, "?")
	userinfo, rest := cutUserinfo(rest)
	hosts, path, _ := strings.Cut(rest, "/")
	err := errors.Join(a.readUserinfo(userinfo), a.readHosts(hosts), a.readPath(path), a.readQuery(query))
	if err != nil {
		return Address{}, fmt.Errorf("redis URL: %s; right would be %s",
			strings.ReplaceAll(err.Error(), "\n", "; "), examples[a.Shape])
	}
	return a, nil
}

// String returns the address without its passwords.
func (a Address) String() string {
	var b strings.Builder
	b.WriteString(string(a.Shape))
	if a.TLS {
		b.WriteString(" over TLS")
	}
	b.WriteString(" at " + strings.Join(a.Hosts, ","))
	if a.Master != "" {
		b.WriteString(", master " + a.Master)
	}
	fmt.Fprintf(&b, ", db %d", a.DB)
	if a.User != "" {
		b.WriteString(", user " + a.User)
	}
	return b.String()
}

// firstWord is what a URL begins with, short, and never anything behind the scheme.
func firstWord(raw string) string {
	word, _, found := strings.Cut(raw, "://")
	if !found {
		word, _, _ = strings.Cut(raw, ":")
	}
	if strings.Contains(word, "@") || len(word) > 20 {
		return "..."
	}
	return word
}

// cutUserinfo splits at the last @: a password may contain one by mistake, a host may not.
func cutUserinfo(rest string) (userinfo, behind string) {
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		return rest[:i], rest[i+1:]
	}
	return "", rest
}

func (a *Address) readUserinfo(userinfo string) error {
	if userinfo == "" {
		return nil
	}
	user, password, found := strings.Cut(userinfo, ":")
	if !found {
		return errors.New("before the @ there is a user without a password; a password alone is written :password@")
	}
	var errs [2]error
	a.User, errs[0] = url.PathUnescape(user)
	a.Password, errs[1] = url.PathUnescape(password)
	if errs[0] != nil || errs[1] != nil {
		return errors.New("the user or the password has a % that is not followed by two hex digits (a % itself is written %25)")
	}
	if password == "" {
		return errors.New("the password before the @ is empty")
	}
	return nil
}

func (a *Address) readHosts(hosts string) error {
	port := "6379"
	if a.Shape == Sentinel {
		port = "26379"
	}
	if hosts == "" {
		return errors.New("no host is named")
	}
	var errs []error
	for _, host := range strings.Split(hosts, ",") {
		addr, err := hostPort(host, port)
		errs = append(errs, err)
		a.Hosts = append(a.Hosts, addr)
	}
	if a.Shape == Single && len(a.Hosts) > 1 {
		errs = append(errs, fmt.Errorf("redis:// takes one host, not %d; for Sentinel or a cluster use redis-sentinel:// or redis-cluster://",
			len(a.Hosts)))
	}
	return errors.Join(errs...)
}

// hostPort completes a host with a port.
func hostPort(s, port string) (string, error) {
	host := s
	switch {
	case strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]"):
		host = s[1 : len(s)-1]
	case strings.Contains(s, ":"):
		var err error
		if host, port, err = net.SplitHostPort(s); err != nil {
			return "", fmt.Errorf("%q is not host:port (an IPv6 address stands in brackets)", s)
		}
	}
	if host == "" || strings.ContainsAny(host, " \t\r\n%#\\\"'<>") {
		return "", fmt.Errorf("%q has no valid host before the port", s)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("%q has no port between 1 and 65535", s)
	}
	return net.JoinHostPort(host, port), nil
}

// readPath reads the database of a single server, or the name of Sentinel's master.
func (a *Address) readPath(path string) error {
	path = strings.TrimSuffix(path, "/")
	switch {
	case a.Shape == Sentinel && path == "":
		return errors.New("the name of the master is missing behind the hosts")
	case a.Shape == Sentinel && strings.ContainsAny(path, "/ \t"):
		return fmt.Errorf("%q is not the name of one master (the database goes into ?db=)", path)
	case a.Shape == Sentinel:
		a.Master = path
		return nil
	case path == "":
		return nil
	case a.Shape == Cluster:
		return fmt.Errorf("a cluster has no databases: nothing may follow the hosts, but %q does", "/"+path)
	}
	return a.readDB(path)
}

func (a *Address) readDB(s string) error {
	db, err := strconv.Atoi(s)
	if err != nil || db < 0 || db > 1<<20 {
		return fmt.Errorf("%q is not the number of a database, 0 or more", s)
	}
	a.DB = db
	return nil
}

// readQuery reads ?db=, and for Sentinel sentinel_password and sentinel_username.
func (a *Address) readQuery(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("what follows the ? is not name=value&name=value (a % is written %25, a ; %3B)")
	}
	var errs []error
	for name, vs := range values {
		value := vs[len(vs)-1]
		switch {
		case len(vs) > 1:
			errs = append(errs, fmt.Errorf("%q is given %d times", name, len(vs)))
		case name == "db" && a.Shape != Cluster:
			errs = append(errs, a.readDB(value))
		case name == "sentinel_password" && a.Shape == Sentinel:
			a.SentinelPassword = value
		case name == "sentinel_username" && a.Shape == Sentinel:
			a.SentinelUser = value
		default:
			errs = append(errs, fmt.Errorf("the parameter %q is not known here (known: %s)", name, a.knownParameters()))
		}
	}
	if a.SentinelUser != "" && a.SentinelPassword == "" {
		errs = append(errs, errors.New("sentinel_username is given without sentinel_password"))
	}
	return errors.Join(errs...)
}

func (a *Address) knownParameters() string {
	switch a.Shape {
	case Sentinel:
		return "db, sentinel_password, sentinel_username"
	case Cluster:
		return "none"
	}
	return "db"
}
