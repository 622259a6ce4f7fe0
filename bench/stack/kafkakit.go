package stack

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// clusterID is the same for every test cluster: folders are copied from one template.
const clusterID = "MkU3OEVBNTcwNTJENDM2Qg"

// kit is what makes a broker start in about a second: the class path, an
// archive of parsed classes, and a formatted folder to copy.
type kit struct {
	java      string
	classPath string
	flags     []string // of the virtual machine; names the archive
	template  string   // the formatted metadata log
}

// kafkaKit finds the kit or makes it, once per machine, version of Java and set
// of jars. Processes that need it at once wait for the first.
func kafkaKit(ctx context.Context) (*kit, error) {
	java, err := program("java")
	if err != nil {
		return nil, err
	}
	jars, err := kafkaJars()
	if err != nil {
		return nil, err
	}
	k := &kit{java: java, classPath: strings.Join(jars, string(os.PathListSeparator))}
	dir, err := kitDir(ctx, java, jars)
	if err != nil {
		return nil, err
	}
	unlock, err := lockFile(ctx, dir+".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	k.template = filepath.Join(dir, "metadata")
	archive := filepath.Join(dir, "classes.jsa")
	if !exists(k.template) {
		if err := k.makeTemplate(ctx, dir); err != nil {
			return nil, err
		}
	}
	if !exists(archive) {
		if err := k.makeArchive(ctx, archive); err != nil {
			return nil, err
		}
	}
	k.flags = []string{"-XX:SharedArchiveFile=" + archive}
	return k, nil
}

// kitDir names the folder of the kit after what it depends on. The virtual
// machine itself refuses an archive whose jars have changed, silently.
func kitDir(ctx context.Context, java string, jars []string) (string, error) {
	version, err := exec.CommandContext(ctx, java, "-version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ask java for its version: %w", err)
	}
	sum := sha256.New()
	sum.Write(version)
	for _, jar := range jars {
		info, err := os.Stat(jar)
		if err != nil {
			return "", fmt.Errorf("look at kafka's jars: %w", err)
		}
		fmt.Fprintln(sum, jar, info.Size(), info.ModTime().UnixNano())
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("look for the cache of kafka's classes: %w", err)
	}
	dir := filepath.Join(cache, "firstcome", "kafka-kit-"+hex.EncodeToString(sum.Sum(nil)[:6]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the cache of kafka's classes: %w", err)
	}
	return dir, nil
}

// args are the command line of one of Kafka's programs: a small heap, and the
// quick compiler and collector, which is what a short life needs.
func (k *kit) args(main string, args ...string) []string {
	all := []string{"-Xmx256m", "-Xms64m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dlog4j2.level=WARN"}
	all = append(all, k.flags...)
	return append(append(all, "-cp", k.classPath, main), args...)
}

// makeTemplate formats a folder by Kafka's own tool and keeps its metadata log,
// which is the same for every node.
func (k *kit) makeTemplate(ctx context.Context, dir string) error {
	data, err := os.MkdirTemp(dir, "format-")
	if err != nil {
		return fmt.Errorf("format a kafka folder: %w", err)
	}
	defer os.RemoveAll(data)
	conf := filepath.Join(data, "server.properties")
	one := &KafkaCluster{Brokers: []*KafkaBroker{{id: 1, Port: 1, controller: 2}}}
	text := one.properties(one.Brokers[0], data, KafkaOptions{})
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		return fmt.Errorf("format a kafka folder: %w", err)
	}
	cmd := exec.CommandContext(ctx, k.java, k.args("kafka.tools.StorageTool", "format", "-t", clusterID, "-c", conf)...)
	cmd.SysProcAttr = attributes(nil)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("format a kafka folder: %w:\n%s", err, out)
	}
	return os.Rename(filepath.Join(data, "__cluster_metadata-0"), k.template)
}

// makeArchive runs a broker once and lets the virtual machine write down the
// classes that it loaded when it ends.
func (k *kit) makeArchive(ctx context.Context, archive string) error {
	half := archive + ".half"
	training := *k
	training.flags = []string{"-XX:ArchiveClassesAtExit=" + half}
	c, err := startKafka(ctx, &training, KafkaOptions{Brokers: 1})
	if err != nil {
		return fmt.Errorf("prepare kafka's classes: %w", err)
	}
	defer c.Close()
	long, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if err := c.Brokers[0].Stop(long); err != nil {
		return fmt.Errorf("prepare kafka's classes: %w", err)
	}
	if err := os.Rename(half, archive); err != nil {
		return fmt.Errorf("prepare kafka's classes: %w", c.Brokers[0].failed(err))
	}
	return nil
}

// format makes the data folder of one node out of the template.
func (k *kit) format(data string, node int) error {
	metadata := filepath.Join(data, "__cluster_metadata-0")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return fmt.Errorf("format a kafka folder: %w", err)
	}
	if err := os.CopyFS(metadata, os.DirFS(k.template)); err != nil {
		return fmt.Errorf("format a kafka folder: %w", err)
	}
	directory := sha256.Sum256([]byte(fmt.Sprint("node ", node))) // must differ between nodes
	text := fmt.Sprintf("version=1\ncluster.id=%s\nnode.id=%d\ndirectory.id=%s\n",
		clusterID, node, base64.RawURLEncoding.EncodeToString(directory[:16]))
	if err := os.WriteFile(filepath.Join(data, "meta.properties"), []byte(text), 0o644); err != nil {
		return fmt.Errorf("format a kafka folder: %w", err)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}
