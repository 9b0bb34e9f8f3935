// Package keyfile keeps private keys, and an author's receipts, on disk: age
// files under a passphrase, readable by their owner alone.
//
// Use [Generate] and [Save] to make a key, [Load] and then [Key.Signer],
// [Key.HPKE] or [Key.Seed] to use one. [SaveSealed] and [LoadSealed] keep any
// other document the same way. Beside a key that is to be registered with
// others lies its public half in clear, read by [LoadPublic]; beside an author's
// or a day's key nothing does, since it would tie the machine to a decision.
//
// Nothing is read from, or written to, a place that others could change: a file
// is a regular one of the caller's, mode 0600, in a directory of the caller's
// that only the caller can write to; symbolic links are refused.
// A file appears whole or not at all. A wrong passphrase, a damaged file and a
// file of another kind are one error. Where the passphrase comes from is the
// caller's business. The package needs a Unix.
//
// The format is in proto/SPEC.md, "Key files"; TestByteFlip, TestC01_places
// and FuzzPlaintext prove it. Calls that name different files may run at the same
// time.
package keyfile
