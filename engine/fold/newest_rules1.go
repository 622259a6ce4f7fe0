//go:build rules1

package fold

// Version is the newest version of the rules that this build knows: the tag
// rules1 builds a node from before version 2, to roll and to refuse in tests.
const Version = First
