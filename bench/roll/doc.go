// Package roll tries what an operator does while members claim: nodes that are
// ended and started again one by one, by the same build or by a newer one, and
// new rules that come into force. Its crowd counts every request that was
// neither answered well nor cleanly refused a connection.
package roll
