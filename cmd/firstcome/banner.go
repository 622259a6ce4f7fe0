package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// banner says where everything is and what to try next. Every command in it
// works as it stands.
var banner = template.Must(template.New("banner").Parse(`
firstcome is running{{if .Alone}}, alone and embedded{{end}}.

  members   http://{{.Members}}
  admins    http://{{.Admins}}   (metrics, health, API at /docs)
  pages     http://{{.Members}}/ and /live for members, http://{{.Admins}}/ for admins
{{- if .Data}}
  data      {{.Data}}   (log, book and keys: keep it as a whole)
{{- end}}
  log       {{.Log}}
  gate      {{.Gate}}
  ledger    {{.Ledger}}
{{- if .Trial}}
  identity  trial: this program signs its own tokens. Before others may come in,
            say who their issuer is: issuer, jwks or jwt-key.
{{- end}}
{{if and .Trial .Example}}
Try it, in another terminal:

  TOKEN=$({{.Program}} token --sub alice{{.DataFlag}})
  curl -X POST -H "Authorization: Bearer $TOKEN" http://{{.Members}}/v1/campaigns/{{.Example}}/claims
  {{.Program}} campaign list{{.DataFlag}}

{{end -}}
`))

// greeting is what the banner tells.
type greeting struct {
	Alone, Trial      bool
	Members, Admins   string
	Data, DataFlag    string
	Log, Gate, Ledger string
	Example           string // a campaign to try; empty: none
	Program           string
}

func (h *hall) greet(c *Config, members, admins, example string) {
	g := greeting{
		Alone: !c.cluster() && c.Redis == "" && c.Postgres == "", Trial: c.trial(),
		Members: reachable(members), Admins: reachable(admins), Example: example, Program: program(),
		Log: "one SQLite file in data", Gate: "a Redis inside this process", Ledger: "one SQLite file in data",
	}
	if c.embedded() {
		g.Data = absolute(c.Data)
	}
	if c.Data != "firstcome-data" {
		g.DataFlag = " --data " + quoted(c.Data)
	}
	if c.cluster() && !c.relayed() {
		g.Log = fmt.Sprintf("topic %s on Kafka at %s", c.KafkaTopic, strings.Join(c.Kafka, ","))
	}
	if c.Redis != "" {
		g.Gate = maskURL(c.Redis)
	}
	if c.relayed() {
		g.Log, g.Ledger = "none: other nodes tell the news through the gate", "none"
	} else if c.Postgres != "" {
		g.Ledger = maskURL(c.Postgres)
	}
	var text bytes.Buffer // one write, so that no line of the log falls into it
	if err := banner.Execute(&text, g); err != nil {
		h.say("firstcome is running, and its banner is not: %v", err)
		return
	}
	_, _ = text.WriteTo(h.err) // nobody to tell
}

// program is how this program can be called again.
func program() string {
	self, err := os.Executable()
	if err != nil {
		return "firstcome"
	}
	if strings.Contains(self, string(filepath.Separator)+"go-build") {
		return "go run ./cmd/firstcome"
	}
	if strings.ContainsRune(os.Args[0], filepath.Separator) {
		return quoted(os.Args[0])
	}
	return "firstcome"
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// quoted is a word as a shell takes it.
func quoted(s string) string {
	if strings.IndexFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=", r)
	}) < 0 && s != "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
