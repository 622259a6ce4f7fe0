package roll

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"firstcome/bench/stack"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(stack.Main(m), goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(built)
		os.Exit(code)
	}))
}
