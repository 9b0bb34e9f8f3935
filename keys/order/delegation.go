package order

import (
	"errors"
	"slices"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/record"
)

// TypDelegation is the typ of a delegation order.
const TypDelegation = "sigill-delegation-order+jws"

// Errors of asking a delegation order.
var (
	ErrNoItem   = errors.New("the delegation order lets nobody decide this type, under this item and in this mode, on this date")
	ErrNoSigner = errors.New("the delegation order does not name this key for this item on this date")
)

// An Item says which decision types may be decided how (delegationspunkt). A type
// that only the board or a committee may decide stands in items whose one mode
// is BOARD_DECIDES.
type Item struct {
	From  ident.Date    `json:"from"`
	Item  string        `json:"item"`
	Modes []record.Mode `json:"modes"`
	Text  string        `json:"text"`
	Types []string      `json:"types"`
	Until ident.Date    `json:"until,omitempty"`
}

// An Officer is a signer or a registrar: a key with a title, never a name. The
// key itself stands here, since an approval names it by thumbprint only.
type Officer struct {
	Deputy bool       `json:"deputy,omitempty"`
	From   ident.Date `json:"from"`
	Items  []string   `json:"items"`
	Key    jws.JWK    `json:"key"`
	Title  string     `json:"title"`
	Until  ident.Date `json:"until,omitempty"`
}

// Delegation is a version of the delegation order (delegationsordning).
type Delegation struct {
	Authority  ident.Authority `json:"authority"`
	Board      string          `json:"board"`
	Date       ident.Date      `json:"date"`
	Items      []Item          `json:"items"`
	Previous   ident.Digest    `json:"previous,omitzero"`
	Registrars []Officer       `json:"registrars"`
	Signers    []Officer       `json:"signers"`
	Version    int             `json:"version"`
}

// Typ implements [jws.Statement].
func (*Delegation) Typ() string { return TypDelegation }

// Check implements [jws.Statement].
func (d *Delegation) Check() error {
	if err := missing("authority", d.Authority == ""); err != nil {
		return err
	}
	if err := missing("date", d.Date == ""); err != nil {
		return err
	}
	if err := jws.Text("board", d.Board, 1, 200); err != nil {
		return err
	}
	if d.Version < 1 || (d.Version == 1) != d.Previous.IsZero() {
		return jws.Field("version", jws.ErrValue)
	}
	if len(d.Items) < 1 || len(d.Items) > 500 {
		return jws.Field("items", jws.ErrCount)
	}
	for i := range d.Items {
		if err := d.Items[i].check(); err != nil {
			return jws.Field(index("items", i), err)
		}
	}
	if len(d.Signers) < 1 || len(d.Signers) > 50 {
		return jws.Field("signers", jws.ErrCount)
	}
	if len(d.Registrars) > 50 {
		return jws.Field("registrars", jws.ErrCount)
	}
	seen := map[ident.Digest]bool{}
	for _, list := range []struct {
		name     string
		officers []Officer
	}{{"signers", d.Signers}, {"registrars", d.Registrars}} {
		for i, o := range list.officers {
			if err := d.checkOfficer(o, list.name == "signers", seen); err != nil {
				return jws.Field(index(list.name, i), err)
			}
		}
	}
	return nil
}

func (it Item) check() error {
	if err := period(it.From, it.Until); err != nil {
		return err
	}
	if err := jws.Text("item", it.Item, 1, 32); err != nil {
		return err
	}
	if err := jws.Text("text", it.Text, 1, 500); err != nil {
		return err
	}
	if len(it.Modes) < 1 || len(it.Modes) > 3 {
		return jws.Field("modes", jws.ErrCount)
	}
	for i, m := range it.Modes {
		if !m.Valid() || slices.Contains(it.Modes[:i], m) {
			return jws.Field("modes", jws.ErrValue)
		}
	}
	if len(it.Types) < 1 || len(it.Types) > 100 {
		return jws.Field("types", jws.ErrCount)
	}
	for i, t := range it.Types {
		if err := jws.Text("types", t, 1, 64); err != nil {
			return err
		}
		if slices.Contains(it.Types[:i], t) {
			return jws.Field("types", jws.ErrValue)
		}
	}
	return nil
}

// checkOfficer: one key is one officer, and a signer's items exist.
func (d *Delegation) checkOfficer(o Officer, signer bool, seen map[ident.Digest]bool) error {
	if err := period(o.From, o.Until); err != nil {
		return err
	}
	if err := jws.Text("title", o.Title, 1, 100); err != nil {
		return err
	}
	key, err := o.Key.Public()
	if err != nil {
		return jws.Field("key", err)
	}
	if seen[key.Thumbprint()] {
		return jws.Field("key", ErrTwice)
	}
	seen[key.Thumbprint()] = true
	if signer != (len(o.Items) > 0) || len(o.Items) > len(d.Items) {
		return jws.Field("items", jws.ErrCount)
	}
	for i, name := range o.Items {
		if slices.Contains(o.Items[:i], name) || !slices.ContainsFunc(d.Items, func(it Item) bool { return it.Item == name }) {
			return jws.Field("items", jws.ErrValue)
		}
	}
	return nil
}

// Permits finds the item that lets a decision type be decided in a mode on a
// date, or [ErrNoItem].
func (d *Delegation) Permits(item, typ string, mode record.Mode, on ident.Date) error {
	for _, it := range d.Items {
		if it.Item == item && on.Within(it.From, it.Until) && slices.Contains(it.Types, typ) && slices.Contains(it.Modes, mode) {
			return nil
		}
	}
	return ErrNoItem
}

// Signer finds the officer whose key, named by its thumbprint, may sign under the
// item on a date.
func (d *Delegation) Signer(kid ident.Digest, item string, on ident.Date) (Officer, error) {
	return find(kid, func(o Officer) bool { return on.Within(o.From, o.Until) && slices.Contains(o.Items, item) }, d.Signers)
}

// Dispatcher finds a signer or registrar by key on a date: who may dispatch.
func (d *Delegation) Dispatcher(kid ident.Digest, on ident.Date) (Officer, error) {
	return find(kid, func(o Officer) bool { return on.Within(o.From, o.Until) }, d.Signers, d.Registrars)
}

func find(kid ident.Digest, fits func(Officer) bool, lists ...[]Officer) (Officer, error) {
	for _, list := range lists {
		for _, o := range list {
			if fits(o) && o.Key.Is(kid) {
				return o, nil
			}
		}
	}
	return Officer{}, ErrNoSigner
}
