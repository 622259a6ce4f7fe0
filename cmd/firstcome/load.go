package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

const envPrefix = "FIRSTCOME_"

// otherEnv are the variables with our prefix that are not keys: the path of the
// file, what the verbs that speak to a server take, and what tests and
// rehearsals read.
var otherEnv = []string{"CONFIG", "ADMIN", "SERVER", "TOKEN", "OUTPUT", "REQUIRE_SERVICES", "KAFKA_JARS", rehearseClock, rehearseLockless}

// orchestrator are the variables that Kubernetes sets in every container of a
// namespace that has a service called firstcome. They are nobody's mistake.
var orchestrator = regexp.MustCompile(`^(SERVICE_(HOST|PORT.*)|PORT|PORT_[0-9]+_(TCP|UDP).*)$`)

// layer is one source: texts by key, as given.
type layer struct {
	from  source
	texts map[string]string
}

// load reads the three sources and returns the configuration with its defaults
// filled in, and everything that is wrong with it.
func load(flags *pflag.FlagSet, environ []string) (*Config, problems) {
	c := &Config{from: map[string]source{}}
	inFile, wrong := readFile(configPath(flags, environ))
	inEnv, more := readEnv(environ)
	wrong = append(wrong, more...)
	for _, l := range []layer{readFlags(flags), inEnv, inFile} { // the strongest first
		for _, k := range keys {
			given, ok := l.texts[k.name]
			if !ok || c.from[k.name] != "" {
				continue
			}
			c.from[k.name] = l.from
			if p := c.set(k, given, l.from); p != nil {
				wrong = append(wrong, *p)
			}
		}
	}
	c.defaults()
	for _, p := range c.validate() {
		// What could not be read was reported already, and is not missing too.
		if !slices.ContainsFunc(wrong, func(q problem) bool { return q.key == p.key }) {
			wrong = append(wrong, p)
		}
	}
	return c, wrong
}

// set reads one value into its field.
func (c *Config) set(k key, given string, from source) *problem {
	shown, text, err := given, strings.TrimSpace(given), error(nil)
	if k.secret {
		shown = mask
		if path, ok := strings.CutPrefix(text, "file:"); ok {
			shown = given
			text, err = readSecretFile(path)
		}
	}
	if err == nil {
		err = k.parse(c, text)
	}
	if err == nil {
		return nil
	}
	return &problem{key: k.name, value: shown, from: from, wrong: err.Error(), right: k.right}
}

// readSecretFile returns the content of a file that carries a secret, without
// the line's end. 64 KiB are more than any key has.
func readSecretFile(path string) (string, error) {
	if err := checkFile(path); err != nil {
		return "", err
	}
	content, err := os.ReadFile(path)
	switch {
	case err != nil:
		return "", fmt.Errorf("names a file that cannot be read: %w", err)
	case len(content) > 64<<10:
		return "", fmt.Errorf("names %s, which is larger than 64 KiB", path)
	case len(strings.TrimSpace(string(content))) == 0:
		return "", fmt.Errorf("names %s, which is empty", path)
	}
	return strings.TrimRight(string(content), "\r\n"), nil
}

// configPath is the file that --config or FIRSTCOME_CONFIG names.
func configPath(flags *pflag.FlagSet, environ []string) string {
	if f := flags.Lookup("config"); f != nil && f.Changed {
		return f.Value.String()
	}
	return getenv(environ, envPrefix+"CONFIG")
}

// getenv returns a variable's last value, as the operating system has it.
func getenv(environ []string, name string) string {
	for _, pair := range slices.Backward(environ) {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}

// readFile reads the YAML file; an empty path is no file.
func readFile(path string) (layer, problems) {
	l := layer{fromFile, map[string]string{}}
	if path == "" {
		return l, nil
	}
	bad := func(wrong, right string) problems {
		return problems{{key: "config", value: path, wrong: wrong, right: right, from: fromFlag}}
	}
	if err := checkFile(path); err != nil {
		return l, bad(strings.Replace(err.Error(), "names the file "+path+", which", "the file", 1), "the path of a YAML file")
	}
	k := koanf.New(".")
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		return l, bad("cannot be read as YAML: "+strings.ReplaceAll(err.Error(), "\n", " "), "lines like: listen: \":8080\"")
	}
	var wrong problems
	for _, name := range k.Keys() {
		known, ok := findKey(name)
		if !ok {
			wrong = append(wrong, problem{key: name, wrong: fmt.Sprintf("there is no such key in %s%s", path, didYouMean(name, keyNames()))})
			continue
		}
		text, err := yamlText(known, k.Get(name))
		if err != nil {
			wrong = append(wrong, problem{key: name, value: mask, from: fromFile, wrong: err.Error(), right: known.right})
			continue
		}
		l.texts[name] = text
	}
	return l, wrong
}

// yamlText is a YAML value as it would stand in a flag.
func yamlText(k key, value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case []any:
		items := make([]string, len(v))
		for i := range v {
			items[i] = fmt.Sprint(v[i])
		}
		return strings.Join(items, ","), nil
	}
	if k.secret {
		return "", errors.New("is not text to YAML, which may have changed it; put it in quotes")
	}
	return fmt.Sprint(value), nil
}

// readEnv reads the variables with our prefix. An empty variable is not given:
// that is how compose files pass on what is not set.
func readEnv(environ []string) (layer, problems) {
	l := layer{fromEnv, map[string]string{}}
	var wrong problems
	k := koanf.New("/")
	err := k.Load(env.Provider("", env.Opt{
		Prefix:      envPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			rest := strings.TrimPrefix(name, envPrefix)
			if value == "" || slices.Contains(otherEnv, rest) || orchestrator.MatchString(rest) {
				return "", nil
			}
			key := strings.ToLower(strings.ReplaceAll(rest, "_", "-"))
			if _, ok := findKey(key); !ok || strings.Contains(rest, "-") || strings.ToUpper(rest) != rest {
				wrong = append(wrong, problem{key: name, wrong: "there is no such variable" + didYouMean(strings.ToUpper(name), envNames())})
				return "", nil
			}
			return key, value
		},
	}), nil)
	if err != nil {
		wrong = append(wrong, problem{key: envPrefix + "*", wrong: err.Error()})
	}
	for _, name := range k.Keys() {
		l.texts[name] = k.String(name)
	}
	return l, wrong
}

// readFlags takes the flags that were given and are keys.
func readFlags(flags *pflag.FlagSet) layer {
	l := layer{fromFlag, map[string]string{}}
	k := koanf.New("/")
	// The provider only fails when the flag set is missing.
	_ = k.Load(posflag.ProviderWithFlag(flags, "", k, func(f *pflag.Flag) (string, any) {
		if _, ok := findKey(f.Name); !ok || !f.Changed {
			return "", nil
		}
		return f.Name, f.Value.String()
	}), nil)
	for _, name := range k.Keys() {
		l.texts[name] = k.String(name)
	}
	return l
}

func keyNames() []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return names
}

func envNames() []string {
	names := keyNames()
	for i, name := range names {
		names[i] = envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	}
	return names
}
