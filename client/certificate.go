package client

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	"sigill/keys/ident"
)

// Unqualified is what a certificate of an issuer of one's own says of itself.
const Unqualified = "ej kvalificerad"

// SelfMadeCertificate certifies an institutional key under an issuer of its own,
// whose key is thrown away: it certifies this one key and never another. The
// chain is PEM, leaf first. It proves nothing by itself: verifiers believe it
// because the trust file lists it.
func SelfMadeCertificate(institution crypto.PublicKey, authority ident.Authority, name string, now time.Time, years int) ([]byte, error) {
	issuer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("issuer's key: %w", err)
	}
	from, until := now.Add(-time.Hour), now.AddDate(years, 0, 0)
	root := &x509.Certificate{
		Subject:      pkix.Name{Organization: []string{name}, CommonName: name + " (utfärdare, " + Unqualified + ")"},
		SerialNumber: serial(), NotBefore: from, NotAfter: until, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		Subject:      pkix.Name{Organization: []string{name}, CommonName: name + " (e-stämpel, " + Unqualified + ")", SerialNumber: string(authority)},
		SerialNumber: serial(), NotBefore: from, NotAfter: until, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, issuer.Public(), issuer)
	if err != nil {
		return nil, fmt.Errorf("issuer's certificate: %w", err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, institution, issuer)
	if err != nil {
		return nil, fmt.Errorf("institutional certificate: %w", err)
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leafDER})
	return append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER})...), nil
}

func serial() *big.Int {
	b := make([]byte, 16)
	rand.Read(b)
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}
