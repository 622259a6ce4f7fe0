// Package inprocess is a Redis inside this process, for the embedded shape: the gate's
// scripts, Redsync and the counters run on it as on any other Redis.
//
// It is miniredis, listening on a free port of the loopback interface behind a random
// password. Nothing is kept: the log decides, and a flush rebuilds the gate. It is
// meant for one node; it is not a server for others.
//
// miniredis tells the time of the process (TIME), so the deadlines of leases pass by
// themselves; but expiries of keys, and so of abandoned Redsync locks, run down only
// when they are told to. Server.Run does that.
package inprocess
