package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Save writes the report into a folder as <date>-<what>-<shape>.md, .json and,
// when the audit is clean, .svg, and returns the name of the first. A later
// run of the same day takes the place of the earlier one; a run that is not
// clean is named -unclean and takes nobody's place.
func (r *Report) Save(dir string) (string, error) {
	name := fmt.Sprintf("%s-%s-%s", r.Started.UTC().Format("2006-01-02"), r.What, r.Shape)
	if !r.Audit.Clean() {
		name += "-unclean"
		r.Series, r.Figures, r.Targets = nil, nil, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("save a report: %w", err)
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return "", fmt.Errorf("save a report: %w", err)
	}
	files := map[string]string{".json": string(data) + "\n"}
	picture := ""
	if svg := r.SVG(); svg != "" {
		files[".svg"], picture = svg, name+".svg"
	}
	files[".md"] = r.Markdown(picture)
	for ending, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name+ending), []byte(text), 0o644); err != nil {
			return "", fmt.Errorf("save a report: %w", err)
		}
	}
	return filepath.Join(dir, name+".md"), nil
}
