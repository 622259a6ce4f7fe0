package api

import (
	"embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/goccy/go-yaml"

	"firstcome/engine"
)

//go:embed openapi/*.yaml
var documents embed.FS

// document reads a listener's OpenAPI document, adds the components that both
// share, and returns it as JSON.
func document(name, version string) ([]byte, error) {
	doc, err := readYAML(documents, "openapi/"+name+".yaml")
	if err != nil {
		return nil, err
	}
	shared, err := readYAML(documents, "openapi/shared.yaml")
	if err != nil {
		return nil, err
	}
	merge(doc, shared)
	delete(doc, "x-common") // only to be referred to while reading
	if components, ok := doc["components"].(map[string]any); ok {
		components["examples"] = problemExamples()
	}
	if info, ok := doc["info"].(map[string]any); ok && version != "" {
		info["version"] = version
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("encode the document of the %s: %w", name, err)
	}
	return raw, nil
}

func readYAML(from embed.FS, file string) (map[string]any, error) {
	raw, err := from.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	var doc map[string]any
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return doc, nil
}

// merge adds what dst does not have, object by object.
func merge(dst, src map[string]any) {
	for name, v := range src {
		have, ok := dst[name]
		if !ok {
			dst[name] = v
			continue
		}
		if a, ok := have.(map[string]any); ok {
			if b, ok := v.(map[string]any); ok {
				merge(a, b)
			}
		}
	}
}

// problemExamples shows each refusal as the server words it.
func problemExamples() map[string]any {
	noon := time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)
	extra := map[*kind][]byte{
		soldOut:     appendText(nil, "waitlist", string(engine.ListOpen)),
		notOpenYet:  appendTime(appendTime(nil, "opens_at", noon), "server_time", noon.Add(-time.Minute)),
		notEligible: appendText(nil, "rule", "campus"),
	}
	fields := map[*kind][]engine.FieldError{
		invalidInput:   {{Pointer: "/if_full", Detail: "must be refuse or waitlist"}},
		invalidAnswers: {{Pointer: "/answers/name", Detail: "is needed"}},
	}
	all := map[string]any{}
	for _, k := range kinds {
		p := problem{kind: k, extra: extra[k], fields: fields[k]}
		all[k.code] = map[string]any{"value": json.RawMessage(p.append(nil, english, "/v1/campaigns/noon/claims"))}
	}
	return all
}
