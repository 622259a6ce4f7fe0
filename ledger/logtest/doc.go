// Package logtest is the contract that every [engine.Log] must pass.
//
// [Run] holds an implementation against each promise of the port: order,
// density, one answer per append, following from anywhere, followers and
// partitions that do not hold one another up, and above all that a follower is
// never told it knows more than it does. [Recorder] and [Check] are the parts of
// that proof which tests with faults use on their own.
package logtest
