package fold

// The versions of the rules. One comes into force at an ACTIVATE record, for
// every fold at the same offset, and never before: a log begins with First, and
// nodes that know a newer version go on by the old one until an operator has
// seen that all of them know it.
const (
	// First is what every log begins with.
	First = 1
	// SameIsNoChange: an EDIT or a CAP that says what is so already is no change.
	SameIsNoChange = 2
)
