// Package proof is what anyone needs to check a place in an authority's log:
// entries and their preimages, checkpoints, inclusion and consistency proofs,
// the policy that says which log and which witnesses are believed, and whole days.
//
// A verifier starts with [ParsePolicy] and [CheckInclusion]; who follows a log
// uses [Policy.Accept] and [CheckConsistency]; who reads it day by day [ParseDay]
// and [Day.Check]. A server makes entries with
// [NewPreimage] and [Preimage.Entry], and checkpoints with [NewLogSigner] and
// [LogSigner.Checkpoint]; a witness reads [ParseSubmission] and answers with
// [NewCosigner] and [Cosigner.Cosign].
//
// The formats are C2SP's (signed-note, tlog-checkpoint, tlog-cosignature,
// tlog-policy, tlog-proof, tlog-witness) over RFC 6962 hashes, read strictly: what is
// accepted has one encoding, so that nobody but the log can give a proof a
// second form. Reading is pure: no clock, no disk, no network. Everything is
// safe for concurrent use once made.
//
// proto/SPEC.md, "Log", has the bytes; TestVectors, TestByteFlip and the fuzz
// targets prove it.
package proof

import "errors"

// Errors of this package. None repeats what was read.
var (
	// ErrKind: a log kind that this version does not know.
	ErrKind = errors.New("not a kind of log entry")
	// ErrEntry: not the 51 bytes of a log entry.
	ErrEntry = errors.New("not a log entry")
	// ErrPreimage: not the bytes of an entry's preimage.
	ErrPreimage = errors.New("not the preimage of a log entry")
	// ErrLogKey: not an Ed25519 verifier key named by an authority.
	ErrLogKey = errors.New("not a log key: an Ed25519 vkey named by an organisation number")
	// ErrCheckpoint: malformed, or not signed by a log of the policy.
	ErrCheckpoint = errors.New("not a checkpoint of this log")
	// ErrUnwitnessed: signed by the log, but by too few of its witnesses. It
	// may become witnessed: nothing is wrong with it yet.
	ErrUnwitnessed = errors.New("checkpoint not witnessed as the policy asks")
	// ErrCosignature: not a witness's answer to the checkpoint.
	ErrCosignature = errors.New("not a cosignature of this checkpoint")
	// ErrPolicy: not a policy for one authority's log.
	ErrPolicy = errors.New("not a log policy")
	// ErrProof: malformed, or it does not prove the entry.
	ErrProof = errors.New("not a proof of this entry")
	// ErrDay: malformed, or not all that the log got between two states.
	ErrDay = errors.New("not a whole day of this log")
	// ErrTile: not the path of a tile or of a bundle of entries.
	ErrTile = errors.New("not the path of a tile")
	// ErrInconsistent: the two checkpoints are not shown to be one history. If
	// both are signed by the log, they are evidence to be kept.
	ErrInconsistent = errors.New("checkpoints not shown to be of one history")
	// ErrUnsigned: a checkpoint that no log of the policy signed, or whose
	// signature by one is wrong; always together with ErrCheckpoint.
	ErrUnsigned = errors.New("not signed by the log")
	// ErrSubmission: not what a witness is asked with.
	ErrSubmission = errors.New("not a request to a witness")
	// ErrWitnessName: a witness is named by a domain name.
	ErrWitnessName = errors.New("not a name of a witness: a domain name in lower case, with a path or without")
	// ErrWitnessKey: not a key that a witness signs with.
	ErrWitnessKey = errors.New("not a key of a witness")
)
