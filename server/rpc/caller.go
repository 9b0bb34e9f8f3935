package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/metadata"

	"sigill/keys/record"
	"sigill/keys/token"
	"sigill/server/access"
	"sigill/server/workflow"
)

// maxSeen is how many proofs are remembered in each two minutes, at 32 bytes.
const maxSeen = 1 << 18

// A door finds out who calls. What it learns lives as long as the call.
type door struct {
	origin string
	issuer map[string]*source
	seen   *token.Seen
}

func newDoor(c Config) (*door, error) {
	d := &door{origin: c.Origin, issuer: map[string]*source{}, seen: token.NewSeen(maxSeen)}
	for _, p := range c.Providers {
		if d.issuer[p.Token.Issuer()] != nil {
			return nil, fmt.Errorf("%w: an issuer is configured twice", ErrConfig)
		}
		s, err := newSource(p, c.Office, c.Log)
		if err != nil {
			return nil, err
		}
		d.issuer[p.Token.Issuer()] = s
	}
	return d, nil
}

// caller authenticates a call. Whatever is wrong with token or proof is one
// answer; a token with none or two of our roles gives a caller without a role,
// whom nothing admits and the trail names.
func (d *door) caller(ctx context.Context, method string) (*workflow.Caller, error) {
	c := &workflow.Caller{Method: method, Received: time.Now()}
	if access.Public(method) {
		return c, nil
	}
	auth, err := token.ParseAuthorization(metadata.ValueFromIncomingContext(ctx, mdAuthorization), metadata.ValueFromIncomingContext(ctx, mdProof))
	if err != nil {
		return nil, errToken
	}
	if proof := metadata.ValueFromIncomingContext(ctx, mdAuthorProof); len(proof) == 1 {
		c.Proof = proof[0] // an author's, or a reviewer's for a share; package workflow checks it
	}
	return c, d.identify(ctx, c, auth)
}

// identify verifies token and proof, the cheap checks before the costly ones.
func (d *door) identify(ctx context.Context, c *workflow.Caller, auth token.Authorization) error {
	read, err := token.Parse(auth.Token)
	if err != nil {
		return errToken
	}
	src := d.issuer[read.Issuer()]
	if src == nil {
		return errToken
	}
	key, index, err := src.find(ctx, read.KeyID(), read.Algorithm(), c.Received)
	if err != nil {
		return err
	}
	// The call is received now that its keys are there. They may have been fetched
	// for it, over midnight, and a court believes none that are dated after the receipt.
	c.Received = time.Now()
	id, err := src.provider.Check(read, key, c.Received)
	if err != nil && !errors.Is(err, token.ErrRole) {
		return errToken
	}
	proof, err := auth.Check(id, "POST", d.origin+c.Method, c.Received)
	if err != nil {
		return errToken
	}
	switch err := d.seen.Use(proof, c.Received); {
	case errors.Is(err, token.ErrSeenFull):
		return &workflow.Refusal{Kind: workflow.ErrUnavailable, Reason: workflow.ReasonTooMany}
	case err != nil:
		return errToken
	}
	c.Role, c.Identity, c.Token = id.Role, id, auth.Token
	c.Key, c.KeysIndex, c.Provider, c.DayKey = key.JWK(), index, src.provider.Label(), proof.Key
	return nil
}

// authorNonce reads what every call of an author carries beside the token: the
// nonce that opens the matter's author commitment.
func authorNonce(ctx context.Context, c *workflow.Caller) error {
	nonce := metadata.ValueFromIncomingContext(ctx, mdAuthorNonce)
	if len(nonce) != 1 || len(nonce[0]) != len(record.Nonce{}) {
		return &malformed{fields: []string{mdAuthorNonce}}
	}
	n := record.Nonce([]byte(nonce[0]))
	c.Nonce = &n
	return nil
}

// keyProof reads the proof of a key that reads carry: an author's, or that of a
// reviewer who is not known by key yet. Package workflow checks it.
func keyProof(ctx context.Context, c *workflow.Caller) error {
	proof := metadata.ValueFromIncomingContext(ctx, mdAuthorProof)
	if len(proof) > 1 {
		return &malformed{fields: []string{mdAuthorProof}}
	}
	c.Proof = strings.Join(proof, "")
	return nil
}
