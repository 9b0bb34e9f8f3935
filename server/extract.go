package server

import (
	"context"
	"errors"
	"fmt"

	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/server/gate"
	"sigill/server/ledger"
	"sigill/server/store/bolt"
	"sigill/server/workflow"
)

// Copy is a copy of a stopped store with what opens it: the gate key and nothing
// else, since that is all that an authority may have left.
type Copy struct {
	Store          string // the file
	GateKey        string // a key file (package keyfile)
	PassphraseFile string
}

// Extract takes a signed decision with its whole seal out of the copy, as JSON
// ([opening.Extract] in keys/opening). The copy is not changed.
func (c Copy) Extract(ctx context.Context, decision string) (_ []byte, err error) {
	id, err := ident.ParseID(decision)
	if err != nil {
		return nil, fmt.Errorf("decision: %w", err)
	}
	pass, err := Keys{PassphraseFile: c.PassphraseFile}.passphrase()
	if err != nil {
		return nil, err
	}
	k, err := keyfile.Load(c.GateKey, pass)
	if err != nil {
		return nil, fmt.Errorf("gate key: %w", err)
	}
	seed, err := k.Seed()
	if err != nil || k.Use() != keyfile.Gate {
		return nil, fmt.Errorf("%w: not a gate key", ErrKeys)
	}
	engine, err := bolt.OpenReadOnly(bolt.Config{Path: c.Store, Layout: layout()})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	s, err := gate.Open(ctx, engine, gate.Key(seed))
	if err != nil {
		return nil, err
	}
	l, err := ledger.OpenCopy(ctx, s)
	if err != nil {
		return nil, err
	}
	return workflow.Extract(ctx, l, cipher{s}, id)
}
