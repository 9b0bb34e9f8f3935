package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/keys/order"
)

// ReadDocument reads the text of a document of authority, in YAML with the
// members of the document (proto/SPEC.md, "Documents of authority") and with
// "document": delegation-order, reviewer-set, requester or succession. Where a key
// stands, "key" or "hpke" may be the path of a key file, relative to the text, beside
// which the public half lies; in a succession "from" and "trust" are the paths of the
// two trust files, of which the one must follow the other. It signs nothing.
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
	case "succession":
		doc, err = &order.Succession{}, fillSuccession(filepath.Dir(path), top)
	default:
		err = errors.New("document is delegation-order, reviewer-set, requester or succession")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", order.ErrDocument, err)
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

// fillSuccession puts what the two trust files of a succession are where their paths
// stand.
func fillSuccession(dir string, top map[string]any) error {
	texts := map[string][]byte{}
	for _, name := range []string{"from", "trust"} {
		file, isText := top[name].(string)
		if !isText {
			return fmt.Errorf("%s: no path of a trust file", name)
		}
		b, err := readBeside(dir, file, bundle.MaxTrust)
		if err != nil {
			return fmt.Errorf("%s: %w", name, keyfile.Pathless(err))
		}
		texts[name] = b
	}
	from, err := bundle.ParseTrust(texts["from"])
	if err != nil {
		return fmt.Errorf("from: %w", err)
	}
	top["from"], top["trust"] = from.Digest, ident.Bytes(texts["trust"])
	if _, err := from.Follows(&order.Succession{Authority: from.Authority, From: from.Digest, Trust: texts["trust"]}); err != nil {
		return fmt.Errorf("trust: %s", err) // of a text, and nothing that was trusted
	}
	return nil
}

// readBeside reads a file that a text names, relative to the text.
func readBeside(dir, file string, most int64) ([]byte, error) {
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	return ReadFile(file, most)
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
