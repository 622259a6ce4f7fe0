package stack

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// NeedRedis skips the test, or fails it with FIRSTCOME_REQUIRE_SERVICES=1, when
// Redis cannot be started here.
func NeedRedis(t testing.TB) {
	t.Helper()
	need(t, "real Redis", CheckRedis())
}

// NeedPostgres does the same for PostgreSQL.
func NeedPostgres(t testing.TB) {
	t.Helper()
	need(t, "real PostgreSQL", CheckPostgres())
}

// NeedKafka does the same for Apache Kafka.
func NeedKafka(t testing.TB) {
	t.Helper()
	need(t, "real Apache Kafka", CheckKafka())
}

func need(t testing.TB, what string, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("FIRSTCOME_REQUIRE_SERVICES") == "1":
		t.Fatalf("needs %s: %v", what, err)
	default:
		notice()
		t.Skipf("NOT RUN: needs %s: %v", what, err)
	}
}

// noticeText names everything that is missing.
func noticeText() string {
	var b strings.Builder
	b.WriteString("\n*** NOT RUN: the tests that need real services, because this machine lacks\n")
	for _, check := range []func() error{CheckRedis, CheckPostgres, CheckKafka, CheckBrowser} {
		if err := check(); err != nil {
			fmt.Fprintf(&b, "***   %v\n", err)
		}
	}
	b.WriteString("*** \"make test\" installs what is missing and runs everything.\n\n")
	return b.String()
}
