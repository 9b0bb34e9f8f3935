package order

import (
	"errors"
	"slices"

	"sigill/keys/ident"
	"sigill/keys/jws"
)

// The typs of a requester's and a provider's documents.
const (
	TypRequester    = "sigill-requester+jws"
	TypProviderKeys = "sigill-provider-keys+jws"
)

// ErrRequester says that a requester may not ask, or not on this ground.
var ErrRequester = errors.New("the board has not registered this key for this ground on this date, or has revoked it")

// Requester is a court, a supervisor or the authority's own lawyer, registered
// or (with Revoked set) revoked by the board. It names an organisation and a
// function address, never a person.
type Requester struct {
	Address   string          `json:"address"`
	Authority ident.Authority `json:"authority"`
	From      ident.Date      `json:"from"`
	Grounds   []Ground        `json:"grounds"`
	Key       jws.JWK         `json:"key"`
	Name      string          `json:"name"`
	Requester ident.ID        `json:"requester"`
	Revoked   ident.Date      `json:"revoked,omitempty"`
	Until     ident.Date      `json:"until,omitempty"`
}

// Typ implements [jws.Statement].
func (*Requester) Typ() string { return TypRequester }

// Check implements [jws.Statement].
func (r *Requester) Check() error {
	if err := missing("authority", r.Authority == ""); err != nil {
		return err
	}
	if err := missing("requester", r.Requester == ""); err != nil {
		return err
	}
	if err := period(r.From, r.Until); err != nil {
		return err
	}
	if err := jws.Text("name", r.Name, 1, 200); err != nil {
		return err
	}
	if err := jws.Text("address", r.Address, 1, 200); err != nil {
		return err
	}
	if _, err := r.Key.Public(); err != nil {
		return jws.Field("key", err)
	}
	if len(r.Grounds) < 1 || len(r.Grounds) > len(grounds) {
		return jws.Field("grounds", jws.ErrCount)
	}
	for i, g := range r.Grounds {
		if !g.Valid() || slices.Contains(r.Grounds[:i], g) {
			return jws.Field("grounds", jws.ErrValue)
		}
	}
	return nil
}

// May reports whether the requester may ask on the ground on a date.
func (r *Requester) May(g Ground, on ident.Date) error {
	if r.Revoked != "" || !on.Within(r.From, r.Until) || !slices.Contains(r.Grounds, g) {
		return ErrRequester
	}
	return nil
}

// ProviderKeys is an identity provider's whole JWKS, exactly as it was served,
// signed by the log key when it was first seen.
type ProviderKeys struct {
	Authority ident.Authority `json:"authority"`
	Date      ident.Date      `json:"date"`
	Issuer    string          `json:"issuer"`
	JWKS      ident.Bytes     `json:"jwks"`
}

// Typ implements [jws.Statement].
func (*ProviderKeys) Typ() string { return TypProviderKeys }

// Check implements [jws.Statement].
func (p *ProviderKeys) Check() error {
	if err := missing("authority", p.Authority == ""); err != nil {
		return err
	}
	if err := missing("date", p.Date == ""); err != nil {
		return err
	}
	if err := jws.Text("issuer", p.Issuer, 1, 255); err != nil {
		return err
	}
	if len(p.JWKS) < 2 || len(p.JWKS) > 64<<10 {
		return jws.Field("jwks", jws.ErrLength)
	}
	return nil
}
