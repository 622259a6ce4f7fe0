package stack

import (
	"os"
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
		t.Skipf("NOT RUN: needs %s: %v", what, err)
	}
}
