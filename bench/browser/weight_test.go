package browser

import (
	"strings"
	"testing"

	"firstcome/bench/stack"
)

// heaviest is what a page and all that it loads may weigh, unpacked.
const heaviest = 100 << 10

// weight is what the page and its assets have, in bytes before compression. What
// the interface answers is no asset.
const weight = `[performance.getEntriesByType("navigation")[0], ...performance.getEntriesByType("resource")]
	.filter(e => !new URL(e.name).pathname.startsWith("/v1/")).map(e => ({name: new URL(e.name).pathname, size: e.decodedBodySize}))`

// Each page is light, and all of it comes from its own house.
func TestThePagesAreLight(t *testing.T) {
	t.Parallel()
	h, id := embedded(t), stack.Unique("light")
	h.open(t, id, "Light", map[string]any{"cap": 3, "form": outing})
	for _, address := range []string{h.members() + "/", h.page(id), h.members() + "/live", h.admins() + "/"} {
		b := on(phone).asKorean().sits(t) // nothing is in the cache
		b.open(address)
		b.until(patience, "the page", `document.readyState === "complete" && document.querySelector("main, [role=main]")?.innerText.length > 0`)
		sum, parts := 0, []string{}
		for _, part := range eval[[]struct {
			Name string
			Size int
		}](b, weight) {
			sum += part.Size
			parts = append(parts, part.Name)
			if part.Size == 0 {
				t.Errorf("%s: %s has no size", address, part.Name)
			}
		}
		t.Logf("%s weighs %d bytes: %s", address, sum, strings.Join(parts, " "))
		if sum >= heaviest {
			t.Errorf("%s weighs %d bytes, more than %d", address, sum, heaviest)
		}
	}
}
