package main

import (
	"slices"
	"testing"
)

func TestOneDashIsEnough(t *testing.T) {
	for _, tt := range []struct{ args, want []string }{
		{[]string{"faults", "-seed", "5", "-scenario=R1"}, []string{"faults", "--seed", "5", "--scenario=R1"}},
		{[]string{"faults", "--seed", "-5", "-h"}, []string{"faults", "--seed", "-5", "-h"}},
		{[]string{"noon", "-", "--", "-seed"}, []string{"noon", "-", "--", "-seed"}},
		{nil, nil},
	} {
		if got := longFlags(tt.args); !slices.Equal(got, tt.want) {
			t.Errorf("%q became %q, want %q", tt.args, got, tt.want)
		}
	}
}
