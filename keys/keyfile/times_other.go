//go:build !linux

package keyfile

// NoAtime is not known to this system.
const NoAtime = 0
