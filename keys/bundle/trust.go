package bundle

import (
	"crypto/x509"
	"fmt"
	"time"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/token"
)

// TypTrust is the typ member of a trust file.
const TypTrust = "sigill-trust"

// MaxTrust is the longest trust file that is read, in bytes: the longest policy and
// a hundred certificates of 6 KiB, and half of what a message may have.
const MaxTrust = 1 << 20

// TrustFile is the trust file as it is written: RFC 8785 JSON. Whoever verifies
// got it from the authority's board by a way of their own, and never from the
// server that they check.
type TrustFile struct {
	Authority    ident.Authority    `json:"authority"`
	Board        BoardKeys          `json:"board"`
	Certificates []TrustCertificate `json:"certificates"`
	Earlier      []Before           `json:"earlier,omitempty"` // whom the files before it believed, oldest first
	Name         string             `json:"name"`
	Policy       []string           `json:"policy"` // C2SP tlog-policy, by line; it lists the log keys
	Providers    []Provider         `json:"providers"`
	Successions  uint64             `json:"successions,omitempty"` // how many trust files it is after the first: as many key_change as the log has
	Typ          string             `json:"typ"`
}

// BoardKeys are the board's keys and how many of them must sign.
type BoardKeys struct {
	Keys []jws.JWK `json:"keys"`
	Need int       `json:"need"`
}

// A Provider is an identity provider whose logins count as evidence, and how its
// tokens are read long after it is gone: which audience they are made out to (a
// token for another service proves nothing here) and where its claims stand.
// Claims that the provider does not send have no path.
type Provider struct {
	Audience string   `json:"audience"`
	HSAID    []string `json:"hsa_id,omitempty"`
	Issuer   string   `json:"issuer"`
	Name     []string `json:"name,omitempty"`
	UserID   []string `json:"user_id,omitempty"`
}

// A TrustCertificate is an institutional certificate with the days on which its
// seals count. Of one that is revoked, since its key may be in other hands, they count
// on decisions with a place in the log before LoggedBefore alone: a date can be made up.
type TrustCertificate struct {
	Certificate  ident.Bytes `json:"certificate"` // DER
	From         ident.Date  `json:"from"`
	LoggedBefore uint64      `json:"logged_before,omitempty"`
	Until        ident.Date  `json:"until,omitempty"`
}

// Trust is a checked trust file.
type Trust struct {
	Authority ident.Authority
	Digest    ident.Digest // SHA-256 of the file
	Name      string
	Board     order.Board
	Policy    proof.Policy
	File      TrustFile
	providers map[string]*token.Provider
	certs     []trusted
}

type trusted struct {
	cert        *x509.Certificate
	key         *jws.PublicKey
	digest      ident.Digest
	from, until ident.Date
	before      uint64 // index of the first entry on which its seals do not count; 0: none
}

// ParseTrust reads a trust file of at most [MaxTrust] bytes strictly.
func ParseTrust(data []byte) (*Trust, error) {
	if len(data) > MaxTrust {
		return nil, ErrTrust
	}
	t := &Trust{Digest: ident.Sum(data)}
	if err := jws.Decode(data, &t.File); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTrust, err)
	}
	if err := t.load(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTrust, err)
	}
	return t, nil
}

// Marshal is the file's one form; it must parse.
func (f *TrustFile) Marshal() ([]byte, error) {
	b, err := jws.Canonical(f)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTrust, err)
	}
	_, err = ParseTrust(b)
	return b, err
}

func (t *Trust) load() error {
	f := &t.File
	if f.Typ != TypTrust {
		return jws.Field("typ", jws.ErrValue)
	}
	if err := jws.Text("name", f.Name, 1, 200); err != nil {
		return err
	}
	t.Authority, t.Name = f.Authority, f.Name
	var err error
	if t.Board, err = f.Board.read(); err != nil {
		return err
	}
	if t.Policy, err = proof.ParsePolicy([]byte(JoinLines(f.Policy))); err != nil {
		return jws.Field("policy", err)
	}
	if t.Policy.Authority() != f.Authority {
		return jws.Field("policy", ErrAuthority)
	}
	if err := t.addEarlier(f.Earlier); err != nil {
		return err
	}
	if err := t.addProviders(f.Providers); err != nil {
		return err
	}
	if len(f.Certificates) < 1 || len(f.Certificates) > 100 {
		return jws.Field("certificates", jws.ErrCount)
	}
	for i, c := range f.Certificates {
		if err := t.addCertificate(c); err != nil {
			return jws.Field(fmt.Sprintf("certificates[%d]", i), err)
		}
	}
	return nil
}

const maxProviders = 20

func (t *Trust) addProviders(list []Provider) error {
	if len(list) > maxProviders {
		return jws.Field("providers", jws.ErrCount)
	}
	t.providers = map[string]*token.Provider{}
	for i, p := range list {
		if t.providers[p.Issuer] != nil {
			return jws.Field(fmt.Sprintf("providers[%d].issuer", i), jws.ErrValue)
		}
		read, err := token.NewProvider(token.Config{Issuer: p.Issuer, Audience: p.Audience, Label: p.Issuer,
			Lifetime: token.MaxLifetime, Leeway: token.MaxLeeway, Name: p.Name, UserID: p.UserID, HSAID: p.HSAID})
		if err != nil {
			return jws.Field(fmt.Sprintf("providers[%d]", i), err)
		}
		t.providers[p.Issuer] = read
	}
	return nil
}

// Provider finds the reader of an issuer's tokens for [token.CheckEvidence]. Its
// lifetime and leeway are the widest that a server may have been set to.
func (t *Trust) Provider(issuer string) (*token.Provider, error) {
	if p := t.providers[issuer]; p != nil {
		return p, nil
	}
	return nil, ErrProvider
}

func (t *Trust) addCertificate(c TrustCertificate) error {
	if c.From == "" || c.Until != "" && c.Until.Before(c.From) {
		return jws.Field("from", jws.ErrValue)
	}
	cert, err := x509.ParseCertificate(c.Certificate)
	if err != nil {
		return jws.Field("certificate", jws.ErrValue)
	}
	key, err := jws.NewPublicKey(cert.PublicKey)
	if err != nil {
		return jws.Field("certificate", err)
	}
	t.certs = append(t.certs, trusted{cert, key, ident.Sum(cert.Raw), c.From, c.Until, c.LoggedBefore})
	return nil
}

// institution finds the key of a listed certificate.
func (t *Trust) institution(kid ident.Digest) (*jws.PublicKey, error) {
	for _, c := range t.certs {
		if c.key.Thumbprint() == kid {
			return c.key, nil
		}
	}
	return nil, ErrCertificate
}

// accepts is the one rule by which a seal made under a certificate at a time
// counts: the file lists exactly this certificate, and the time lies within both
// the file's days and the certificate's own validity. Headers hold whole seconds.
func (c *trusted) accepts(leaf *x509.Certificate, at time.Time) bool {
	at = time.Unix(at.Unix(), 0)
	return c.digest == ident.Sum(leaf.Raw) && ident.DateOf(at).Within(c.from, c.until) &&
		!at.Before(c.cert.NotBefore) && !at.After(c.cert.NotAfter)
}

// certified checks that the header's leaf is a certificate under which a seal
// counts at the time of signing and, on a decision, at its place in the log, and holds
// the key that signed.
func (t *Trust) certified(h jws.Header, index uint64) error {
	chain, err := h.Certificates()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	for _, c := range t.certs {
		if h.Kid != nil && *h.Kid == c.key.Thumbprint() && c.accepts(chain[0], time.Unix(h.Iat, 0)) && (c.before == 0 || index < c.before) {
			return nil
		}
	}
	return ErrCertificate
}

// Certifies checks, as [Verify] will, that what is sealed under a certificate at
// a time can be verified: [ErrCertificate] if not, as for a revoked one. Whoever seals
// asks it first.
func (t *Trust) Certifies(leaf *x509.Certificate, at time.Time) error {
	for _, c := range t.certs {
		if c.before == 0 && c.accepts(leaf, at) {
			return nil
		}
	}
	return ErrCertificate
}

// CertifiedUntil is the last day on which a seal under a certificate can count:
// the earlier of the file's and the certificate's own. It is empty for one that
// is not listed.
func (t *Trust) CertifiedUntil(leaf *x509.Certificate) (last ident.Date) {
	for _, c := range t.certs {
		until := ident.DateOf(c.cert.NotAfter)
		if c.until != "" && c.until.Before(until) {
			until = c.until
		}
		if c.digest == ident.Sum(leaf.Raw) && (last == "" || last.Before(until)) {
			last = until
		}
	}
	return last
}

// LogKey finds the key of a log by its thumbprint: receipts and releases are
// statements under it.
func (t *Trust) LogKey(kid ident.Digest) (*jws.PublicKey, error) { return t.LogKeyAt(kid, 0) }

// LogKeyAt finds it among those that are believed of what was signed when the log had size
// entries: whoever has a key that was replaced by then can sign no more.
func (t *Trust) LogKeyAt(kid ident.Digest, size uint64) (*jws.PublicKey, error) {
	for _, k := range t.Policy.LogKeysAt(size) {
		p, err := jws.NewPublicKey(k.Public())
		if err == nil && p.Thumbprint() == kid {
			return p, nil
		}
	}
	return nil, jws.ErrUnknownKey
}

// Institutions are the keys of the listed certificates.
func (t *Trust) Institutions() []*jws.PublicKey {
	var out []*jws.PublicKey
	for _, c := range t.certs {
		out = append(out, c.key)
	}
	return out
}
