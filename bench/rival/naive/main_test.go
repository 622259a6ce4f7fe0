//go:build badengine

package main

import (
	"testing"

	"go.uber.org/goleak"

	"firstcome/bench/stack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(stack.Main(m)) }
