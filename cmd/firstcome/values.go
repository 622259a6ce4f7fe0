package main

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The checks of values. Each error completes the sentence "the value ...".

var errEmpty = errors.New("is empty")

// checkListen accepts host:port as net.Listen takes it.
func checkListen(s string) error {
	host, port, err := net.SplitHostPort(s)
	switch {
	case s == "":
		return errEmpty
	case strings.Contains(s, "://"):
		return errors.New("is an address with a scheme, not host:port")
	case err != nil && !strings.Contains(s, ":"):
		return errors.New("has no port")
	case err != nil:
		return errors.New("is not host:port (an IPv6 host stands in brackets)")
	}
	return firstOf(checkHost(host, true), checkPort(port, 0))
}

// checkHostPort accepts host:port as one dials it.
func checkHostPort(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return fmt.Errorf("has %q, which is not host:port", s)
	}
	return firstOf(checkHost(host, false), checkPort(port, 1))
}

// firstOf returns the first error.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*\.?$`)

func checkHost(host string, mayBeEmpty bool) error {
	if host == "" && mayBeEmpty {
		return nil
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	numeric := strings.Trim(host, "0123456789.") == ""
	if host == "" || len(host) > 253 || numeric || !hostName.MatchString(host) {
		return fmt.Errorf("has the host %q, which is neither a name nor an IP address", host)
	}
	return nil
}

func checkPort(port string, least int) error {
	n, err := strconv.Atoi(port)
	if err != nil || n < least || n > 65535 {
		return fmt.Errorf("has the port %q, which is not from %d to 65535", port, least)
	}
	return nil
}

// checkData accepts a directory, or a path where one can be made.
func checkData(s string) error {
	if s == "" {
		return errEmpty
	}
	switch info, err := os.Stat(s); {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("cannot be looked at: %w", err)
	case !info.IsDir():
		return errors.New("is a file, not a directory")
	}
	return nil
}

func parseBrokers(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	if strings.Contains(s, "://") {
		return nil, errors.New("has a scheme; brokers are plain host:port")
	}
	list, err := splitList(s)
	if err != nil {
		return nil, err
	}
	for _, broker := range list {
		if err := checkHostPort(broker); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// splitList splits at commas and refuses empty and repeated items.
func splitList(s string) ([]string, error) {
	list := strings.Split(s, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
		if list[i] == "" {
			return nil, errors.New("has an empty item between its commas")
		}
		if slices.Contains(list[:i], list[i]) {
			return nil, fmt.Errorf("names %q twice", list[i])
		}
	}
	return list, nil
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

func checkTopic(s string) error {
	if !topicName.MatchString(s) || s == "." || s == ".." {
		return errors.New("is not a name that Kafka allows")
	}
	return nil
}

func whole(s string, least, most int64, set func(int64)) error {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return errors.New("is not a whole number")
	}
	if n < least || n > most {
		return fmt.Errorf("is not from %d to %d", least, most)
	}
	set(n)
	return nil
}

func parseRoles(s string) ([]string, error) {
	if s == "" {
		return nil, errors.New("names no role")
	}
	list, err := splitList(s)
	if err != nil {
		return nil, err
	}
	for _, role := range list {
		if !slices.Contains(allRoles, role) {
			return nil, fmt.Errorf("has the unknown role %q%s", role, didYouMean(role, allRoles))
		}
	}
	return list, nil
}

// duration parses a key that is a time from least to most.
func duration(field func(*Config) *time.Duration, least, most time.Duration) func(*Config, string) error {
	return func(c *Config, s string) error {
		if _, err := strconv.ParseFloat(s, 64); err == nil && s != "0" {
			return fmt.Errorf("has no unit; did you mean %ss?", s)
		}
		d, err := time.ParseDuration(s)
		if err != nil {
			return errors.New("is not a duration")
		}
		if d < least || d > most {
			return fmt.Errorf("is not from %s to %s", least, most)
		}
		*field(c) = d
		return nil
	}
}

// parseSecret takes 32 bytes as hexadecimal digits, as base64, or as they are.
func parseSecret(s string) (Secret, error) {
	if s == "" {
		return Secret{}, nil
	}
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
		func(s string) ([]byte, error) { return []byte(s), nil },
	} {
		if b, err := decode(s); err == nil && len(b) == 32 {
			return Secret{[32]byte(b), true}, weak(b)
		}
	}
	return Secret{}, fmt.Errorf("is not 32 bytes: it has %d characters, and 64 hexadecimal digits, base64 of 32 bytes, or 32 characters are understood", len(s))
}

// weak refuses what is certainly no secret: the same byte again and again.
func weak(b []byte) error {
	for _, c := range b {
		if c != b[0] {
			return nil
		}
	}
	return errors.New("is one byte 32 times, which is not a secret")
}

func parsePrefixes(s string) ([]netip.Prefix, error) {
	if s == "" {
		return nil, nil
	}
	list, err := splitList(s)
	if err != nil {
		return nil, err
	}
	prefixes := make([]netip.Prefix, len(list))
	for i, item := range list {
		if addr, err := netip.ParseAddr(item); err == nil {
			prefixes[i] = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
			continue
		}
		if prefixes[i], err = netip.ParsePrefix(item); err != nil {
			return nil, fmt.Errorf("has %q, which is neither an IP address nor a network", item)
		}
		if prefixes[i] != prefixes[i].Masked() {
			return nil, fmt.Errorf("has %q, which has bits set beyond its length; the network is %s", item, prefixes[i].Masked())
		}
	}
	return prefixes, nil
}

// oneOf accepts one of a few words.
func oneOf(words ...string) func(string) error {
	return func(s string) error {
		if s == "" {
			return errEmpty
		}
		if !slices.Contains(words, s) {
			return fmt.Errorf("is not one of %s%s", strings.Join(words, ", "), didYouMean(s, words))
		}
		return nil
	}
}
