package stack

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

type composeFile struct {
	Services map[string]struct {
		Image       string
		Build       map[string]any
		Environment map[string]string
		DependsOn   any `yaml:"depends_on"`
	}
	Configs map[string]struct{ Content string }
}

func readCompose(t *testing.T) composeFile {
	t.Helper()
	text, err := os.ReadFile("../../compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file composeFile
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(yaml.FormatError(err, false, true))
	}
	return file
}

func TestComposeStartsAWholeCluster(t *testing.T) {
	file := readCompose(t)
	for _, name := range strings.Fields("firstcome-1 firstcome-2 kafka-1 kafka-2 kafka-3 " +
		"redis-1 redis-2 redis-3 sentinel-1 sentinel-2 sentinel-3 postgres") {
		s, ok := file.Services[name]
		if !ok {
			t.Errorf("no service %s", name)
			continue
		}
		if s.Image == "" || strings.HasSuffix(s.Image, ":latest") {
			t.Errorf("%s: the image %q is not pinned", name, s.Image)
		}
		for _, other := range dependencies(s.DependsOn) {
			if _, ok := file.Services[other]; !ok {
				t.Errorf("%s depends on %s, which is no service", name, other)
			}
		}
	}
}

func dependencies(v any) []string {
	switch v := v.(type) {
	case map[string]any:
		return slices.Collect(maps.Keys(v))
	case []any:
		var all []string
		for _, name := range v {
			all = append(all, name.(string))
		}
		return all
	}
	return nil
}

// The brokers of a user's cluster and of our measurements differ in size only.
func TestComposeGivesBrokersTheSettingsThatWeMeasureWith(t *testing.T) {
	file := readCompose(t)
	ours := &KafkaCluster{Brokers: []*KafkaBroker{{id: 1}, {id: 2}, {id: 3}}}
	for _, line := range strings.Fields(ours.properties(ours.Brokers[0], "", KafkaOptions{})) {
		key, value, _ := strings.Cut(line, "=")
		switch {
		case strings.HasPrefix(key, "num."), key == "background.threads", key == "log.cleaner.enable":
			continue // small for a test
		case key == "controller.quorum.voters", key == "listeners", key == "log.dirs":
			continue // addresses and places
		}
		name := "KAFKA_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
		if got := file.Services["kafka-1"].Environment[name]; got != value {
			t.Errorf("%s is %q, and %q in our own brokers", name, got, value)
		}
	}
}

func TestComposeGivesSentinelsTheSettingsThatWeMeasureWith(t *testing.T) {
	conf := readCompose(t).Configs["sentinel"].Content
	for _, line := range []string{"failover-timeout " + MasterName + " 3000", "parallel-syncs " + MasterName + " 1"} {
		if !strings.Contains(conf, "sentinel "+line+"\n") {
			t.Errorf("sentinel.conf lacks %q", line)
		}
	}
	url := readCompose(t).Services["firstcome-1"].Environment["FIRSTCOME_REDIS"]
	if !strings.Contains(url, "/"+MasterName+"?") {
		t.Errorf("%s does not name the master %s", url, MasterName)
	}
}
