package disclosure

import (
	"errors"
	"fmt"
	"time"

	"encoding/base64"
	"encoding/json"
	"strings"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/statement"
	"sigill/keys/token"
	"sigill/keys/unseal"
)

// open opens the release vectors, leaves bad shares out by name, and combines the
// rest: all that was granted, or nothing.
func (o *opener) open() error {
	ciphertexts, err := o.ciphertexts()
	if err != nil {
		return err
	}
	var shares []*unseal.Share
	var faults []error
	for i, b := range o.ballots {
		if len(b.Granted) == 0 {
			continue
		}
		s, err := o.share(b.Vote, o.Votes[i].Vector)
		if err == nil {
			shares = append(shares, s)
			continue
		}
		m, _ := o.set.Member(b.Group, b.Index) // its vote has been read by its key
		bad := BadShare{Group: b.Group, Index: b.Index, Title: m.Title}
		fault := &unseal.BadShareError{}
		if errors.As(err, &fault) {
			bad.Section = fault.Section.String()
		} else {
			fault = &unseal.BadShareError{Group: b.Group, Index: b.Index, Section: b.Granted[0]}
		}
		o.bad, faults = append(o.bad, bad), append(faults, fault)
	}
	plain, err := unseal.Combine(o.head, ciphertexts, shares, o.granted)
	if err != nil {
		return errors.Join(append([]error{err}, faults...)...)
	}
	for _, sec := range o.granted.List() {
		if err := o.read(sec, plain[sec]); err != nil {
			return fmt.Errorf("%s: %w", sec, err)
		}
	}
	return nil
}

// ciphertexts are those of the granted sections, each once, in order.
func (o *opener) ciphertexts() (map[record.Section][]byte, error) {
	out := map[record.Section][]byte{}
	var list []record.Section
	for _, c := range o.Ciphertexts {
		out[c.Section], list = c.Bytes, append(list, c.Section)
	}
	if sc, err := record.ScopeOf(list); err != nil || sc != o.granted {
		return nil, ErrCiphertexts
	}
	return out, nil
}

// share opens one reviewer's vector. Whatever is wrong with it is that
// reviewer's: the vote, signed, names its digest.
func (o *opener) share(v *opening.Vote, vector []byte) (*unseal.Share, error) {
	r, err := seal.ParseRelease(vector)
	if err != nil {
		return nil, err
	}
	granted, err := record.ScopeOf(v.Granted)
	if err != nil || r.Epoch != o.head.Set.Epoch || r.Group != v.Group || r.Index != v.Index || r.Scope != granted {
		return nil, ErrVote
	}
	return unseal.OpenRelease(o.head, r, o.key, unseal.Request{Digest: o.digest, Recipient: o.request.Recipient, Checkpoint: v.Checkpoint.Root})
}

// read reads an opened section into its place.
func (o *opener) read(sec record.Section, plain []byte) error {
	data, err := record.Unpad(sec, plain)
	if err != nil {
		return err
	}
	if sec == record.SectionEvidence {
		o.sections.Evidence, err = record.ParseEvidence(data)
		return err
	}
	v, err := record.Decode(sec, data)
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case *record.Decider:
		o.sections.Decider = v
	case *record.Presenter:
		o.sections.Presenter = v
	case *record.Participants:
		o.sections.Participants = v
	case *record.DissentAuthor:
		o.sections.DissentAuthor = v
	case *record.BiasDeclaration:
		o.sections.BiasDeclaration = v
	case *record.Assessment:
		o.sections.Assessment = v
	}
	return nil
}

// checkEvidence follows authorship from the decision to the login: the author
// commitment opens to the token's issuer and subject; the token was signed by a
// key that the provider had published, as the log shows; the token is bound to
// the day key, which signed this draft and this author key. Without the section
// EVIDENCE nothing is said of it.
func (o *opener) checkEvidence() error {
	if o.sections.Evidence == nil {
		if len(o.Providers) > 0 {
			return fmt.Errorf("%w: key sets without evidence", ErrEvidence)
		}
		return nil
	}
	it := &o.sections.Evidence.Items[0] // its reader wants exactly one
	u, err := token.Parse(it.Token)
	if err != nil {
		return err
	}
	provider, err := o.trust.Provider(u.Issuer())
	if err != nil {
		return err
	}
	if err := o.checkProviderKey(it, u); err != nil {
		return err
	}
	id, err := token.CheckEvidence(it.Token, []byte(it.Key), provider, within(it))
	if err != nil {
		return err
	}
	if record.AuthorCommitment(record.Nonce(it.Nonce), id.Issuer, id.Subject) != o.verdict.Decision.Author {
		return fmt.Errorf("%w: the author commitment does not open to the login", ErrEvidence)
	}
	auth := int64(0)
	if !id.AuthTime.IsZero() {
		auth = id.AuthTime.Unix()
	}
	if o.verdict.Decision.Date.Before(it.Received) || it.ACR != id.ACR || it.AuthTime != auth {
		return fmt.Errorf("%w: time or level of the login", ErrEvidence)
	}
	if err := o.checkDayKey(it, id.JKT); err != nil {
		return err
	}
	o.evidence = Evidence{ACR: id.ACR, AuthTime: auth, Disclosed: true, HSAID: id.HSAID, Issuer: id.Issuer, Label: it.Label, Name: id.Name,
		Provider: it.Provider, Received: it.Received, Subject: id.Subject, UserID: id.UserID}
	return nil
}

// checkDayKey: a bound token needs its day key's word; an unbound one has none.
func (o *opener) checkDayKey(it *record.EvidenceItem, jkt *ident.Digest) error {
	if (it.Label == record.LabelDPoP) != (jkt != nil) {
		return fmt.Errorf("%w: the label is not the token's", ErrEvidence)
	}
	if jkt == nil {
		return nil
	}
	day, err := it.DayKey.Public()
	if err != nil {
		return err
	}
	var a statement.Authorship
	if _, err := jws.Read(it.Authorship, day, &a); err != nil {
		return err
	}
	if day.Thumbprint() != *jkt || a.Authority != o.trust.Authority || a.Draft != o.verdict.DraftDigest() ||
		a.AuthorKey != o.verdict.AuthorKey.Thumbprint() {
		return fmt.Errorf("%w: the day key has not signed this draft", ErrEvidence)
	}
	return nil
}

// checkProviderKey: the JWK stands in the issuer's key set that was logged, before
// the decision, at the index that the evidence names. Every key set of the package
// is checked, also those that nothing cites.
func (o *opener) checkProviderKey(it *record.EvidenceItem, u *token.Unverified) error {
	found := false
	last := int64(-1)
	for _, e := range o.Providers {
		var doc order.ProviderKeys
		if _, _, err := jws.ReadBy(e.Keys, o.trust.LogKey, &doc); err != nil {
			return err
		}
		payload, err := order.Digest(&doc)
		if err != nil {
			return err
		}
		_, index, err := o.logged(e.Logged, proof.ProviderKeys, payload)
		if err != nil {
			return err
		}
		if doc.Authority != o.trust.Authority || index >= o.verdict.Index || int64(index) <= last {
			return fmt.Errorf("%w: key sets", ErrLogged)
		}
		last = int64(index)
		if last != it.KeysIndex {
			continue
		}
		set, _, err := token.ParseKeySet(doc.Issuer, doc.JWKS)
		if err != nil {
			return err
		}
		key, ok := set.Find(u.KeyID(), u.Algorithm())
		found = ok && doc.Issuer == u.Issuer() && string(key.JWK()) == it.Key && !it.Received.Before(doc.Date)
	}
	if !found {
		return fmt.Errorf("%w: the provider had not published the key", ErrEvidence)
	}
	return nil
}

// within is a moment of the day of receipt at which the token was valid, if there
// is one: the evidence names the day, since the hour would point at a person. The
// times are read without trust here; the token's reader judges them.
func within(it *record.EvidenceItem) time.Time {
	var claims struct {
		Auth int64 `json:"auth_time"`
		Iat  int64 `json:"iat"`
		Nbf  int64 `json:"nbf"`
	}
	at := it.Received.Start()
	if parts := strings.Split(it.Token, "."); len(parts) == 3 {
		if b, err := base64.RawURLEncoding.DecodeString(parts[1]); err != nil || json.Unmarshal(b, &claims) != nil {
			return at
		}
	}
	last := it.Received.AddDays(1).Start().Add(-time.Second)
	for _, t := range []int64{claims.Auth, claims.Iat, claims.Nbf} {
		if from := time.Unix(t, 0); at.Before(from) {
			at = from
		}
	}
	if last.Before(at) {
		return last
	}
	return at
}
