package token

import (
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sigill/keys/ident"
	"sigill/keys/jws"
)

// Reasons of authorizations and DPoP proofs.
const (
	errAuthorization reason = "not one authorization of a known scheme"
	errBearer        reason = "a bound token as Bearer, or an unbound one as DPoP"
	errProofKey      reason = "a proof by another key than the token is bound to"
	errProofClaims   reason = "a proof for another call"
	errProofTime     reason = "a proof outside its time"
	errProofID       reason = "a proof without a usable jti"
	errReplay        reason = "a proof that was used before"
)

const (
	typProof   = "dpop+jwt"
	maxProofID = 128
)

// An Authorization is what the metadata of a call presents: a token and, for
// the DPoP scheme, the proof that goes with it.
type Authorization struct {
	withheld
	Token string
	Proof string // empty for Bearer
}

// ParseAuthorization takes apart all values of the metadata keys authorization
// and dpop: exactly one `DPoP <token>` with exactly one proof, or exactly one
// `Bearer <token>` with none; the scheme's case does not matter (RFC 9110).
// Errors are [ErrToken].
func ParseAuthorization(authorization, dpop []string) (Authorization, error) {
	if len(authorization) != 1 {
		return Authorization{}, errAuthorization
	}
	scheme, tok, _ := strings.Cut(authorization[0], " ")
	if tok == "" || strings.ContainsAny(tok, " ,\t") {
		return Authorization{}, errAuthorization
	}
	switch {
	case strings.EqualFold(scheme, "DPoP") && len(dpop) == 1 && dpop[0] != "":
		return Authorization{Token: tok, Proof: dpop[0]}, nil
	case strings.EqualFold(scheme, "Bearer") && len(dpop) == 0:
		return Authorization{Token: tok}, nil
	}
	return Authorization{}, errAuthorization
}

// A Proof is what a DPoP proof showed. The zero Proof stands for an unbound
// token.
type Proof struct {
	withheld
	Key *jws.PublicKey // the day key
	ID  string         // its jti, for [Seen]
}

// Check holds the caller to the binding of the token that id was read from: a
// bound token needs a proof by its key, an unbound one has none. What a proof
// cannot say itself is whether it was used before: see [Seen]. Errors are
// [ErrToken].
func (a Authorization) Check(id Identity, htm, htu string, now time.Time) (Proof, error) {
	if (id.JKT != nil) != (a.Proof != "") {
		return Proof{}, errBearer
	}
	if id.JKT == nil {
		return Proof{}, nil
	}
	return CheckProof(a.Proof, a.Token, *id.JKT, htm, htu, now)
}

// proofClaims is the payload of a proof as [NewProof] writes it.
type proofClaims struct {
	Ath ident.Digest `json:"ath"`
	Htm string       `json:"htm"`
	Htu string       `json:"htu"`
	Iat int64        `json:"iat"`
	Jti string       `json:"jti"`
}

// NewProof makes a DPoP proof (RFC 9449) by the day key for one call: htm is
// POST, htu the server's public origin and the full gRPC method path, jti drawn
// for this call alone, at most 128 bytes.
func NewProof(day *jws.Signer, htm, htu, accessToken string, issued time.Time, jti string) (string, error) {
	if day.Public().Algorithm() != jws.ES256 {
		return "", jws.ErrAlgorithm
	}
	if jti == "" || len(jti) > maxProofID {
		return "", errProofID
	}
	return jws.Sign(day, typProof, proofClaims{ident.Sum(accessToken), htm, htu, issued.Unix(), jti}, jws.Embed())
}

// CheckProof verifies a proof of at most [MaxProof] bytes: for this token, by
// the P-256 key whose thumbprint is jkt, for exactly this method and URI, made
// within [Window] of now. Proofs come from clients that others wrote: any strict
// JSON will do, and both twins of an ECDSA signature, which is why a proof is
// remembered by its jti alone. The header holds typ, alg and jwk, the jwk what
// its type requires. Errors are [ErrToken].
func CheckProof(proof, accessToken string, jkt ident.Digest, htm, htu string, now time.Time) (Proof, error) {
	c, err := parseCompact(proof, MaxProof)
	if err != nil {
		return Proof{}, err
	}
	if !only(c.header, "alg", "jwk", "typ") {
		return Proof{}, errHeader
	}
	if typ, _ := text(c.header, "typ"); typ != typProof {
		return Proof{}, errTyp
	}
	if alg, _ := text(c.header, "alg"); alg != jws.ES256 {
		return Proof{}, errAlg
	}
	key, err := proofKey(c.header["jwk"])
	if err != nil {
		return Proof{}, err
	}
	if key.Thumbprint() != jkt {
		return Proof{}, errProofKey
	}
	id, err := checkClaims(c.payload, accessToken, htm, htu, now)
	if err != nil {
		return Proof{}, err
	}
	if jwt.SigningMethodES256.Verify(c.input, c.sig, key.Crypto()) != nil {
		return Proof{}, errSignature
	}
	return Proof{Key: key, ID: id}, nil
}

func proofKey(v any) (*jws.PublicKey, error) {
	o, _ := v.(map[string]any)
	if !only(o, "crv", "kty", "x", "y") {
		return nil, errProofKey
	}
	var j jws.JWK
	j.Crv, _ = text(o, "crv")
	j.Kty, _ = text(o, "kty")
	j.X, _ = text(o, "x")
	j.Y, _ = text(o, "y")
	key, err := j.Public()
	if err != nil || key.Algorithm() != jws.ES256 {
		return nil, errProofKey
	}
	return key, nil
}

var knownProof = folded("ath", "htm", "htu", "iat", "jti")

func checkClaims(claims map[string]any, accessToken, htm, htu string, now time.Time) (string, error) {
	if err := exactly(claims, knownProof); err != nil {
		return "", err
	}
	m, _ := text(claims, "htm")
	u, _ := text(claims, "htu")
	ath, _ := text(claims, "ath")
	if m != htm || u != htu || ath != ident.Sum(accessToken).String() {
		return "", errProofClaims
	}
	iat, err := seconds(claims, "iat", true)
	if err != nil {
		return "", err
	}
	if !near(iat, now) {
		return "", errProofTime
	}
	jti, _ := text(claims, "jti")
	if jti == "" || len(jti) > maxProofID {
		return "", errProofID
	}
	return jti, nil
}

// near: t lies within [Window] of now.
func near(t int64, now time.Time) bool {
	d := now.Unix() - t
	return -int64(Window/time.Second) <= d && d <= int64(Window/time.Second)
}

// A Seen remembers the proofs of the last minutes, so that none is used twice.
// What it keeps is a digest of day key and jti, in memory, for two to four
// times [Window]: a proof made ahead of our clock stays good for two. It is
// safe for concurrent use. A restart forgets; request ids make what is then
// repeated harmless.
type Seen struct {
	mu          sync.Mutex
	max         int
	since       time.Time
	young, aged map[ident.Digest]struct{}
}

// NewSeen remembers at most max proofs in each two minutes. It refuses more
// rather than forgetting: only callers with a valid token and proof get here.
func NewSeen(max int) *Seen {
	return &Seen{max: max, young: map[ident.Digest]struct{}{}}
}

// Use marks a proof as used. Errors: [ErrToken] if it was already, [ErrSeenFull]
// if there is no room. The zero Proof passes.
func (s *Seen) Use(p Proof, now time.Time) error {
	if p.Key == nil {
		return nil
	}
	jkt := p.Key.Thumbprint()
	d := ident.Sum(jkt[:], []byte(p.ID))
	s.mu.Lock()
	defer s.mu.Unlock()
	// Two windows and a second: ages are compared in whole seconds.
	if now.Sub(s.since) > 2*Window+time.Second {
		s.aged, s.young, s.since = s.young, map[ident.Digest]struct{}{}, now
	}
	if _, used := s.young[d]; used {
		return errReplay
	}
	if _, used := s.aged[d]; used {
		return errReplay
	}
	if len(s.young) >= s.max {
		return ErrSeenFull
	}
	s.young[d] = struct{}{}
	return nil
}
