//go:build !linux

package main

import (
	"os"

	"golang.org/x/term"
)

// hide leaves it to the reading of the line to turn the echo off.
func hide(f *os.File) (line func() (string, error), err error) {
	return func() (string, error) {
		b, err := term.ReadPassword(int(f.Fd()))
		return string(b), err
	}, nil
}
