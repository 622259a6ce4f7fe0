package api

import "slices"

// onNewsNodes is what a node without a fold answers: the streams, who may watch
// them, and what is about the node itself.
var onNewsNodes = []string{
	"watchCampaign", "makeStreamTicket", "getLiveness", "getReadiness", "getOpenAPI", "getAsyncAPI", "getDocs", "getProblem",
	"getAsset", "getMetrics", "getProfile",
}

// elsewhere says why another node has to answer a route; empty: this one does.
func (s *Server) elsewhere(r *route) string {
	switch {
	case s.newsOnly && !slices.Contains(onNewsNodes, r.operation):
		return "this node only serves streams, and follows no log"
	case s.streamsOnly && r.access == asMember && r.operation != "makeStreamTicket":
		return "this node only serves streams"
	}
	return ""
}
