package client

import (
	"context"
	"fmt"
	"slices"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/statement"
	sigillv1 "sigill/proto/sigill/v1"
)

// Delegation fetches the delegation order in force and verifies the board's
// signatures.
func (s *Session) Delegation(ctx context.Context) (*order.Delegation, order.Version, error) {
	return s.delegation(ctx, 0)
}

func (s *Session) delegation(ctx context.Context, version int) (*order.Delegation, order.Version, error) {
	r, err := s.verification().GetDelegationOrder(ctx, &sigillv1.GetDelegationOrderRequest{Version: uint32(version)})
	if err != nil {
		return nil, order.Version{}, err
	}
	d := &order.Delegation{}
	digest, err := s.Trust.Board.Read(r.GetOrder().GetSignatures(), d)
	if err != nil {
		return nil, order.Version{}, unverified(fmt.Errorf("delegation order: %w", err))
	}
	if d.Authority != s.Trust.Authority || version > 0 && d.Version != version {
		return nil, order.Version{}, unverified(fmt.Errorf("delegation order: %w", ErrForeign))
	}
	return d, order.Version{Digest: digest, Version: d.Version}, nil
}

// officers finds the keys of signers and registrars, of the order given and then
// of those before it: who has left may have sent a draft back.
func (s *Session) officers(ctx context.Context, d *order.Delegation) statement.Keys {
	orders := []*order.Delegation{d}
	return func(kid ident.Digest) (*jws.PublicKey, error) {
		for i := 0; ; i++ {
			if i == len(orders) {
				last := orders[i-1]
				if last.Version == 1 {
					return nil, jws.ErrUnknownKey
				}
				before, _, err := s.delegation(ctx, last.Version-1)
				if err != nil {
					return nil, err
				}
				orders = append(orders, before)
			}
			for _, o := range slices.Concat(orders[i].Signers, orders[i].Registrars) {
				if k, err := o.Key.Public(); err == nil && k.Thumbprint() == kid {
					return k, nil
				}
			}
		}
	}
}

// ErrForeign says that a document is another authority's.
var ErrForeign = fmt.Errorf("another authority's document")

// ReviewerSet fetches the reviewer set of an epoch, or with 0 the one in force,
// and verifies it from the board's first set on, each by the one before.
func (s *Session) ReviewerSet(ctx context.Context, epoch int) (*order.ReviewerSet, order.Epoch, error) {
	if epoch == 0 {
		r, err := s.verification().GetReviewerSet(ctx, &sigillv1.GetReviewerSetRequest{})
		if err != nil {
			return nil, order.Epoch{}, err
		}
		var newest order.ReviewerSet
		if len(r.GetSet().GetSignatures()) == 0 {
			return nil, order.Epoch{}, unverified(fmt.Errorf("reviewer set: %w", order.ErrSignatures))
		}
		if err := jws.Peek(r.GetSet().GetSignatures()[0], &newest); err != nil {
			return nil, order.Epoch{}, unverified(fmt.Errorf("reviewer set: %w", err))
		}
		epoch = newest.Epoch
	}
	var set *order.ReviewerSet
	var digest ident.Digest
	for e := 1; e <= epoch; e++ {
		r, err := s.verification().GetReviewerSet(ctx, &sigillv1.GetReviewerSetRequest{Epoch: uint32(e)})
		if err != nil {
			return nil, order.Epoch{}, err
		}
		next := &order.ReviewerSet{}
		if set == nil {
			digest, err = s.Trust.Board.Read(r.GetSet().GetSignatures(), next)
		} else {
			digest, err = set.ReadNext(r.GetSet().GetSignatures(), next)
		}
		if err != nil {
			return nil, order.Epoch{}, unverified(fmt.Errorf("reviewer set: %w", err))
		}
		set = next
	}
	if set == nil || set.Authority != s.Trust.Authority {
		return nil, order.Epoch{}, unverified(fmt.Errorf("reviewer set: %w", ErrForeign))
	}
	return set, order.Epoch{Digest: digest, Epoch: set.Epoch}, nil
}

// Checkpoint fetches the log's published head and verifies it under the trust
// file's policy. With seen it also verifies that the log only grew since: a
// client refuses a log that went back.
func (s *Session) Checkpoint(ctx context.Context, seen *statement.Checkpoint) (statement.Checkpoint, error) {
	req := &sigillv1.GetCheckpointRequest{}
	if seen != nil {
		req.OldSize = uint64(seen.Size)
	}
	r, err := s.verification().GetCheckpoint(ctx, req)
	if err != nil {
		return statement.Checkpoint{}, err
	}
	cp, _, err := s.Trust.Policy.Accept([]byte(r.GetCheckpoint()))
	if err != nil {
		return statement.Checkpoint{}, unverified(err)
	}
	if seen != nil {
		hashes, err := digests(r.GetConsistency())
		if err != nil {
			return statement.Checkpoint{}, unverified(err)
		}
		older := proof.Checkpoint{Origin: s.Trust.Authority, Size: uint64(seen.Size), Root: seen.Root}
		if err := proof.CheckConsistency(older, cp, hashes); err != nil {
			return statement.Checkpoint{}, unverified(err)
		}
	}
	return statement.Checkpoint{Root: cp.Root, Size: int64(cp.Size)}, nil
}

// KnowsLog checks that the server's log is one of the trust file's, whoever has
// witnessed it: what is sent to another is answered with what does not verify.
func (s *Session) KnowsLog(ctx context.Context) error {
	r, err := s.verification().GetCheckpoint(ctx, &sigillv1.GetCheckpointRequest{})
	if err != nil {
		return err
	}
	_, err = proof.OpenCheckpoint([]byte(r.GetCheckpoint()), s.Trust.Policy)
	return unverified(err)
}

func digests(list [][]byte) ([]ident.Digest, error) {
	out := make([]ident.Digest, 0, len(list))
	for _, b := range list {
		d, err := ident.DigestFromBytes(b)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}
