// Package faults breaks the disk under a built sigilld and looks at what is left:
// files that are damaged, cut short, full, read-only or in use, and calls of the
// kernel that fail, or at which the process is killed; and of the commands that back a
// store up and put it back.
//
// strace injects the faults. A short part of every sweep runs always; the whole,
// at each call that a story makes, with
//
//	go test ./scripts/faults -faults.all -timeout 60m -v
//
// which prints how many points it tried and what was lost. What is mounted needs
// root; without it those tests say so and try nothing.
package faults
