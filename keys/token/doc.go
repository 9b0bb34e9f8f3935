// Package token reads what callers prove themselves with: access tokens of a
// configured identity provider (RFC 9068), DPoP proofs (RFC 9449), and the
// author proofs that stand for the one who wrote a draft.
//
// The server's door: [ParseAuthorization] takes the metadata apart, [Parse]
// reads the token without trusting it, [KeySet.Find] gives the one key,
// [Provider.Check] turns both into an [Identity], and [Authorization.Check]
// holds the caller to the key that the token is bound to. A court uses
// [CheckEvidence], which runs the same reader at the time of receipt. Clients
// use [NewProof] and [NewAuthorProof].
//
// golang-jwt 5.3.1 verifies the signatures and does nothing else: alone it
// accepts unknown crit, any typ, duplicate members (the last wins), misspelt
// names, mixed audiences, far expiries and line feeds in the base64. Here a
// token has one reading. What can not be prevented is that whoever sees an
// ES256 token can make its twin (r, n−s), which is the same token in other
// bytes: so nothing may be keyed on the hash of a token, and nothing here is.
//
// Everything is pure: time comes in as an argument, keys as bytes. What is
// refused gives an error that is [ErrToken], [ErrRole], [ErrKeySet] or
// [ErrConfig] and says which rule, never which value. The formats are in
// proto/SPEC.md, "Tokens"; the tests named after rows J1 to J30 hold the rules,
// TestGolden, TestByteFlip and the fuzz targets the bytes.
package token

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Limits.
const (
	MaxToken    = 8 << 10          // longest access token, in bytes
	MaxProof    = 2 << 10          // longest DPoP or author proof, in bytes
	MaxKeySet   = 64 << 10         // longest JWKS document, in bytes
	MaxLifetime = 24 * time.Hour   // the most that a provider's cap may be
	MaxLeeway   = 60 * time.Second // the most that clocks may be allowed to differ
	Window      = 60 * time.Second // how far a proof's time may lie from ours, either way
)

// What callers of this package tell apart.
var (
	// ErrToken is every token, proof or authorization that does not hold. To
	// the outside it is one answer with one text.
	ErrToken = errors.New("not a valid token")
	// ErrRole is a valid token with none or with two of our roles.
	ErrRole = errors.New("not exactly one role")
	// ErrKeySet is a JWKS document that cannot be read as a whole.
	ErrKeySet = errors.New("not a key set")
	// ErrConfig is a provider configuration that cannot hold.
	ErrConfig = errors.New("not a usable provider configuration")
	// ErrSeenFull is a replay memory with no room left: nothing is wrong with
	// the caller, who may try again later.
	ErrSeenFull = errors.New("too many proofs in a short time")
)

// A reason is why a token or proof was refused: a constant text for tests and
// counters, which can therefore not hold a value.
type reason string

func (r reason) Error() string { return "not a valid token: " + string(r) }
func (r reason) Unwrap() error { return ErrToken }

// withheld keeps what it is embedded in out of logs and error texts, whatever
// the verb: a caller printed by mistake is an author named.
type withheld struct{}

func (withheld) Format(f fmt.State, _ rune) { fmt.Fprint(f, "(withheld)") }
func (withheld) LogValue() slog.Value       { return slog.StringValue("(withheld)") }
