package order

import (
	"sigill/keys/ident"
	"sigill/keys/jws"
)

// TypSuccession is the typ of a [Succession].
const TypSuccession = "sigill-succession+jws"

// MaxTrust is the longest trust file that can take another's place, in bytes: it has
// to fit into a statement.
const MaxTrust = 128 << 10

// A Succession is a trust file that takes another's place, signed by the board that
// the other names: a new log key, other witnesses, a certificate renewed or revoked,
// another board. Whoever believes the one believes the other, without asking anybody
// else. The log has it as key_change.
type Succession struct {
	Authority ident.Authority `json:"authority"`
	Date      ident.Date      `json:"date"`
	From      ident.Digest    `json:"from"`  // SHA-256 of the trust file before
	Trust     ident.Bytes     `json:"trust"` // the new one, its bytes
}

// Typ implements [jws.Statement].
func (*Succession) Typ() string { return TypSuccession }

// Check implements [jws.Statement]. What may follow what is for package bundle, which
// knows trust files.
func (s *Succession) Check() error {
	if err := missing("authority", s.Authority == ""); err != nil {
		return err
	}
	if err := missing("date", s.Date == ""); err != nil {
		return err
	}
	if err := missing("from", s.From == ident.Digest{}); err != nil {
		return err
	}
	if len(s.Trust) < 2 || len(s.Trust) > MaxTrust {
		return jws.Field("trust", jws.ErrLength)
	}
	return nil
}
