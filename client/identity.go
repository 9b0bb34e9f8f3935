package client

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/token"
)

// ErrToken says that a text is no access token of a provider that the trust file
// lists.
var ErrToken = errors.New("not an access token of an identity provider that the trust file lists")

// ReadIdentity reads what a token says of its own bearer, by the claims that the
// trust file names for its provider (e-mail and phone by their OpenID Connect
// names), and the thumbprint of the day key that it is bound to, nil for an
// unbound one. It verifies nothing: the token is the caller's own.
func ReadIdentity(access string, trust *bundle.Trust) (Identity, *ident.Digest, error) {
	u, err := token.Parse(access)
	if err != nil {
		return Identity{}, nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	var claims map[string]any
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(access, ".")[1])
	if err != nil || json.Unmarshal(b, &claims) != nil {
		return Identity{}, nil, ErrToken
	}
	for _, p := range trust.File.Providers {
		if p.Issuer != u.Issuer() {
			continue
		}
		me := Identity{Issuer: p.Issuer, Subject: text(claims, "sub"), Name: text(claims, p.Name...), UserID: text(claims, p.UserID...),
			HSAID: text(claims, p.HSAID...), Email: text(claims, "email"), Phone: text(claims, "phone_number"), ACR: text(claims, "acr"), Token: access}
		if at, ok := claims["auth_time"].(float64); ok {
			me.AuthTime = int64(at)
		}
		jkt := text(claims, "cnf", "jkt")
		if jkt == "" {
			return me, nil, nil
		}
		d, err := ident.ParseDigest(jkt)
		if err != nil {
			return Identity{}, nil, ErrToken
		}
		return me, &d, nil
	}
	return Identity{}, nil, ErrToken
}

// TokenTimes reads from when to when a token says that it counts; zero where it does
// not say.
func TokenTimes(access string) (issued, expires time.Time) {
	var claims struct{ Iat, Exp int64 }
	if parts := strings.Split(access, "."); len(parts) == 3 {
		if b, err := base64.RawURLEncoding.DecodeString(parts[1]); err != nil || json.Unmarshal(b, &claims) != nil {
			return
		}
	}
	if claims.Iat > 0 {
		issued = time.Unix(claims.Iat, 0)
	}
	if claims.Exp > 0 {
		expires = time.Unix(claims.Exp, 0)
	}
	return issued, expires
}

// text is the claim at a path, or "".
func text(claims map[string]any, path ...string) string {
	if len(path) == 0 {
		return ""
	}
	for _, name := range path[:len(path)-1] {
		claims, _ = claims[name].(map[string]any)
	}
	s, _ := claims[path[len(path)-1]].(string)
	return s
}
