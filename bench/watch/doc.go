// Package watch is a crowd that only looks: clients of the event stream that
// speak nothing but HTTP/1.1 over plain connections, reconnect as a browser
// does, and hold every frame against the contract while they read.
//
// A Watcher ends with what a page would show. A run compares that with the
// books: equal numbers, and no hole or overlap on the way, are the proof that
// nobody needs to reload.
package watch
