//go:build !linux

package stack

func notice() {}
