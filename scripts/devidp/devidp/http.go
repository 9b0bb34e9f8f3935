package devidp

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sigill/keys/ident"
	"sigill/keys/jws"
)

// GrantType is what /token takes: nobody else's provider knows it.
const GrantType = "urn:sigill:dev:user"

const (
	window  = 60 * time.Second // how far a DPoP proof's time may lie from ours
	maxForm = 64 << 10
)

// Handler serves the provider. A request whose Host is not the issuer's is
// refused, so that no web page can reach it under a name of its own.
//
//   - GET /.well-known/openid-configuration
//   - GET /jwks
//   - POST /token with the form fields grant_type ([GrantType]), user (a
//     [User]'s ID) and optionally lifetime (seconds); with a DPoP header the
//     token is bound to the proof's key.
//   - POST /rotate with the optional form field withdraw=true
func (p *Provider) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Write(p.JWKS())
	})
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("POST /rotate", func(w http.ResponseWriter, r *http.Request) {
		if err := p.Rotate(r.FormValue("withdraw") != "true"); err != nil {
			fail(w, http.StatusInternalServerError, "server_error")
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != p.host {
			fail(w, http.StatusMisdirectedRequest, "invalid_request")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		mux.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// fail answers in the form of RFC 6749, 5.2.
func fail(w http.ResponseWriter, status int, code string) {
	answer(w, status, map[string]string{"error": code})
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"issuer":                                p.config.Issuer,
		"jwks_uri":                              p.config.Issuer + "/jwks",
		"token_endpoint":                        p.config.Issuer + "/token",
		"grant_types_supported":                 []string{GrantType},
		"response_types_supported":              []string{"none"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{jws.ES256},
		"dpop_signing_alg_values_supported":     []string{jws.ES256},
		"acr_values_supported":                  []string{LOA3},
	})
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("grant_type") != GrantType {
		fail(w, http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	lifetime := p.config.Lifetime
	if s := r.PostFormValue("lifetime"); s != "" {
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil || n < 1 {
			fail(w, http.StatusBadRequest, "invalid_request")
			return
		}
		lifetime = time.Duration(n) * time.Second
	}
	var jkt *ident.Digest
	kind := "Bearer"
	if proofs := r.Header.Values("DPoP"); len(proofs) > 0 {
		d, err := p.proof(proofs)
		if err != nil {
			fail(w, http.StatusBadRequest, "invalid_dpop_proof")
			return
		}
		jkt, kind = &d, "DPoP"
	}
	t, err := p.Issue(r.PostFormValue("user"), jkt, lifetime)
	switch {
	case errors.Is(err, ErrUser):
		fail(w, http.StatusBadRequest, "invalid_grant")
	case err != nil:
		fail(w, http.StatusInternalServerError, "server_error")
	default:
		answer(w, http.StatusOK, map[string]any{"access_token": t, "token_type": kind, "expires_in": int64(lifetime / time.Second)})
	}
}

var errProof = errors.New("no valid DPoP proof for the token endpoint")

type proofClaims struct {
	jwt.RegisteredClaims
	Htm string `json:"htm"`
	Htu string `json:"htu"`
}

// proof checks the one DPoP proof of a token request (RFC 9449, 4.3) and gives
// the thumbprint of its key.
func (p *Provider) proof(values []string) (jkt ident.Digest, err error) {
	if len(values) != 1 {
		return jkt, errProof
	}
	var c proofClaims
	parser := jwt.NewParser(jwt.WithValidMethods([]string{jws.ES256}), jwt.WithStrictDecoding())
	t, err := parser.ParseWithClaims(values[0], &c, func(t *jwt.Token) (any, error) {
		var j struct {
			jws.JWK
			D string `json:"d"`
		}
		b, err := json.Marshal(t.Header["jwk"])
		if err != nil || json.Unmarshal(b, &j) != nil || j.D != "" {
			return nil, errProof
		}
		key, err := j.Public()
		if err != nil || key.Algorithm() != jws.ES256 {
			return nil, errProof
		}
		jkt = key.Thumbprint()
		return key.Crypto(), nil
	})
	now := time.Now()
	if err != nil || t.Header["typ"] != "dpop+jwt" || c.Htm != http.MethodPost || c.Htu != p.config.Issuer+"/token" ||
		c.ID == "" || c.IssuedAt == nil || now.Sub(c.IssuedAt.Time).Abs() > window {
		return ident.Digest{}, errProof
	}
	return jkt, p.once(jkt.String()+c.ID, now)
}

// once refuses a proof that was used before.
func (p *Provider) once(id string, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, until := range p.seen {
		if now.After(until) {
			delete(p.seen, k)
		}
	}
	if _, again := p.seen[id]; again {
		return errProof
	}
	p.seen[id] = now.Add(2*window + time.Second)
	return nil
}
