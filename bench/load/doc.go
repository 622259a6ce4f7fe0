// Package load makes a crowd: virtual members with connections of their own,
// who send ready-made HTTP/1.1 requests and keep what they were told.
//
// The generator shares the machine with what it measures, so it is cheap: a
// request is built once and written as bytes, an answer is read into buffers
// that are used again, and its body is understood after the run.
//
// There are two ways to send. A closed loop (Closed) is a crowd of people: each
// sends the next request when the last answer is there, so a slow server gets
// fewer requests. An open loop (Open) is a constant stream from outside: its
// latencies are counted from the moment at which a request was due, so that
// time spent queueing is not hidden.
package load
