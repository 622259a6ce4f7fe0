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
