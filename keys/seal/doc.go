// Package seal closes the decision record: each section is encrypted under its
// own key, each key is the sum of one secret from every group of reviewers, each
// secret is split by Shamir over the scalars of Ristretto255, and each reviewer's
// shares are sealed to them by hybrid post-quantum HPKE.
//
// [New] computes everything but the HPKE messages from the seal seed, so that
// the author's client, which drew the seed, can make the same [Head] and compare;
// [Sealed.Wrap] makes one reviewer's message. What was sealed is named by
// [Head.Digest], the core digest that approval and decision carry.
//
// Shares carry no integrity of their own (a flipped bit flips the secret), so
// the head holds a digest of each; they are plain labelled hashes of random
// scalars, not commitments on a curve, which a quantum computer could open.
// Nothing in this package opens anything: that is keys/unseal, which a server
// never links. Bytes are in proto/SPEC.md, "Seal"; testdata has vectors, and
// TestByteFlip shows that no changed byte passes.
package seal
