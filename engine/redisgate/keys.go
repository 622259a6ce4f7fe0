package redisgate

import (
	"fmt"
	"strings"
	"time"
)

const (
	// gateLife is how long a campaign's keys outlive its last flush or lease.
	gateLife = 24 * time.Hour
	// tallyLife is how long a campaign's tallies outlive the last addition.
	tallyLife = 90 * 24 * time.Hour

	// maxExact is the largest number that scripts are given: Lua's numbers are
	// doubles, exact up to 2^53, and sums of two must be exact too.
	maxExact = 1 << 52
	// noCap stands for a room without bound in a report.
	noCap = -1
)

// checkID accepts ^[A-Za-z0-9_-]{1,64}$: a brace in an id would move the hash tag.
func checkID(campaign string) error {
	ok := len(campaign) >= 1 && len(campaign) <= 64
	for i := 0; ok && i < len(campaign); i++ {
		switch c := campaign[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			ok = false
		}
	}
	if !ok {
		return fmt.Errorf("%q is not a campaign's id: 1 to 64 letters, digits, _ and -", campaign)
	}
	return nil
}

// checkLease accepts 1 to 128 bytes: a lease is only ever an argument.
func checkLease(lease string) error {
	if len(lease) < 1 || len(lease) > 128 {
		return fmt.Errorf("a lease's name has %d bytes, not 1 to 128", len(lease))
	}
	return nil
}

// gateKeys are the KEYS of every script: n, s, l, x.
func gateKeys(campaign string) [4]string {
	base := "fc:{" + campaign + "}:"
	return [4]string{base + "n", base + "s", base + "l", base + "x"}
}

func tallyKey(campaign string) string { return "fc:{" + campaign + "}:t" }

// lockKey puts every lock under fc:, for whoever shares the Redis and for ACLs.
func lockKey(name string) string {
	if strings.HasPrefix(name, "fc:") {
		return name
	}
	return "fc:" + name
}
