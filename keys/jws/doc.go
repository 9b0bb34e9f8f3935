// Package jws signs and verifies Sigill's statements: compact JWS (RFC 7515)
// with a canonical JSON header and payload (RFC 8785), an exact typ, and an alg
// that follows from the key that was expected, never from the header.
//
// Use [NewSigner] and [Sign] to make a statement; [Verify] to check one against
// a known key, [VerifyBy] to look the key up by its thumbprint, and
// [VerifyEmbedded] for a draft, which carries its one-time key itself.
//
// Nothing is malleable: base64url has one form, Ed25519 keys of small order and
// non-canonical points are refused, and of the two signatures (r, s) and
// (r, n−s) that ECDSA allows only the lower s is accepted, so that nobody but
// the signer can give a statement a second digest. The format is in
// proto/SPEC.md, "Statements"; TestByteFlip and FuzzVerify prove it.
package jws
