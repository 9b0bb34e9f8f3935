package workflow

import (
	"context"
	"errors"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/statement"
	"sigill/server/ledger"
)

// A Survey is what an office has, in figures that point at nobody.
type Survey struct {
	Entries   uint64         `json:"entries"` // of the log
	LastDay   ident.Date     `json:"last_day,omitempty"`
	Drafts    int            `json:"drafts"` // that await a signature
	Withdrawn int            `json:"withdrawn"`
	Decisions int            `json:"decisions"`
	Numbers   map[int]uint64 `json:"numbers"` // the last of each year
	Newest    *Newest        `json:"newest,omitempty"`
}

// Newest is the decision that was signed last.
type Newest struct {
	Year   int          `json:"year"`
	Number int64        `json:"number"`
	Date   ident.Date   `json:"date"`
	Core   ident.Digest `json:"core"` // digest of the head of its sealed record
}

// Survey reads every matter and every decision with its sealed record, and takes the
// newest decision out as [Extract] does.
func (o *Office) Survey(ctx context.Context) (*Survey, error) {
	s := &Survey{Entries: o.ledger.Head().Size, Numbers: map[int]uint64{}}
	var newest *matter
	err := o.ledger.Read(ctx, func(r ledger.Reader) (err error) {
		if s.LastDay, err = ledger.LastDay(r); err != nil {
			return err
		}
		for p, err := range r.Scan(roomMatter, nil, nil) {
			if err = errors.Join(err, ctx.Err()); err != nil {
				return storeError(err)
			}
			if len(p.Key) != 17 || part(p.Key[16]) != partKey {
				continue
			}
			m, err := o.matter(r, ident.IDFromBytes([16]byte(p.Key)))
			if err != nil {
				return err
			}
			if err := s.add(r, m); err != nil {
				return err
			}
			if (m.State == Signed || m.State == Dispatched) && (newest == nil || newest.Index < m.Index) {
				newest = m
			}
		}
		return nil
	})
	if err != nil || newest == nil {
		return s, ledgerError(err)
	}
	_, d, err := o.decisionOf(ctx, newest)
	if err != nil {
		return s, err
	}
	s.Newest = &Newest{d.Year, d.Number, d.Date, d.Core}
	_, err = Extract(ctx, o.ledger, o.cipher, newest.id)
	return s, err
}

// add counts a matter.
func (s *Survey) add(r ledger.Reader, m *matter) error {
	switch m.State {
	case Pending, Returned:
		s.Drafts++
		_, err := m.draft(r)
		return err
	case Withdrawn:
		s.Withdrawn++
		return nil
	}
	row, err := m.decision(r)
	if err != nil {
		return err
	}
	if _, err := m.boxes(r); err != nil {
		return err
	}
	var d statement.Decision
	if err := jws.Peek(row.Decision, &d); err != nil {
		return damaged("decision", err)
	}
	s.Decisions++
	s.Numbers[d.Year] = max(s.Numbers[d.Year], uint64(d.Number))
	return nil
}
