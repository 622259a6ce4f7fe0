// Package redis is the second level of the copies and the bus of their changes, in a
// Redis that is run alone, behind Sentinel, or as a cluster.
//
// Nothing here may ever be waited for: a call takes 150 ms at most, and after three
// failures in a row a breaker answers [ErrAway] at once for a second, so that a dead
// Redis costs its readers nothing. Then one call is let through to look. Every call may
// be repeated, and none is.
//
// The bus is Pub/Sub: at most once. A connection that is silent for a second is asked for
// a sign of life, and made anew, through Sentinel, when there is none; its listener is
// told that it may have missed something.
package redis
