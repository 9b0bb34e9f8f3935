// Package devidp is an identity provider for development and tests: it signs
// real access tokens (RFC 9068, ES256) for whoever is asked for by name, without
// asking for a password. It answers on loopback only and is never linked into
// sigilld.
//
// Use [Listen] and [New], serve [Provider.Handler], or call [Provider.Issue]
// directly. It serves the OpenID Connect discovery document, /jwks, /token and
// /rotate; the forms are at the handlers. TestServed checks what it gives out
// with golang-jwt over HTTP and with the server's own reader.
package devidp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sigill/keys/ident"
	"sigill/keys/jws"
)

// LOA3 is the acr of the Swedish e-legitimation board's level 3.
const LOA3 = "http://id.elegnamnden.se/loa/1.0/loa3"

// Errors of this package.
var (
	ErrLoopback = errors.New("the development identity provider answers on loopback only")
	ErrConfig   = errors.New("unusable configuration of the development identity provider")
	ErrUser     = errors.New("no such user")
)

// A User is somebody whom the provider speaks for. ID is how requests name the
// user and stands in no token; Subject and at least one role are needed.
type User struct {
	ID       string   `json:"id"`
	Subject  string   `json:"sub"`
	Name     string   `json:"name"`
	Email    string   `json:"email"`
	Phone    string   `json:"phone_number"`
	Username string   `json:"preferred_username"`
	HSAID    string   `json:"employeeHsaId"`
	Roles    []string `json:"roles"`
}

// ParseUsers reads a JSON array of users; an unknown member is refused.
func ParseUsers(r io.Reader) (users []User, err error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&users); err != nil {
		return nil, fmt.Errorf("users: %w", ErrConfig)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("users: more than one array: %w", ErrConfig)
	}
	return users, nil
}

// Config says who the provider is and for whom it speaks.
type Config struct {
	Issuer   string        // http://127.0.0.1:PORT, where Handler is reached
	Audience string        // the aud of every token
	ClientID string        // the client_id of every token
	Lifetime time.Duration // of tokens whose request names none
	Users    []User
}

// A Provider signs tokens. It is safe for concurrent use.
type Provider struct {
	config Config
	host   string
	users  map[string]User
	mu     sync.Mutex
	keys   []key                // the last one signs
	seen   map[string]time.Time // ids of DPoP proofs, and when they may be forgotten
}

type key struct {
	private *ecdsa.PrivateKey
	public  *jws.PublicKey
}

// Listen listens on a TCP address whose host is a loopback address or
// "localhost", and refuses every other with [ErrLoopback].
func Listen(addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("listen address: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, ErrLoopback
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	// localhost is what the machine's hosts file says it is
	if a, ok := l.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		l.Close()
		return nil, ErrLoopback
	}
	return l, nil
}

// New makes a provider with a fresh key.
func New(c Config) (*Provider, error) {
	u, err := url.Parse(c.Issuer)
	if err != nil || u.Scheme != "http" || u.Host == "" || c.Issuer != "http://"+u.Host {
		return nil, fmt.Errorf("issuer: %w", ErrConfig)
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, ErrLoopback
	}
	if c.Audience == "" || c.ClientID == "" || c.Lifetime < time.Second {
		return nil, fmt.Errorf("audience, client id and lifetime are needed: %w", ErrConfig)
	}
	p := &Provider{config: c, host: u.Host, users: map[string]User{}, seen: map[string]time.Time{}}
	subjects := map[string]bool{}
	for i, u := range c.Users {
		if u.ID == "" || u.Subject == "" || len(u.Roles) == 0 || p.users[u.ID].ID != "" || subjects[u.Subject] {
			return nil, fmt.Errorf("user %d lacks id, sub or roles, or has another's: %w", i, ErrConfig)
		}
		p.users[u.ID], subjects[u.Subject] = u, true
	}
	return p, p.Rotate(false)
}

// Issuer is the iss of every token.
func (p *Provider) Issuer() string { return p.config.Issuer }

// Rotate draws a new signing key. With keep the keys before it stay in the key
// set, and their tokens valid; without, they are withdrawn.
func (p *Provider) Rotate(keep bool) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("drawing a key: %w", err)
	}
	public, err := jws.NewPublicKey(private.Public())
	if err != nil {
		return fmt.Errorf("drawing a key: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !keep {
		p.keys = nil
	}
	p.keys = append(p.keys, key{private, public})
	return nil
}

type jwk struct {
	Alg string `json:"alg"`
	Crv string `json:"crv"`
	Kid string `json:"kid"`
	Kty string `json:"kty"`
	Use string `json:"use"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

// JWKS is the key set as /jwks serves it.
func (p *Provider) JWKS() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	set := struct {
		Keys []jwk `json:"keys"`
	}{}
	for _, k := range p.keys {
		j := k.public.JWK()
		set.Keys = append(set.Keys, jwk{jws.ES256, j.Crv, k.public.Thumbprint().String(), j.Kty, "sig", j.X, j.Y})
	}
	b, err := json.Marshal(set)
	if err != nil {
		panic("devidp: a key set that cannot be written") // texts alone: cannot happen
	}
	return b
}

// claims of an access token: RFC 9068 and those of OpenID Connect and Sweden.
type claims struct {
	jwt.RegisteredClaims
	ClientID string        `json:"client_id"`
	AuthTime int64         `json:"auth_time"`
	ACR      string        `json:"acr"`
	Name     string        `json:"name,omitempty"`
	Email    string        `json:"email,omitempty"`
	Phone    string        `json:"phone_number,omitempty"`
	Username string        `json:"preferred_username,omitempty"`
	HSAID    string        `json:"employeeHsaId,omitempty"`
	Roles    []string      `json:"roles"`
	Cnf      *confirmation `json:"cnf,omitempty"`
}

type confirmation struct {
	JKT ident.Digest `json:"jkt"`
}

// Issue signs an access token for the user with that ID, bound to the key with
// thumbprint jkt, or unbound if jkt is nil. A lifetime of zero is the
// configured one; times are whole seconds.
func (p *Provider) Issue(user string, jkt *ident.Digest, lifetime time.Duration) (string, error) {
	u, ok := p.users[user]
	if !ok {
		return "", ErrUser
	}
	if lifetime == 0 {
		lifetime = p.config.Lifetime
	}
	now := time.Now()
	c := claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: p.config.Issuer, Subject: u.Subject, ID: string(ident.NewID()),
			Audience: jwt.ClaimStrings{p.config.Audience},
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(lifetime)),
		},
		ClientID: p.config.ClientID, AuthTime: now.Unix(), ACR: LOA3, Name: u.Name, Email: u.Email,
		Phone: u.Phone, Username: u.Username, HSAID: u.HSAID, Roles: u.Roles,
	}
	if jkt != nil {
		c.Cnf = &confirmation{*jkt}
	}
	p.mu.Lock()
	k := p.keys[len(p.keys)-1]
	p.mu.Unlock()
	t := jwt.NewWithClaims(jwt.SigningMethodES256, c)
	t.Header["typ"], t.Header["kid"] = "at+jwt", k.public.Thumbprint().String()
	s, err := t.SignedString(k.private)
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return s, nil
}
