package client

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/keyfile"
	"sigill/keys/order"
	"sigill/keys/proof"
)

// ReadDocument reads the text of a document of authority, in YAML with the
// members of the document (proto/SPEC.md, "Documents of authority") and with
// "document": delegation-order, reviewer-set or requester. Where a key stands,
// "key" or "hpke" may be the path of a key file, relative to the text, beside
// which the public half lies. It signs nothing.
func ReadDocument(path string) (order.Document, error) {
	data, err := ReadFile(path, maxText)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", order.ErrDocument, keyfile.Pathless(err))
	}
	tree, err := readTree(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", order.ErrDocument, err)
	}
	top, ok := tree.(map[string]any)
	if !ok {
		return nil, order.ErrDocument
	}
	var doc order.Document
	uses := map[string]keyfile.Use{"hpke": keyfile.ReviewerHPKE}
	switch top["document"] {
	case "delegation-order":
		doc, uses["key"] = &order.Delegation{}, keyfile.Director
	case "reviewer-set":
		doc, uses["key"] = &order.ReviewerSet{}, keyfile.ReviewerSign
	case "requester":
		doc, uses["key"] = &order.Requester{}, keyfile.Requester
	default:
		return nil, fmt.Errorf("%w: document is delegation-order, reviewer-set or requester", order.ErrDocument)
	}
	delete(top, "document")
	if err := fillKeys(filepath.Dir(path), uses, top); err != nil {
		return nil, fmt.Errorf("%w: %w", order.ErrDocument, err)
	}
	if err := decodeTree(top, doc); err != nil {
		return nil, fmt.Errorf("%w: %w", order.ErrDocument, err)
	}
	if err := doc.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", order.ErrDocument, err)
	}
	return doc, nil
}

// readTree reads YAML into what JSON knows. Dates stay texts.
func readTree(data []byte) (any, error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var n yaml.Node
	if err := d.Decode(&n); err != nil {
		return nil, errors.New("not YAML")
	}
	if err := d.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one document")
	}
	return plainNode(&n)
}

func plainNode(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.DocumentNode:
		return plainNode(n.Content[0])
	case yaml.SequenceNode:
		out := []any{}
		for _, c := range n.Content {
			v, err := plainNode(c)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			k := n.Content[i]
			if _, twice := out[k.Value]; twice || k.Kind != yaml.ScalarNode {
				return nil, fmt.Errorf("line %d: a key that stands twice, or is none", k.Line)
			}
			v, err := plainNode(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			out[k.Value] = v
		}
		return out, nil
	case yaml.ScalarNode:
		switch n.ShortTag() {
		case "!!int":
			return json.Number(n.Value), nil
		case "!!bool":
			return n.Value == "true", nil
		case "!!str", "!!timestamp", "!!float":
			return n.Value, nil
		}
	}
	return nil, fmt.Errorf("line %d: neither a text, a number, true or false, a list nor a map", n.Line)
}

// fillKeys puts public halves where key files are named, if they are for that use.
func fillKeys(dir string, uses map[string]keyfile.Use, tree any) error {
	switch tree := tree.(type) {
	case []any:
		for _, v := range tree {
			if err := fillKeys(dir, uses, v); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, v := range tree {
			file, isText := v.(string)
			if use, known := uses[name]; isText && known {
				p, err := publicHalf(dir, file, use)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				if tree[name] = any(p.HPKE); name == "key" {
					tree[name] = p.Key
				}
				continue
			}
			if err := fillKeys(dir, uses, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func publicHalf(dir, file string, use keyfile.Use) (keyfile.Public, error) {
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	p, err := keyfile.LoadPublic(strings.TrimSuffix(file, ".pub.json"))
	if err == nil && p.Use != use {
		err = keyfile.ErrUse
	}
	return p, err
}

func decodeTree(tree, v any) error {
	b, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		if f := (*json.UnmarshalTypeError)(nil); errors.As(err, &f) {
			return fmt.Errorf("%s: a value of another kind", f.Field)
		}
		return err
	}
	return nil
}

// trustText is the text that a trust file is made from.
type trustText struct {
	Authority    ident.Authority   `json:"authority"`
	Name         string            `json:"name"`
	Board        boardText         `json:"board"`
	Certificates []certificateText `json:"certificates"`
	Log          string            `json:"log"`
	Policy       []string          `json:"policy"`
	Providers    []bundle.Provider `json:"providers"`
}

type boardText struct {
	Keys []string `json:"keys"`
	Need int      `json:"need"`
}

type certificateText struct {
	File  string     `json:"file"`
	From  ident.Date `json:"from"`
	Until ident.Date `json:"until"`
}

// ReadTrustText makes a trust file from a text in YAML: the board's keys and the
// log's as paths of key files, certificates as PEM files, all relative to the
// text. Without "policy" (lines of a C2SP tlog-policy) the log of "log" is
// believed without witnesses.
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
	f := &bundle.TrustFile{Authority: t.Authority, Name: t.Name, Policy: t.Policy, Providers: t.Providers, Typ: bundle.TypTrust,
		Board: bundle.BoardKeys{Keys: []jws.JWK{}, Need: t.Board.Need}, Certificates: []bundle.TrustCertificate{}}
	if f.Providers == nil {
		f.Providers = []bundle.Provider{}
	}
	for _, k := range t.Board.Keys {
		p, err := publicHalf(dir, k, keyfile.Board)
		if err != nil {
			return nil, fmt.Errorf("board: %w", err)
		}
		f.Board.Keys = append(f.Board.Keys, *p.Key)
	}
	for _, c := range t.Certificates {
		file := c.File
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		b, err := ReadFile(file, maxText)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", keyfile.Pathless(err))
		}
		block, _ := pem.Decode(b)
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, errors.New("certificate: not PEM")
		}
		f.Certificates = append(f.Certificates, bundle.TrustCertificate{Certificate: block.Bytes, From: c.From, Until: c.Until})
	}
	if t.Log == "" || len(f.Policy) > 0 {
		return f, nil
	}
	policy, err := logPolicy(dir, t.Log, t.Authority)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	f.Policy = bundle.SplitLines(string(policy))
	return f, nil
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
