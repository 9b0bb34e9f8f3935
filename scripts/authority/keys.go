package authority

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
	"net"
	"os"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/keyfile"
	"sigill/keys/proof"
)

// makeKeys draws every key and saves each in its file: the server's under keys/,
// everyone else's under people/.
func (a *Authority) makeKeys() error {
	for _, use := range []keyfile.Use{keyfile.Log, keyfile.Gate} {
		if _, err := a.newKey(use, "keys", string(use)); err != nil {
			return err
		}
	}
	if err := os.WriteFile(a.path("keys", "passphrase"), []byte(Passphrase+"\n"), 0o600); err != nil {
		return err
	}
	for i := range 3 {
		k, err := a.newSigner(keyfile.Board, fmt.Sprintf("board-%d", i+1))
		if err != nil {
			return err
		}
		a.Board = append(a.Board, k)
	}
	for _, s := range []struct {
		use  keyfile.Use
		name string
		to   **jws.Signer
	}{{keyfile.Director, "director", &a.Director}, {keyfile.Director, "deputy", &a.Deputy},
		{keyfile.Director, "registrar", &a.Registrar}, {keyfile.Requester, "court", &a.Court}} {
		k, err := a.newSigner(s.use, s.name)
		if err != nil {
			return err
		}
		*s.to = k
	}
	for g, shape := range a.options.Groups {
		var group []Reviewer
		for i := range shape.Members {
			name := fmt.Sprintf("reviewer-%d-%d", g+1, i+1)
			sign, err := a.newSigner(keyfile.ReviewerSign, name)
			if err != nil {
				return err
			}
			k, err := a.newKey(keyfile.ReviewerHPKE, "people", name+"-hpke")
			if err != nil {
				return err
			}
			open, err := k.HPKE()
			if err != nil {
				return err
			}
			group = append(group, Reviewer{sign, open})
		}
		a.Reviewers = append(a.Reviewers, group)
	}
	return nil
}

func (a *Authority) newKey(use keyfile.Use, dir, name string) (keyfile.Key, error) {
	k, err := a.draw(use)
	if err != nil {
		return k, err
	}
	return k, keyfile.Save(a.path(dir, name+".age"), Passphrase, k, keyfile.Options{WorkFactor: a.options.WorkFactor})
}

// draw makes a key of the algorithm that is usual for its use, or that was asked for.
func (a *Authority) draw(use keyfile.Use) (keyfile.Key, error) {
	if use != keyfile.Director || !a.options.Ed25519Directors {
		return keyfile.Generate(use, Number)
	}
	_, signer, err := jws.Generate(jws.EdDSA)
	if err != nil {
		return keyfile.Key{}, err
	}
	return keyfile.FromSigner(use, Number, signer)
}

func (a *Authority) newSigner(use keyfile.Use, name string) (*jws.Signer, error) {
	k, err := a.newKey(use, "people", name)
	if err != nil {
		return nil, err
	}
	return k.Signer()
}

// A certificateIssuer is the authority's own; nobody else trusts it.
type certificateIssuer struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func newIssuer() (*certificateIssuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	c := &certificateIssuer{key: key}
	c.cert, err = c.sign(&x509.Certificate{
		Subject: pkix.Name{Organization: []string{Name}, CommonName: "Sigill utveckling (ej kvalificerad)"},
		IsCA:    true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, key.Public())
	return c, err
}

// sign issues a certificate for two years.
func (c *certificateIssuer) sign(t *x509.Certificate, key crypto.PublicKey) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	t.SerialNumber, t.NotBefore, t.NotAfter = serial, now.Add(-time.Hour), now.AddDate(2, 0, 0)
	parent := c.cert
	if parent == nil {
		parent = t
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key, c.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func writePEM(path string, mode os.FileMode, kind string, blocks ...[]byte) error {
	var out []byte
	for _, b := range blocks {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b})...)
	}
	return os.WriteFile(path, out, mode)
}

// makeCertificates issues the institutional certificate and, if it is wanted,
// the server's for TLS.
func (a *Authority) makeCertificates() (err error) {
	if a.issuer, err = newIssuer(); err != nil {
		return err
	}
	if _, err := a.NewCertificate("institution"); err != nil {
		return err
	}
	if !a.options.TLS {
		return nil
	}
	return a.makeTLS()
}

func (a *Authority) makeTLS() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	cert, err := a.issuer.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "sigilld"}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, DNSNames: []string{"localhost"},
	}, key.Public())
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	a.Roots = x509.NewCertPool()
	a.Roots.AddCert(a.issuer.cert)
	if err := writePEM(a.path("tls-chain.pem"), 0o644, "CERTIFICATE", cert.Raw); err != nil {
		return err
	}
	if err := writePEM(a.path("tls-issuer.pem"), 0o644, "CERTIFICATE", a.issuer.cert.Raw); err != nil {
		return err
	}
	return writePEM(a.path("tls-key.pem"), 0o600, "PRIVATE KEY", der)
}

// makeTrust writes the trust file: two of the board's three keys must sign.
func (a *Authority) makeTrust() error {
	pub, err := keyfile.LoadPublic(a.path("keys", "log.age"))
	if err != nil {
		return err
	}
	logPub, err := pub.Key.Public()
	if err != nil {
		return err
	}
	logKey, err := proof.NewLogKey(Number, edPublic(logPub))
	if err != nil {
		return err
	}
	policy := []string{"log " + logKey.String(), "quorum none"}
	if len(a.options.Witnesses) > 0 {
		policy = append(policy[:1], a.options.Witnesses...)
	}
	chain, err := os.ReadFile(a.path("institution.pem"))
	if err != nil {
		return err
	}
	leaf, _ := pem.Decode(chain)
	f := bundle.TrustFile{
		Authority: Number, Name: Name, Typ: bundle.TypTrust, Board: bundle.BoardKeys{Need: 2},
		Certificates: []bundle.TrustCertificate{{Certificate: leaf.Bytes, From: ident.DateOf(time.Now()).AddDays(-1)}},
		Policy:       policy,
		Providers: []bundle.Provider{{Issuer: a.IDP.Issuer(), Audience: Origin, Name: []string{"name"},
			UserID: []string{"preferred_username"}, HSAID: []string{"employeeHsaId"}}},
	}
	for _, b := range a.Board {
		f.Board.Keys = append(f.Board.Keys, b.Public().JWK())
	}
	text, err := f.Marshal()
	if err != nil {
		return err
	}
	if a.Trust, err = bundle.ParseTrust(text); err != nil {
		return err
	}
	return os.WriteFile(a.path("trust.json"), text, 0o644)
}
