// Package api is the doors: it turns HTTP into calls of the engine and answers
// into HTTP. It decides nothing.
//
// Two handlers share one [Server]: [Server.Members] for everybody who claims,
// [Server.Admins] for who runs campaigns, on a listener, with tokens and roles
// of its own. server.go lists their routes like a table of contents, and the
// documents in openapi/ describe each of them; the tests hold every answer
// against these documents.
//
// # The way of a request
//
// An [endpoint] (endpoint.go) gives it an id, sheds it when too many are under
// way (limit.go), finds out who asks (identity.go), and calls the route's
// function: claims.go, campaigns.go, admin.go and their neighbours decode, ask
// a port (ports.go) and encode. Whatever is refused, by the engine or by the
// door itself, becomes a status code and a problem in problem.go and nowhere
// else.
//
// # Streams
//
// events (stream.go) takes the connection from the server and gives it to one of
// a few writers (streamwriter.go), which copy what the feed has put on a
// campaign's tape to all who watch it (streampump.go). A stream has no goroutine
// and no buffer of its own, and no writer waits for a reader: who takes nothing
// for 10 s is closed (streamcheck.go).
//
// # Pages
//
// web/ has the pages as they are written; assets.go shortens and packs them when
// the program starts. pages.go draws their frames in the reader's language,
// session.go keeps the token in a cookie that no script can read. A page knows
// nothing that the interface does not tell everybody.
//
// # What is promised
//
//   - A member is the subject of a verified token, never a field of a body.
//   - A body is read up to its limit and no further, and understood strictly:
//     unknown fields, duplicate keys and trailing data are refused.
//   - Every refusal is a problem (RFC 9457) in the reader's language, with a
//     code that never changes and a page that says what can be done.
//   - A claim's answer costs no reflection: identities come from a cache of
//     verified tokens, and JSON is appended to pooled buffers.
//   - A repeat and a refusal from memory count against no limit.
package api
