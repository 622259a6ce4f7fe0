// Package gatetest is the contract that every gate must pass: what engine.Gate,
// engine.Locker and engine.Counter promise, and that a gate heals from whatever happens
// to its Redis.
//
// Run takes a function that opens an empty gate. The tests look into its Redis, move
// deadlines and damage keys there, so that no test waits for time to pass except those
// of the locks' expiry.
package gatetest
