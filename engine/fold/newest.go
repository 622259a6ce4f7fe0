//go:build !rules1

package fold

// Version is the newest version of the rules that this build knows.
const Version = SameIsNoChange
