// Package booktest is the contract that every book must pass: [Run].
package booktest
