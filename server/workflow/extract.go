package workflow

import (
	"context"
	"fmt"

	"sigill/keys/ident"
	"sigill/keys/opening"
	"sigill/keys/seal"
	"sigill/server/ledger"
)

// Extract takes one signed decision with its whole seal out of a copy of a
// stopped store, for review without a server ([opening.Extract]). It needs
// neither configuration nor any key but the one that the cipher has. What the
// copy says is for the reader to verify.
func Extract(ctx context.Context, l *ledger.Ledger, cipher Cipher, id ident.ID) ([]byte, error) {
	o := &Office{ledger: l, cipher: cipher}
	if _, err := ident.ParseID(string(id)); err != nil {
		return nil, absent()
	}
	e := &opening.Extract{Typ: opening.TypExtract, Dissents: []string{}, Providers: []opening.ProviderEntry{}}
	var s *sealRow
	var keys []documentRow
	err := l.Read(ctx, func(r ledger.Reader) (err error) {
		if s, err = o.sealOf(r, id); err != nil {
			return err
		}
		for epoch := 1; epoch <= s.head.Set.Epoch; epoch++ {
			var row documentRow
			if err := get(r, roomSet, indexKey(uint64(epoch)), &row); err != nil {
				return err
			}
			e.Sets = append(e.Sets, row.Signatures)
		}
		keys, err = providersBefore(r, s.m.Index)
		return err
	})
	if err != nil {
		return nil, ledgerError(err)
	}
	_, d, err := o.decisionOf(ctx, s.m)
	if err != nil {
		return nil, err
	}
	head := o.headOver(s.decision.HeadSize)
	if e.Bundle, err = o.bundleAt(ctx, s.m, s.decision, d, head); err != nil {
		return nil, err
	}
	parts, err := seal.SplitCiphertexts(s.boxes.Ciphertexts)
	if err != nil {
		return nil, damaged("seal", err)
	}
	for _, p := range parts {
		e.Ciphertexts = append(e.Ciphertexts, p)
	}
	for _, w := range s.boxes.Wrappings {
		e.Wrappings = append(e.Wrappings, w)
	}
	e.Head, e.Dissents = s.decision.Head, append(e.Dissents, s.m.Dissents...)
	for _, k := range keys {
		logged, err := o.entryOf(ctx, loggedRow{Preimage: k.Preimage, Index: k.Index}, head)
		if err != nil {
			return nil, err
		}
		e.Providers = append(e.Providers, opening.ProviderEntry{Keys: k.Signatures[0], Logged: logged})
	}
	b, err := e.Marshal()
	if err == nil && len(b) > opening.MaxPackage {
		err = opening.ErrExtract
	}
	if err != nil {
		return nil, fmt.Errorf("extract: %w", err)
	}
	return b, nil
}
