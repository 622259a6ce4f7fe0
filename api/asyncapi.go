package api

import (
	"embed"
	"encoding/json"
	"fmt"
)

//go:embed asyncapi/*.yaml
var streamDocuments embed.FS

// asyncDocument is the AsyncAPI description of the event streams, as JSON.
func asyncDocument(version string) ([]byte, error) {
	doc, err := readYAML(streamDocuments, "asyncapi/events.yaml")
	if err != nil {
		return nil, err
	}
	if info, ok := doc["info"].(map[string]any); ok && version != "" {
		info["version"] = version
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("encode the document of the streams: %w", err)
	}
	return raw, nil
}
