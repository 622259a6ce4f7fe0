// Package hunt looks for a seed of the simulation that breaks a promise, and
// makes what it finds small.
//
// Seeds are played by many processes of the simulation's own test program
// (firstcome/bench/sim), one thread each: as fast as the machine can. Time is
// virtual and chance comes from the seed, but the order in which the Go runtime
// runs what could run at the same instant does not. So whatever breaks is
// played again in the exact world: the same program compiled to WebAssembly, on
// one thread, where the host hands out time and chance. There a seed and an
// order (the seed of the runtime's own chance) are the same run on every
// machine, bit for bit, and a plan can be cut down to the steps that matter.
package hunt
