// Package workflow is the law of the house: what a caseworker, a signer, a
// reviewer, a requester and the board may do to a decision, in which state, and
// what each act leaves in the log and in the trail. It knows no protobuf and no
// sockets; server/rpc brings calls in and takes answers out.
//
// [Office] is one authority. Each of its methods is one call of the API: it
// checks what can be checked without the state, then runs one operation of the
// ledger in which the state is checked, changed, logged and trailed together.
// A change is made once for each request id; a refusal is recorded before its
// answer leaves; nothing of a caller's token survives the call but inside the
// seal. Who may call what by role is server/access.
//
// States and log kinds are those of proto/SPEC.md, "States". TestWalk holds the house
// against them in random order, over restarts: with -rapid.checks and -rapid.steps as
// long as one likes.
package workflow

import (
	"context"
	"crypto/hpke"
	"crypto/x509"
	"errors"
	"sync"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/token"
	"sigill/server/ledger"
)

// A Cipher is the encryption at rest, as far as the house needs it: keyed
// digests that only this store can make, and values under a matter's own key,
// bound to their place.
type Cipher interface {
	MAC(label string, data ...[]byte) [32]byte
	SealMatter(key [32]byte, place string, plain []byte) []byte
	OpenMatter(key [32]byte, place string, sealed []byte) ([]byte, error)
}

// An Institution signs decisions: a key, in a file or a device, with its
// certificate chain, leaf first.
type Institution struct {
	Signer *jws.Signer
	Chain  []*x509.Certificate
}

// Config is what an office is made from.
type Config struct {
	Trust       *bundle.Trust // authority, board, certificates, log, providers
	Succession  []string      // the signatures by which the trust file took another's place; none: it did not
	Institution Institution
	Log         *jws.Signer     // the log key, as it signs receipts and releases
	InboxHours  []time.Duration // since midnight, when new drafts are shown; empty: at once
	OwedHour    time.Duration   // since midnight, when owed entries go out
	SmallestSet int             // k: entries in an owed batch, and people who could have drafted
	Drafters    map[string]int  // how many could have drafted a decision type; absent: enough
	MaxOpenings int             // undecided requests of one requester
	Version     string
}

// Office is one authority at work. Its methods may be called concurrently.
type Office struct {
	Config
	ledger *ledger.Ledger
	cipher Cipher

	mu       sync.RWMutex // guards what is in force, as parsed
	inForce  inForce
	watchers watchers
}

// inForce is the documents of authority in force, parsed once: reviewers' keys
// cost more to parse than to seal to.
type inForce struct {
	order       *order.Delegation
	orderDigest ident.Digest
	orderDocs   []string
	set         *order.ReviewerSet
	setDigest   ident.Digest
	setKeys     [][]hpke.PublicKey
}

// New makes an office over a ledger and reads what is in force.
func New(ctx context.Context, c Config, l *ledger.Ledger, cipher Cipher) (*Office, error) {
	o := &Office{Config: c, ledger: l, cipher: cipher}
	return o, l.Read(ctx, func(r ledger.Reader) error {
		if _, _, err := o.succeeds(r); err != nil {
			return err
		}
		return o.loadInForce(r)
	})
}

// A Caller is who calls, for the length of one call. Nothing of it is kept but
// by the rules of the trail and inside the seal.
type Caller struct {
	Method    string     // full gRPC path
	Role      token.Role // "" for a public method
	Identity  token.Identity
	Token     string         // goes into the evidence and nowhere else
	Key       []byte         // the provider's JWK that verified it
	KeysIndex uint64         // log index of that provider's key set
	Provider  string         // the provider's name in the configuration
	DayKey    *jws.PublicKey // of the DPoP proof; nil for an unbound token
	Nonce     *record.Nonce  // author nonce, on author calls
	Proof     string         // author proof, on author reads
	RequestID [16]byte
	Received  time.Time
}

// login is the caller's place in the table of accounts.
func (o *Office) login(c *Caller) [32]byte {
	return o.cipher.MAC("login", []byte(c.Identity.Issuer), []byte(c.Identity.Subject))
}

// isAuthor reports whether the caller's token opens a matter's author
// commitment. Together with the author key it makes the caller the author.
func (c *Caller) isAuthor(commitment ident.Digest) bool {
	return c.Nonce != nil && record.AuthorCommitment(*c.Nonce, c.Identity.Issuer, c.Identity.Subject) == commitment
}

// today is the day on which a call came.
func (c *Caller) today() ident.Date { return ident.DateOf(c.Received) }

// ledgerError maps what the ledger itself says to a refusal; refusals and what
// operations return pass unchanged.
func ledgerError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ledger.ErrFull):
		return &Refusal{Kind: ErrBusy, Reason: ReasonFull, err: err}
	case errors.Is(err, ledger.ErrClock):
		return &Refusal{Kind: ErrUnavailable, Reason: ReasonClock, err: err}
	case errors.Is(err, ledger.ErrBusy), errors.Is(err, ledger.ErrStopped):
		return &Refusal{Kind: ErrUnavailable, Reason: ReasonStopped, err: err}
	case errors.Is(err, ledger.ErrCorrupt):
		return damaged("store", err)
	}
	return err
}
