package main

import (
	"path/filepath"
	"testing"
	"time"
)

func TestARehearsedClockIsWrongByWhatItsFileSays(t *testing.T) {
	if rehearsedWall([]string{"FIRSTCOME_REHEARSE_CLOCK="}) != nil {
		t.Error("a clock is rehearsed that nobody asked for")
	}
	file := write(t, "clock", "-1h\n")
	wall := rehearsedWall([]string{"FIRSTCOME_REHEARSE_CLOCK=" + file})
	if off := time.Until(wall()).Round(time.Minute); off != -time.Hour {
		t.Errorf("the clock is off by %s", off)
	}
	wall = rehearsedWall([]string{"FIRSTCOME_REHEARSE_CLOCK=" + filepath.Join(t.TempDir(), "none")})
	if off := time.Until(wall()).Round(time.Minute); off != 0 {
		t.Errorf("without a file the clock is off by %s", off)
	}
}

func TestARehearsalIsNoMistakeInTheConfiguration(t *testing.T) {
	_, wrong := readEnv([]string{"FIRSTCOME_REHEARSE_CLOCK=x", "FIRSTCOME_REHEARSE_LOCKLESS=true"})
	if len(wrong) > 0 {
		t.Error(wrong)
	}
	if !rehearsedLockless([]string{"FIRSTCOME_REHEARSE_LOCKLESS=true"}) || rehearsedLockless(nil) {
		t.Error("the locks do not follow the variable")
	}
}
