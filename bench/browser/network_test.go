package browser

import (
	"github.com/chromedp/cdproto/network"
)

// offline cuts this window off: its line, when it has one, and all it asks.
func (b *tab) offline() {
	b.t.Helper()
	if b.line != nil {
		b.line.become(cut)
	}
	b.net(network.Conditions{Offline: true, DownloadThroughput: -1, UploadThroughput: -1})
}

func (b *tab) online() {
	b.t.Helper()
	if b.line != nil {
		b.line.become(whole)
	}
	b.net(network.Conditions{DownloadThroughput: -1, UploadThroughput: -1})
}

// slowNetwork is a phone at the edge of a cell: 400 ms and 50 KB a second.
func (b *tab) slowNetwork() {
	b.t.Helper()
	b.net(network.Conditions{Latency: 400, DownloadThroughput: 50 << 10, UploadThroughput: 20 << 10})
}

func (b *tab) net(c network.Conditions) {
	b.t.Helper()
	must(b, call(network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{&c},
	}))
	must(b, call(network.OverrideNetworkState, network.OverrideNetworkStateParams{
		Offline: c.Offline, Latency: c.Latency, DownloadThroughput: c.DownloadThroughput, UploadThroughput: c.UploadThroughput,
	}))
}

// without lets nothing of the given addresses through, such as the streams'.
func (b *tab) without(patterns ...string) {
	b.t.Helper()
	blocked := make([]*network.BlockPattern, 0, len(patterns))
	for _, p := range patterns {
		blocked = append(blocked, &network.BlockPattern{URLPattern: p, Block: true})
	}
	must(b, call(network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: blocked}))
}
