// Package strangers holds programs that share no code with the rest: they were
// written from proto/SPEC.md, in Node, with npm libraries. verify.mjs checks the
// signatures of a decision, court.mjs opens an opening package, golden.mjs holds
// both against the golden vectors.
//
// The tests give them what the Go code makes: what is right must verify and open
// to the same sections, and what is changed in any way must be refused with
// nothing shown.
package strangers
