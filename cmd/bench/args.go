package main

import "strings"

// longFlags gives flags of more than a letter their second dash: -seed 5 is
// what people write, and --seed 5 is what the flags' library reads. Numbers,
// single letters and everything behind -- stay as they are.
func longFlags(args []string) []string {
	all := make([]string, len(args))
	for i, arg := range args {
		if arg == "--" {
			copy(all[i:], args[i:])
			break
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "--") && len(name) > 1 && isLetter(name[0]) {
			arg = "-" + arg
		}
		all[i] = arg
	}
	return all
}

func isLetter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }
