package stack

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv("STACK_TEST_PARENT") != "" {
		parent()
	}
	goleak.VerifyTestMain(Main(m))
}
