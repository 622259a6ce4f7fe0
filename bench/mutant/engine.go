package mutant

// engineMutants break rules of the engine: what it does between the fold and
// the members. The simulation catches them.
var engineMutants = []Mutant{
	{
		Name: "old-memory", What: "a node that is cut off answers from its memory, whatever its age",
		File:   "engine/partition.go",
		Old:    `return known != 0 && p.node.elapsed()-known <= int64(Currency)`,
		New:    `return true`,
		Caught: "I7",
	},
}
