package stack

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// KafkaVersion is the release of Apache Kafka that is started. install.sh and
// pom.xml fetch the same.
const KafkaVersion = "4.4.0"

// ErrMissing says that a program is not installed on this machine, or cannot
// be started on this operating system.
var ErrMissing = errors.New("not installed (make test installs it)")

// program finds an executable in PATH or in one of the further places, which
// may be patterns; the last match of a pattern, the highest version, wins.
func program(name string, places ...string) (string, error) {
	if !supported {
		return "", fmt.Errorf("%s: services are started on Linux only: %w", name, ErrMissing)
	}
	for _, place := range places {
		matches, err := filepath.Glob(filepath.Join(place, name))
		if err != nil {
			return "", fmt.Errorf("look for %s: %w", name, err)
		}
		if len(matches) > 0 {
			return slices.Max(matches), nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, ErrMissing)
	}
	return path, nil
}

// postgresProgram finds one of PostgreSQL's programs, where Debian keeps them first.
func postgresProgram(name string) (string, error) {
	return program(name, "/usr/lib/postgresql/*/bin")
}

// KafkaJars returns the folder of Kafka's jars, whether or not they are there.
func KafkaJars() (string, error) {
	if dir := os.Getenv("FIRSTCOME_KAFKA_JARS"); dir != "" {
		return filepath.Abs(dir)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("look for kafka's jars: %w", err)
	}
	return filepath.Join(cache, "firstcome", "kafka-"+KafkaVersion), nil
}

// kafkaJars returns the jars in a fixed order: the archive of classes is valid
// for one class path only.
func kafkaJars() ([]string, error) {
	dir, err := KafkaJars()
	if err != nil {
		return nil, err
	}
	jars, err := filepath.Glob(filepath.Join(dir, "*.jar"))
	if err != nil {
		return nil, fmt.Errorf("look for kafka's jars: %w", err)
	}
	if len(jars) == 0 {
		return nil, fmt.Errorf("kafka %s in %s: %w", KafkaVersion, dir, ErrMissing)
	}
	return jars, nil
}

// CheckRedis returns ErrMissing, wrapped, unless Redis and Sentinel can be started.
func CheckRedis() error {
	_, err := program("redis-server")
	return err
}

// CheckPostgres returns ErrMissing, wrapped, unless PostgreSQL can be started.
func CheckPostgres() error {
	_, err := postgresProgram("initdb")
	if err != nil {
		return err
	}
	_, err = postgresProgram("postgres")
	return err
}

// CheckKafka returns ErrMissing, wrapped, unless Kafka can be started.
func CheckKafka() error {
	if _, err := program("java"); err != nil {
		return err
	}
	_, err := kafkaJars()
	return err
}
