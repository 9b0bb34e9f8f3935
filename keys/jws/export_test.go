package jws

// Fits is the check of a bare signature, for vectors over other messages than
// statements.
func (p *PublicKey) Fits(input, sig []byte) bool { return p.fits(input, sig) }
