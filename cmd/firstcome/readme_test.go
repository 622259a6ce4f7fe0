package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// The README's commands work as they stand: only addresses and the way to call
// the program are replaced.
func TestTheREADMEsCommandsWork(t *testing.T) {
	for _, need := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(need); err != nil {
			t.Skipf("the README's commands were not run: %s is not installed", need)
		}
	}
	data := t.TempDir()
	p, _ := startExample(t, data)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := "set -euo pipefail\n"
	for _, block := range shellBlock.FindAllStringSubmatch(readme(t), -1) {
		if strings.Contains(block[1], "curl") {
			script += block[1]
		}
	}
	script = strings.NewReplacer("curl ", "curl -sS --fail-with-body ", "http://localhost:8080", p.members, "http://localhost:8081", p.admins,
		"go run ./cmd/firstcome", self).Replace(script)
	cmd := exec.Command("bash", "-c", script)
	cmd.Env = []string{childEnv + "=1", "PATH=" + os.Getenv("PATH"), "FIRSTCOME_DATA=" + data}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	must(t, string(out), `"state":"granted","rank":1`, "Idempotent-Replayed: true", `"state":"cancelled"`, `"status":"open"`, `"equal":true`, "nothing is wrong")
}

// Its first forty lines hold what a newcomer needs.
func TestTheREADMEBeginsWithWhatMatters(t *testing.T) {
	lines := strings.SplitN(readme(t), "\n", 41)
	must(t, strings.Join(lines[:40], "\n"), "go run ./cmd/firstcome", "curl", `"rank":1`, "log decides",
		"`engine`", "`ledger`", "`cache`", "`api`", "`bench`", "`cmd`", "Never one too many", "Never in the dark")
}

// Every test that the README names exists, and every key is in its table with
// its default.
func TestTheREADMESaysWhatIs(t *testing.T) {
	tests, err := exec.Command("grep", "-rhoE", "^func Test[A-Za-z0-9_]+", "--include=*_test.go", "../..").Output()
	if err != nil {
		t.Skipf("the names of tests in the README were not looked up: %v", err)
	}
	text := readme(t)
	for _, m := range regexp.MustCompile("`(Test[A-Za-z0-9_]+)`").FindAllStringSubmatch(text, -1) {
		if !strings.Contains(string(tests), "func "+m[1]+"\n") {
			t.Errorf("there is no test %s", m[1])
		}
	}
	c := &Config{}
	c.defaults()
	for _, k := range keys {
		must(t, text, "`"+k.name+"`")
		if d := k.show(c); d != "" && k.name != "secret" {
			must(t, text, "`"+d+"`")
		}
	}
}
