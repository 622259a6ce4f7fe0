// Command firstcome is the hall of the house: it reads the configuration,
// opens the rooms, joins them and runs what lives long.
//
// Without any configuration it runs alone, with everything embedded and durable
// in one directory. Given addresses it is a stateless node of a cluster.
//
// Read in this order: config.go (what can be set), rooms.go (what is joined to
// what, in both shapes), serve.go (what runs, and how it stops). Each other verb
// has a file of its own. Results go to standard output, all else to standard
// error; exit codes are in exit.go.
package main
