package keyfile

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"sigill/keys/ident"
)

// ErrPEM is returned for what is no single unencrypted private key in PEM.
var ErrPEM = errors.New("not one unencrypted private key in PEM (PKCS#8 or SEC 1)")

// FromPEM takes over a private key that was made elsewhere: one block of
// PKCS#8 ("PRIVATE KEY") or SEC 1 ("EC PRIVATE KEY", after an optional
// "EC PARAMETERS", as openssl writes it), Ed25519 or P-256.
func FromPEM(use Use, authority ident.Authority, data []byte) (Key, error) {
	block, rest := pem.Decode(data)
	if block != nil && block.Type == "EC PARAMETERS" {
		block, rest = pem.Decode(rest)
	}
	if block == nil || len(block.Headers) != 0 || len(bytes.TrimSpace(rest)) != 0 {
		return Key{}, ErrPEM
	}
	var parsed any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return Key{}, ErrPEM
	}
	signer, ok := parsed.(crypto.Signer)
	if err != nil || !ok {
		return Key{}, ErrPEM
	}
	return FromSigner(use, authority, signer)
}
