package client

import (
	"context"
	"fmt"

	"sigill/keys/bundle"
	sigillv1 "sigill/proto/sigill/v1"
)

// ErrActed says that the server took an act and gave for it what does not prove that
// it stands in the log.
var ErrActed = fmt.Errorf("%w: the act is not shown to be logged", ErrVerification)

// acted checks what the server gave for an act that it took, and hands it on. The
// log's witnesses have not seen it yet, as a rule: [Session.Prove] does the rest.
func (s *Session) acted(compact string, l *sigillv1.Logged) error {
	a := &bundle.Act{Preimage: l.GetPreimage(), Proof: bundle.SplitLines(l.GetProof()), Statement: compact, Tag: l.GetTag(), Typ: bundle.TypAct}
	if len(a.Tag) != 16 {
		return ErrActed
	}
	if _, err := a.VerifySigned(s.Trust); err != nil {
		return fmt.Errorf("%w: %w", ErrActed, err)
	}
	if s.Acted == nil {
		return nil
	}
	return s.Acted(a)
}

// Prove gives an act the proof under the newest published checkpoint, for which no
// login is needed. Before the witnesses have seen the entry it is NOT_FOUND, or
// proof.ErrUnwitnessed.
func (s *Session) Prove(ctx context.Context, a *bundle.Act) (*bundle.LoggedAct, error) {
	v, err := a.VerifySigned(s.Trust)
	if err != nil {
		return nil, err
	}
	r, err := s.verification().GetProof(ctx, &sigillv1.GetProofRequest{Digest: v.Log.Digest[:]})
	if err != nil {
		return nil, err
	}
	proven := *a
	proven.Proof = bundle.SplitLines(r.GetProof())
	if v, err = proven.Verify(s.Trust); err != nil {
		return nil, unverified(err)
	}
	*a = proven
	return v, nil
}
