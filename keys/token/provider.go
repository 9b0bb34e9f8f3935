package token

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"sigill/keys/jws"
)

// A Path leads to a claim: one member name for each level, so that a name may
// hold dots and slashes, as in ["https://id.oidc.se/claim/orgAffiliation"] or
// ["resource_access", "sigill", "roles"]. An empty path is a claim that the
// provider does not send.
type Path []string

// Config says how one identity provider's tokens are read.
type Config struct {
	Issuer   string        // the exact iss
	Audience string        // our exact aud
	Label    string        // what the provider is called in the evidence
	Lifetime time.Duration // the longest exp − iat; more than 0, at most [MaxLifetime]
	Leeway   time.Duration // how far clocks may differ; 0 to [MaxLeeway]

	Name   Path // the person's name as the record will state it
	UserID Path
	Email  Path
	Phone  Path
	HSAID  Path

	// RolePath leads to a text or a list of texts, Roles from such a text to
	// the role that it gives; texts are compared byte for byte. Both are empty
	// where roles do not matter, as for a court.
	RolePath Path
	Roles    map[string]Role

	// AllowPersonalNumber accepts tokens that carry a personal number. Without
	// it they are refused, since the token is kept in the sealed evidence.
	AllowPersonalNumber bool
}

// A Provider is a checked [Config]. It is immutable and may be shared.
type Provider struct {
	config Config
	known  map[string]string // folded names of the claims that are read
}

const (
	maxName = 255 // bytes of an issuer, audience, subject, key id and the like
	maxPath = 4
)

// standard are the claims that are always read, besides those of the paths.
var standard = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "auth_time", "acr", "cnf", "act"}

// NewProvider checks and copies a configuration. Errors are [ErrConfig].
func NewProvider(c Config) (*Provider, error) {
	bad := func(what string) (*Provider, error) { return nil, fmt.Errorf("%w: %s", ErrConfig, what) }
	if !plain(c.Issuer) || !plain(c.Audience) || !plain(c.Label) {
		return bad("issuer, audience and label are 1 to 255 bytes of text")
	}
	if c.Lifetime <= 0 || c.Lifetime > MaxLifetime || c.Lifetime%time.Second != 0 {
		return bad("the lifetime is whole seconds, more than 0 and at most a day")
	}
	if c.Leeway < 0 || c.Leeway > MaxLeeway || c.Leeway%time.Second != 0 {
		return bad("the leeway is whole seconds, 0 to 60")
	}
	if (len(c.Roles) == 0) != (len(c.RolePath) == 0) {
		return bad("roles need a path, and a path needs roles")
	}
	names := slices.Clone(standard)
	for _, p := range []*Path{&c.Name, &c.UserID, &c.Email, &c.Phone, &c.HSAID, &c.RolePath} {
		if len(*p) > maxPath || slices.Contains(*p, "") {
			return bad("a path has at most four names, none of them empty")
		}
		if len(*p) > 0 {
			names = append(names, (*p)[0])
		}
		*p = slices.Clone(*p)
	}
	for value, role := range c.Roles {
		if _, err := ParseRole(string(role)); err != nil || value == "" {
			return bad("a role that does not exist")
		}
	}
	c.Roles = maps.Clone(c.Roles)
	known := folded(names...)
	for _, n := range names {
		if known[fold(n)] != n {
			return bad("two claim names differ in case alone")
		}
	}
	return &Provider{c, known}, nil
}

// Issuer is the issuer whose tokens this provider's are.
func (p *Provider) Issuer() string { return p.config.Issuer }

// Label is what the provider is called in the evidence.
func (p *Provider) Label() string { return p.config.Label }

// at follows a path, and refuses a name on the way that stands there in other
// letters. A claim that is not there gives nil.
func (path Path) at(claims map[string]any) (any, error) {
	var v any = claims
	for i, name := range path {
		o, ok := v.(map[string]any)
		if !ok {
			return nil, errClaim
		}
		if i > 0 && exactly(o, folded(name)) != nil { // the first was looked at with the claims
			return nil, errCase
		}
		if v, ok = o[name]; !ok {
			return nil, nil
		}
		if v == nil {
			return nil, errClaim // null is not absent
		}
	}
	return v, nil
}

// text is the text at the end of a path, empty where there is none.
func (path Path) text(claims map[string]any) (string, error) {
	if len(path) == 0 {
		return "", nil
	}
	v, err := path.at(claims)
	if err != nil || v == nil {
		return "", err
	}
	s, ok := v.(string)
	if !ok || s != "" && !plain(s) {
		return "", errClaim
	}
	return s, nil
}

// role is the one role that the claims give, or [ErrRole]. It comes from whole,
// equal texts: no case folding, no trimming, no splitting at spaces.
func (p *Provider) role(claims map[string]any) (Role, error) {
	if len(p.config.RolePath) == 0 {
		return "", ErrRole
	}
	var list []any
	switch v, _ := p.config.RolePath.at(claims); v := v.(type) {
	case string:
		list = []any{v}
	case []any:
		list = v
	}
	var role Role
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			return "", ErrRole
		}
		r, ours := p.config.Roles[s]
		if !ours {
			continue
		}
		if role != "" && role != r {
			return "", ErrRole
		}
		role = r
	}
	if role == "" {
		return "", ErrRole
	}
	return role, nil
}

// plain is a text of 1 to 255 bytes that may stand in a signed statement.
func plain(s string) bool { return s != "" && len(s) <= maxName && jws.CheckText(s) == nil }
