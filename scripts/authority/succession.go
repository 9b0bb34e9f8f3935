package authority

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"os"
	"slices"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/keys/order"
	"sigill/keys/proof"
)

// Succeed has the board sign a trust file that says otherwise than the one in force,
// and writes the succession and the new file, which it returns, under a name.
func (a *Authority) Succeed(name string, on ident.Date, change func(f *bundle.TrustFile)) (*bundle.Trust, error) {
	f := a.Trust.File
	f.Successions++
	f.Board.Keys, f.Policy = slices.Clone(f.Board.Keys), slices.Clone(f.Policy)
	f.Certificates, f.Earlier = slices.Clone(f.Certificates), slices.Clone(f.Earlier)
	change(&f)
	b, err := f.Marshal()
	if err != nil {
		return nil, err
	}
	signed := &order.Signed{}
	if signed.Signatures, err = a.sign(&order.Succession{Authority: Number, Date: on, From: a.Trust.Digest, Trust: b}); err != nil {
		return nil, err
	}
	out, err := signed.Marshal()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(a.path(name+".signed"), out, 0o644); err != nil {
		return nil, err
	}
	if err := os.WriteFile(a.path(name+".json"), b, 0o644); err != nil {
		return nil, err
	}
	return bundle.ParseTrust(b)
}

// NewLogKey draws a log key, in a file of that name, and gives the policy's line of it.
func (a *Authority) NewLogKey(name string) (string, error) {
	k, err := a.newKey(keyfile.Log, "keys", name)
	if err != nil {
		return "", err
	}
	signer, err := k.Signer()
	if err != nil {
		return "", err
	}
	key, err := proof.NewLogKey(Number, edPublic(signer.Public()))
	return "log " + key.String(), err
}

// NewCertificate draws an institutional key and has it certified, in files of that
// name, and gives the certificate.
func (a *Authority) NewCertificate(name string) ([]byte, error) {
	k, err := a.newKey(keyfile.Institution, "keys", name)
	if err != nil {
		return nil, err
	}
	signer, err := k.Crypto()
	if err != nil {
		return nil, err
	}
	leaf, err := a.issuer.sign(&x509.Certificate{
		Subject:  pkix.Name{Organization: []string{Name}, CommonName: Name + " (e-stämpel, ej kvalificerad)", SerialNumber: string(Number)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
	}, signer.Public())
	if err != nil {
		return nil, err
	}
	return leaf.Raw, writePEM(a.path(name+".pem"), 0o644, "CERTIFICATE", leaf.Raw, a.issuer.cert.Raw)
}
