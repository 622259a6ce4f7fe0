//go:build !badengine

package main

import "log"

func main() { log.Fatal("naive is an engine that is known to be bad: build it with -tags badengine") }
