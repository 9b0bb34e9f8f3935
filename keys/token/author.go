package token

import (
	"encoding/base64"
	"time"

	"sigill/keys/ident"
	"sigill/keys/jws"
)

const typAuthorProof = "sigill-author-proof+jws"

const errAuthorProof reason = "an author proof for another call"

// An AuthorRead is what an author proof is good for: one call that reads one
// decision's matter.
type AuthorRead struct {
	Authority ident.Authority
	Decision  ident.ID
	Method    string   // the full gRPC path, as /sigill.v1.DraftingService/GetDraft
	Request   [16]byte // the request id of the call
}

// authorProof is the payload, in the order of RFC 8785.
type authorProof struct {
	Authority ident.Authority `json:"authority"`
	Decision  ident.ID        `json:"decision"`
	Issued    int64           `json:"issued"`
	Method    string          `json:"method"`
	Request   string          `json:"request"`
}

func (r AuthorRead) payload(issued int64) authorProof {
	return authorProof{r.Authority, r.Decision, issued, r.Method, base64.RawURLEncoding.EncodeToString(r.Request[:])}
}

// NewAuthorProof signs r with the decision's one-time author key, an Ed25519
// key, whose thumbprint is the header's kid.
func NewAuthorProof(author *jws.Signer, r AuthorRead, issued time.Time) (string, error) {
	return jws.Sign(author, typAuthorProof, r.payload(issued.Unix()))
}

// CheckAuthorProof verifies a proof of at most [MaxProof] bytes by the author
// key of the decision that want names: for exactly this call, made within
// [Window] of now. It shows who holds the author key, which alone does not make
// the caller the author. Errors are [ErrToken].
func CheckAuthorProof(proof string, author *jws.PublicKey, want AuthorRead, now time.Time) error {
	if len(proof) > MaxProof {
		return errSize
	}
	var p authorProof
	if _, err := jws.Verify(proof, typAuthorProof, author, &p); err != nil {
		return errSignature
	}
	if p != want.payload(p.Issued) {
		return errAuthorProof
	}
	if !near(p.Issued, now) {
		return errProofTime
	}
	return nil
}
