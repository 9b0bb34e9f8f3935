package token

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sigill/keys/ident"
)

// Reasons of access tokens.
const (
	errIssuer    reason = "another issuer"
	errAudience  reason = "not for us alone"
	errSubject   reason = "no usable subject"
	errTime      reason = "outside its time"
	errLifetime  reason = "lives longer than allowed"
	errClaim     reason = "a claim is not of the form that is due"
	errBinding   reason = "a binding that is not read here"
	errActor     reason = "made for an actor in the subject's place"
	errKey       reason = "not the key of this token"
	errSignature reason = "the signature does not fit"
	errPersonal  reason = "carries a personal number"
)

// An Unverified is an access token that has been read but proves nothing yet.
// It is immutable.
type Unverified struct {
	withheld
	*compact
	iss, kid, alg string
}

// methods are the algorithms that an access token may be signed with. PS256 is
// left out: RFC 7518 fixes a salt length that golang-jwt does not hold to.
var methods = map[string]jwt.SigningMethod{
	"ES256": jwt.SigningMethodES256,
	"EdDSA": jwt.SigningMethodEdDSA,
	"RS256": jwt.SigningMethodRS256,
}

// Parse reads an access token of at most [MaxToken] bytes: form, header and
// issuer, nothing that needs a key or a clock. The header may hold alg, kid,
// typ, x5t and x5t#S256 and nothing else, so that crit, b64, jku, jwk, x5u and
// x5c need no rules of their own. Errors are [ErrToken].
func Parse(token string) (*Unverified, error) {
	c, err := parseCompact(token, MaxToken)
	if err != nil {
		return nil, err
	}
	if !only(c.header, "alg", "kid", "typ", "x5t", "x5t#S256") {
		return nil, errHeader
	}
	u := &Unverified{compact: c}
	if u.alg, _ = text(c.header, "alg"); methods[u.alg] == nil {
		return nil, errAlg
	}
	if typ, _ := text(c.header, "typ"); typ != "at+jwt" && typ != "application/at+jwt" {
		return nil, errTyp
	}
	if u.kid, _ = text(c.header, "kid"); !plain(u.kid) {
		return nil, errKid
	}
	if u.iss, _ = text(c.payload, "iss"); !plain(u.iss) {
		return nil, errIssuer
	}
	return u, nil
}

// Issuer is the iss that the token claims: it chooses the provider, no more.
func (u *Unverified) Issuer() string { return u.iss }

// KeyID is the header's kid, for [KeySet.Find].
func (u *Unverified) KeyID() string { return u.kid }

// Algorithm is the header's alg, for [KeySet.Find].
func (u *Unverified) Algorithm() string { return u.alg }

// An Identity is what a verified token says of its subject. Empty texts are
// claims that the token does not have.
type Identity struct {
	withheld
	Issuer  string
	Subject string
	Name    string
	Email   string
	Phone   string
	UserID  string
	HSAID   string
	Role    Role

	AuthTime time.Time // when the person authenticated; zero if not said
	ACR      string    // the level of that authentication
	IssuedAt time.Time
	Expires  time.Time
	TokenID  string

	// JKT is the RFC 7638 thumbprint of the day key that the token is bound
	// to, nil for an unbound one.
	JKT *ident.Digest
}

// Check verifies u by key at now, and reads the caller's identity and role.
// Errors are [ErrToken] with an empty identity, or [ErrRole] with the identity
// of a caller who is known but may do nothing: the trail has to name them.
func (p *Provider) Check(u *Unverified, key *Key, now time.Time) (Identity, error) {
	id, err := p.verify(u, key, now)
	if err != nil {
		return Identity{}, err
	}
	if !p.config.AllowPersonalNumber && p.personal(u.payload) {
		return Identity{}, errPersonal
	}
	id.Role, err = p.role(u.payload)
	return id, err
}

// CheckEvidence verifies, as a court does, the token that lies in a seal: by
// the one JWK beside it, in the form of [Key.JWK], at the time when the server
// received it. It is the reader of the door without what only a door asks: the
// role is not read, and a personal number that the authority chose to accept
// does not make the evidence void. That the JWK was the issuer's own is for the
// caller to establish from the logged provider keys. Errors are [ErrToken].
func CheckEvidence(token string, keyJSON []byte, p *Provider, received time.Time) (Identity, error) {
	u, err := Parse(token)
	if err != nil {
		return Identity{}, err
	}
	key, err := parseKey(p.config.Issuer, keyJSON)
	if err != nil {
		return Identity{}, errKey
	}
	return p.verify(u, key, received)
}

// verify holds everything that makes a token valid. What costs little comes
// before the signature; nothing leaves before the signature has been found
// right.
func (p *Provider) verify(u *Unverified, key *Key, now time.Time) (Identity, error) {
	if u.iss != p.config.Issuer {
		return Identity{}, errIssuer
	}
	if key == nil || key.issuer != u.iss || key.id != u.kid || key.alg != u.alg {
		return Identity{}, errKey
	}
	id, err := p.read(u.payload, now)
	if err != nil {
		return Identity{}, err
	}
	if methods[key.alg].Verify(u.input, u.sig, key.public) != nil {
		return Identity{}, errSignature
	}
	return id, nil
}

func (p *Provider) read(claims map[string]any, now time.Time) (id Identity, err error) {
	if err := exactly(claims, p.known); err != nil {
		return id, err
	}
	if !p.isAudience(claims["aud"]) {
		return id, errAudience
	}
	if _, delegated := claims["act"]; delegated {
		return id, errActor // RFC 8693: somebody else holds this token
	}
	id.Issuer = p.config.Issuer
	if id.Subject, _ = text(claims, "sub"); !plain(id.Subject) {
		return id, errSubject
	}
	if err := p.times(&id, claims, now); err != nil {
		return id, err
	}
	if id.JKT, err = binding(claims); err != nil {
		return id, err
	}
	for _, m := range []struct {
		path Path
		to   *string
	}{
		{p.config.Name, &id.Name}, {p.config.UserID, &id.UserID}, {p.config.Email, &id.Email},
		{p.config.Phone, &id.Phone}, {p.config.HSAID, &id.HSAID}, {pathACR, &id.ACR}, {pathJTI, &id.TokenID},
	} {
		if *m.to, err = m.path.text(claims); err != nil {
			return id, err
		}
	}
	return id, nil
}

var pathACR, pathJTI = Path{"acr"}, Path{"jti"}

// isAudience: a token for us and for others could be handed on to us by them.
func (p *Provider) isAudience(v any) bool {
	if list, ok := v.([]any); ok && len(list) == 1 {
		v = list[0]
	}
	s, ok := v.(string)
	return ok && s == p.config.Audience
}

func (p *Provider) times(id *Identity, claims map[string]any, now time.Time) error {
	exp, err := seconds(claims, "exp", true)
	if err != nil {
		return err
	}
	iat, err := seconds(claims, "iat", true)
	if err != nil {
		return err
	}
	nbf, err := seconds(claims, "nbf", false)
	if err != nil {
		return err
	}
	auth, err := seconds(claims, "auth_time", false)
	if err != nil {
		return err
	}
	leeway, t := int64(p.config.Leeway/time.Second), now.Unix()
	switch {
	case exp <= iat || exp-iat > int64(p.config.Lifetime/time.Second):
		return errLifetime
	case t >= exp+leeway || t < iat-leeway || t < nbf-leeway || t < auth-leeway:
		return errTime
	}
	id.Expires, id.IssuedAt = time.Unix(exp, 0), time.Unix(iat, 0)
	if auth > 0 {
		id.AuthTime = time.Unix(auth, 0)
	}
	return nil
}

// seconds reads a time: a whole number of seconds since 1970, written as such.
func seconds(o map[string]any, name string, due bool) (int64, error) {
	v, ok := o[name]
	if !ok && !due {
		return 0, nil
	}
	n, ok := v.(json.Number)
	if !ok || len(n) > 12 {
		return 0, errClaim
	}
	t, err := strconv.ParseInt(string(n), 10, 64)
	if err != nil || t <= 0 {
		return 0, errClaim
	}
	return t, nil
}

// binding reads cnf. A token that is bound in a way that is not checked here
// must not pass as unbound.
func binding(claims map[string]any) (*ident.Digest, error) {
	v, ok := claims["cnf"]
	if !ok {
		return nil, nil
	}
	o, _ := v.(map[string]any)
	jkt, ok := text(o, "jkt")
	if !ok || len(o) != 1 {
		return nil, errBinding
	}
	d, err := ident.ParseDigest(jkt)
	if err != nil {
		return nil, errBinding
	}
	return &d, nil
}
