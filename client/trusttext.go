package client

import (
	"bytes"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/keyfile"
	"sigill/keys/order"
	"sigill/keys/proof"
)

// trustText is the text that a trust file is made from.
type trustText struct {
	Authority   ident.Authority   `json:"authority"`
	Name        string            `json:"name"`
	BoardKeys   boardText         `json:"board"`
	Listed      []certificateText `json:"certificates"`
	Log         string            `json:"log"`
	After       *afterText        `json:"after"`
	PolicyLines []string          `json:"policy"`
	Providers   []bundle.Provider `json:"providers"`
}

type boardText struct {
	Keys []string `json:"keys"`
	Need int      `json:"need"`
}

type certificateText struct {
	File         string     `json:"file"`
	From         ident.Date `json:"from"`
	LoggedBefore uint64     `json:"logged_before"`
	Until        ident.Date `json:"until"`
}

// afterText names the trust file that is followed and, if another board or policy is
// believed now, how long the log may have become under the one before; if another board,
// the files of all that the one before has signed, of which one may hold several.
type afterText struct {
	Documents []string `json:"documents"`
	Size      uint64   `json:"size"`
	Trust     string   `json:"trust"`
}

// maxDocuments is the longest file of signed documents that is read, in bytes.
const maxDocuments = 64 << 20

// ReadTrustText makes a trust file from a text in YAML: the board's keys and the
// log's as paths of key files, certificates as PEM files, all relative to the
// text. Without "policy" (lines of a C2SP tlog-policy) the log of "log" is
// believed without witnesses.
//
// With "after" it is the successor of another trust file: it remembers whom that one
// believed, what the text does not say is as it was there, and certificates are added,
// or, if they are there already, ended.
func ReadTrustText(path string) (*bundle.TrustFile, error) {
	data, err := ReadFile(path, maxText)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", bundle.ErrTrust, keyfile.Pathless(err))
	}
	tree, err := readTree(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", bundle.ErrTrust, err)
	}
	var t trustText
	if err := decodeTree(tree, &t); err != nil {
		return nil, fmt.Errorf("%w: %w", bundle.ErrTrust, err)
	}
	f, err := t.file(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", bundle.ErrTrust, err)
	}
	_, err = f.Marshal()
	return f, err
}

func (t *trustText) file(dir string) (*bundle.TrustFile, error) {
	f, before := &bundle.TrustFile{Board: bundle.BoardKeys{Keys: []jws.JWK{}}, Certificates: []bundle.TrustCertificate{}, Providers: []bundle.Provider{}}, (*bundle.Trust)(nil)
	if t.After != nil {
		b, err := readBeside(dir, t.After.Trust, bundle.MaxTrust)
		if err != nil {
			return nil, fmt.Errorf("after: %w", keyfile.Pathless(err))
		}
		if before, err = bundle.ParseTrust(b); err != nil {
			return nil, fmt.Errorf("after: %w", err)
		}
		*f = before.File
		f.Certificates = slices.Clone(f.Certificates)
	}
	f.Typ = bundle.TypTrust
	if t.Authority != "" {
		f.Authority = t.Authority
	}
	if t.Name != "" {
		f.Name = t.Name
	}
	if t.Providers != nil {
		f.Providers = t.Providers
	}
	for _, fill := range []func(dir string, f *bundle.TrustFile) error{t.board, t.certificates, t.policy} {
		if err := fill(dir, f); err != nil {
			return nil, err
		}
	}
	if before == nil {
		return f, nil
	}
	documents, err := t.After.documents(dir, f, before)
	if err != nil {
		return nil, err
	}
	f.After(&before.File, t.After.Size, documents)
	if t.After.Size == 0 && len(f.Earlier) > len(before.File.Earlier) {
		return nil, jws.Field("after.size", jws.ErrMissing)
	}
	return f, nil
}

// documents are those that the board going out signed, if another takes its place. What
// one before it signed is remembered already.
func (t *afterText) documents(dir string, f *bundle.TrustFile, before *bundle.Trust) (list []ident.Digest, err error) {
	if reflect.DeepEqual(f.Board, before.File.Board) {
		return nil, nil
	}
	if t.Documents == nil {
		return nil, fmt.Errorf("%w: another board follows, so name the files of all that this one has signed, as sigilld documents gives it",
			jws.Field("after.documents", jws.ErrMissing))
	}
	for i, file := range t.Documents {
		member := fmt.Sprintf("after.documents[%d]", i)
		b, err := readBeside(dir, file, maxDocuments)
		if err != nil {
			return nil, jws.Field(member, keyfile.Pathless(err))
		}
		for line := range bytes.Lines(b) {
			digest, mine, err := signedBy(before.Board, line)
			if err != nil {
				return nil, jws.Field(member, err)
			}
			if mine && !slices.Contains(list, digest) {
				list = append(list, digest)
			}
		}
	}
	slices.SortFunc(list, ident.Digest.Compare)
	return list, nil
}

// signedBy is the digest of a signed document, and whether it is this board's or that of
// one before it.
func signedBy(board order.Board, file []byte) (digest ident.Digest, now bool, err error) {
	s, err := order.ParseSigned(file)
	if err != nil {
		return digest, false, err
	}
	doc, err := Payload(s)
	if err != nil {
		return digest, false, err
	}
	if digest, err = board.Now().Read(s.Signatures, doc); err == nil {
		return digest, true, nil
	}
	digest, err = board.Read(s.Signatures, doc)
	return digest, false, err
}

func (t *trustText) board(dir string, f *bundle.TrustFile) error {
	if t.BoardKeys.Need != 0 {
		f.Board.Need = t.BoardKeys.Need
	}
	if len(t.BoardKeys.Keys) > 0 {
		f.Board.Keys = nil
	}
	for _, k := range t.BoardKeys.Keys {
		p, err := publicHalf(dir, k, keyfile.Board)
		if err != nil {
			return fmt.Errorf("board: %w", err)
		}
		f.Board.Keys = append(f.Board.Keys, *p.Key)
	}
	return nil
}

func (t *trustText) certificates(dir string, f *bundle.TrustFile) error {
	for _, c := range t.Listed {
		b, err := readBeside(dir, c.File, maxText)
		if err != nil {
			return fmt.Errorf("certificate: %w", keyfile.Pathless(err))
		}
		block, _ := pem.Decode(b)
		if block == nil || block.Type != "CERTIFICATE" {
			return errors.New("certificate: not PEM")
		}
		is := func(o bundle.TrustCertificate) bool { return bytes.Equal(o.Certificate, block.Bytes) }
		i := slices.IndexFunc(f.Certificates, is)
		if i < 0 {
			i = len(f.Certificates)
			f.Certificates = append(f.Certificates, bundle.TrustCertificate{Certificate: block.Bytes})
		}
		if c.From != "" {
			f.Certificates[i].From = c.From
		}
		f.Certificates[i].LoggedBefore, f.Certificates[i].Until = c.LoggedBefore, c.Until
	}
	return nil
}

func (t *trustText) policy(dir string, f *bundle.TrustFile) error {
	if len(t.PolicyLines) > 0 {
		f.Policy = t.PolicyLines
		return nil
	}
	if t.Log == "" {
		return nil
	}
	policy, err := logPolicy(dir, t.Log, f.Authority)
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	f.Policy = bundle.SplitLines(string(policy))
	return nil
}

func logPolicy(dir, file string, authority ident.Authority) ([]byte, error) {
	p, err := publicHalf(dir, file, keyfile.Log)
	if err != nil {
		return nil, err
	}
	pub, err := p.Key.Public()
	if err != nil {
		return nil, err
	}
	raw, ok := pub.Crypto().(ed25519.PublicKey)
	if !ok {
		return nil, keyfile.ErrUse
	}
	key, err := proof.NewLogKey(authority, raw)
	if err != nil {
		return nil, err
	}
	policy, err := proof.UnwitnessedPolicy(key)
	return policy.Marshal(), err
}
