package order

import (
	"bytes"
	"crypto/ecdh"

	"filippo.io/edwards25519/field"
)

// usableX25519 reports whether u is an X25519 point in its one form (below the
// prime, the unused bit clear: else one key could pass for two) and not of small
// order, with which any exchange gives zero. The standard library tells at the
// exchange, so one is made with a fixed private key.
func usableX25519(u []byte) bool {
	e, err := new(field.Element).SetBytes(u)
	if err != nil || !bytes.Equal(e.Bytes(), u) {
		return false
	}
	pub, err := ecdh.X25519().NewPublicKey(u)
	if err != nil {
		return false
	}
	priv, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		return false
	}
	_, err = priv.ECDH(pub)
	return err == nil
}
