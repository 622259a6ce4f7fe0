package main

import (
	"fmt"
	"net"
	"slices"
)

// validate reports everything that is wrong with the whole. Each value by
// itself was checked when it was read; here is what contradicts or is missing.
func (c *Config) validate() problems {
	var all problems
	wrong := func(name, what, right string) {
		k, _ := findKey(name)
		p := problem{key: name, value: k.show(c), from: c.from[name], wrong: what, right: right}
		if k.secret && p.value != "" {
			p.value = mask
		}
		if p.from == "" {
			p.from = fromDefault
		}
		all = append(all, p)
	}
	if sameDoor(c.Listen, c.AdminListen) {
		wrong("admin-listen", fmt.Sprintf("is the same door as listen (%s)", c.Listen), "another port")
	}
	switch {
	case c.relayed():
		c.validateRelayed(wrong)
	case c.cluster():
		c.validateCluster(wrong)
	default:
		c.validateAlone(wrong)
	}
	c.validateIdentity(wrong)
	return all
}

// validateCluster says what a node of a cluster lacks. Every part is shared, so
// none of them can be inside one process.
func (c *Config) validateCluster(wrong func(name, what, right string)) {
	const because = "is not given, but kafka is: a node of a cluster "
	if c.Redis == "" {
		wrong("redis", because+"shares its gate with the others", mustKey("redis").right)
	}
	if c.Postgres == "" {
		wrong("postgres", because+"shares its ledger with the others", mustKey("postgres").right)
	}
	if !c.Secret.known {
		wrong("secret", because+"shares its secret with the others", mustKey("secret").right)
	}
	if c.trial() {
		wrong("jwt-key", because+"needs to know who may say who the member is", "one of issuer, jwks and jwt-key")
	}
}

// validateRelayed says what a node lacks that hears the news through Redis. Of
// kafka and postgres it makes no use, so that nodes may share one file.
func (c *Config) validateRelayed(wrong func(name, what, right string)) {
	const because = "is not given, but stream-source is redis: such a node "
	if !slices.Equal(c.Roles, []string{"stream"}) {
		wrong("stream-source", "is redis, but this node has other roles than stream, and those follow the log", "log, or --roles stream")
	}
	if c.Redis == "" {
		wrong("redis", because+"hears the news there", mustKey("redis").right)
	}
	if !c.Secret.known {
		wrong("secret", because+"shares its secret with the others", mustKey("secret").right)
	}
	if c.trial() {
		wrong("jwt-key", because+"needs to know who may say who the member is", "one of issuer, jwks and jwt-key")
	}
}

// validateAlone says what contradicts a log that only this process has.
func (c *Config) validateAlone(wrong func(name, what, right string)) {
	for _, role := range []string{"api", "ledger", "scheduler"} {
		if !slices.Contains(c.Roles, role) {
			wrong("roles", "leaves out "+role+", but without kafka this is the only node, and nobody else would do it", "all roles, or kafka with other nodes")
		}
	}
	for _, name := range []string{"kafka-topic", "kafka-replication"} {
		if c.from[name] != "" {
			wrong(name, "is given, but kafka is not: the embedded log has none", "kafka too, or neither")
		}
	}
}

// validateIdentity says what contradicts in who may say who the member is.
func (c *Config) validateIdentity(wrong func(name, what, right string)) {
	if c.JWKS != "" && c.JWTKey != "" {
		wrong("jwks", "is given beside jwt-key, and only one can be who says who the member is", "one of the two")
	}
	if c.trial() && c.Audience != "" {
		wrong("audience", "is given, but nobody who issues tokens for it", "issuer, jwks or jwt-key too")
	}
	if c.Issuer != "" && c.JWKS == "" && c.JWTKey == "" {
		if err := checkSecureURL(c.Issuer); err != nil {
			wrong("issuer", err.Error()+" (its keys are looked for there, as neither jwks nor jwt-key is given)", mustKey("issuer").right)
		}
	}
}

func mustKey(name string) key {
	k, ok := findKey(name)
	if !ok {
		panic("no such key: " + name)
	}
	return k
}

// sameDoor reports whether two listeners would take the same port of one address.
func sameDoor(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	return hostA == hostB || everyInterface(hostA) || everyInterface(hostB)
}

func everyInterface(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }
