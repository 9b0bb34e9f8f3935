package record_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"sigill/keys/jws"
	"sigill/keys/record"
)

// A row changes a lawful record; without want it must stay lawful.
type row struct {
	name   string
	modes  []record.Mode // all when nil
	names  record.Names  // all shown when zero
	change func(r *record.Record)
	want   error
}

func (row row) run(t *testing.T) {
	for _, mode := range modes {
		if row.modes != nil && !slices.Contains(row.modes, mode) {
			continue
		}
		names := row.names
		if names == (record.Names{}) {
			names = allShown
		}
		r := lawful(mode)
		if err := r.Check(mode, names); row.names == (record.Names{}) && err != nil {
			t.Fatalf("%s: the lawful record: %v", mode, err)
		}
		row.change(r)
		err := r.Check(mode, names)
		if !errors.Is(err, row.want) {
			t.Errorf("%s: got %v, want %v", mode, err, row.want)
		}
		if err == nil {
			continue
		}
		if f := (*jws.FieldError)(nil); !errors.As(err, &f) || f.Field == "" {
			t.Errorf("%s: %v names no field", mode, err)
		}
		for _, secret := range []string{"Exempel", "Prov", "HR 2026", "idp.example", "asaexe"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error repeats what the record says: %v", mode, err)
			}
		}
	}
}

var (
	executive = []record.Mode{record.ExecutiveDecides}
	delegate  = []record.Mode{record.DelegateDecides}
	board     = []record.Mode{record.BoardDecides}
)

func TestDecider(t *testing.T) {
	a, o := author(), other("Dag Prov")
	for _, row := range []row{
		{name: "no item", change: func(r *record.Record) { r.Decider.Item = "" }, want: jws.ErrMissing},
		{name: "long item", change: func(r *record.Record) { r.Decider.Item = strings.Repeat("1", 33) }, want: jws.ErrLength},
		{name: "no kind", change: func(r *record.Record) { r.Decider.Kind = "" }, want: record.ErrDecider},
		{name: "signer's kind in another mode", modes: []record.Mode{record.DelegateDecides, record.BoardDecides},
			change: func(r *record.Record) { r.Decider.Kind = record.DeciderSigner }, want: record.ErrDecider},
		{name: "person's kind in another mode", modes: []record.Mode{record.ExecutiveDecides, record.BoardDecides},
			change: func(r *record.Record) { r.Decider.Kind = record.DeciderPerson }, want: record.ErrDecider},
		{name: "board's kind in another mode", modes: []record.Mode{record.ExecutiveDecides, record.DelegateDecides},
			change: func(r *record.Record) { r.Decider.Kind = record.DeciderBoard }, want: record.ErrDecider},
		{name: "the author instead of the signer", modes: executive, change: func(r *record.Record) {
			r.Presenter.Person, r.Decider.Person = nil, &a
			r.BiasDeclaration.Declarations[2].Role = record.RoleDecider
		}, want: record.ErrDecider},
		{name: "a person beside the signer or the board", modes: []record.Mode{record.ExecutiveDecides, record.BoardDecides},
			change: func(r *record.Record) { r.Decider.Person = &o }, want: record.ErrDecider},
		{name: "nobody decides", modes: delegate, change: func(r *record.Record) { r.Decider.Person = nil }, want: record.ErrDecider},
		{name: "a board in another mode", modes: []record.Mode{record.ExecutiveDecides, record.DelegateDecides},
			change: func(r *record.Record) { r.Decider.Board = "Socialnämnden" }, want: record.ErrDecider},
		{name: "a protocol in another mode", modes: []record.Mode{record.ExecutiveDecides, record.DelegateDecides},
			change: func(r *record.Record) { r.Decider.Protocol = "§ 1" }, want: record.ErrDecider},
		{name: "no board", modes: board, change: func(r *record.Record) { r.Decider.Board = "" }, want: record.ErrDecider},
		{name: "no protocol", modes: board, change: func(r *record.Record) { r.Decider.Protocol = "" }, want: record.ErrDecider},
		{name: "long board", modes: board, change: func(r *record.Record) { r.Decider.Board = strings.Repeat("n", 201) }, want: jws.ErrLength},
		{name: "long protocol", modes: board, change: func(r *record.Record) { r.Decider.Protocol = strings.Repeat("n", 101) }, want: jws.ErrLength},
	} {
		t.Run(row.name, row.run)
	}
}

func TestAuthor(t *testing.T) {
	a := author()
	asParticipant := func(r *record.Record) {
		r.Presenter.Person, r.Participants.Persons[0] = nil, a
		r.BiasDeclaration.Declarations = []record.Bias{
			{Role: record.RoleParticipant, Ordinal: 1}, {Role: record.RoleParticipant, Ordinal: 2, Stated: true}}
	}
	for _, row := range []row{
		{name: "a participant before the board", modes: board, change: asParticipant},
		{name: "a participant who presents", modes: executive, change: asParticipant, want: record.ErrAuthor},
		{name: "a participant who decides", modes: delegate, change: func(r *record.Record) {
			o := other("Eva Prov")
			r.Decider.Person, r.Participants.Persons[0] = &o, a
			r.BiasDeclaration.Declarations = []record.Bias{{Role: record.RoleDecider, Ordinal: 1, Stated: true},
				{Role: record.RoleParticipant, Ordinal: 1}, {Role: record.RoleParticipant, Ordinal: 2, Stated: true}}
		}, want: record.ErrAuthor},
		{name: "presents what another decides", modes: delegate, change: func(r *record.Record) {
			o := other("Eva Prov")
			r.Decider.Person, r.Presenter.Person = &o, &a
		}, want: record.ErrAuthor},
		{name: "twice, among the participants", change: func(r *record.Record) { r.Participants.Persons[1] = a }, want: record.ErrAuthor},
		{name: "twice, presenting too", modes: delegate, change: func(r *record.Record) { r.Presenter.Person = &a }, want: record.ErrAuthor},
		{name: "nowhere", modes: []record.Mode{record.ExecutiveDecides, record.BoardDecides},
			change: func(r *record.Record) { r.Presenter.Person = nil }, want: record.ErrAuthor},
		{name: "another decides", modes: delegate, change: func(r *record.Record) { *r.Decider.Person = other("Eva Prov") }, want: record.ErrAuthor},
		{name: "other name as dissenter", change: func(r *record.Record) { r.DissentAuthor.Person.Name += "x" }, want: record.ErrAuthor},
		{name: "other subject as dissenter", change: func(r *record.Record) { r.DissentAuthor.Person.Subject += "x" }, want: record.ErrAuthor},
		{name: "another as dissenter", change: func(r *record.Record) { r.DissentAuthor.Person = other("Eva Prov") }, want: record.ErrAuthor},
	} {
		t.Run(row.name, row.run)
	}
}

func TestPersons(t *testing.T) {
	first := func(change func(p *record.Person)) func(r *record.Record) {
		return func(r *record.Record) { change(&r.Participants.Persons[0]) }
	}
	dissenter := func(change func(p *record.Person)) func(r *record.Record) {
		return func(r *record.Record) { change(&r.DissentAuthor.Person) }
	}
	many := func(n int) func(r *record.Record) {
		return func(r *record.Record) {
			r.Participants.Persons, r.BiasDeclaration.Declarations = nil, r.BiasDeclaration.Declarations[2:]
			for i := range n {
				r.Participants.Persons = append(r.Participants.Persons, other("Eva Prov"))
				r.BiasDeclaration.Declarations = append(r.BiasDeclaration.Declarations,
					record.Bias{Role: record.RoleParticipant, Ordinal: i + 1, Stated: true})
			}
		}
	}
	for _, row := range []row{
		{name: "nobody else", change: many(0)},
		{name: "as many as may", change: many(record.MaxParticipants)},
		{name: "too many", change: many(record.MaxParticipants + 1), want: jws.ErrCount},
		{name: "neither author nor stated", change: first(func(p *record.Person) { p.Stated = false }), want: jws.ErrValue},
		{name: "author and stated", change: dissenter(func(p *record.Person) { p.Stated = true }), want: jws.ErrValue},
		{name: "a stated issuer", change: first(func(p *record.Person) { p.Issuer = "https://idp.example" }), want: jws.ErrValue},
		{name: "a stated subject", change: first(func(p *record.Person) { p.Subject = "s" }), want: jws.ErrValue},
		{name: "an author without issuer", change: dissenter(func(p *record.Person) { p.Issuer = "" }), want: jws.ErrValue},
		{name: "an author without subject", change: dissenter(func(p *record.Person) { p.Subject = "" }), want: jws.ErrValue},
		{name: "no name", change: first(func(p *record.Person) { p.Name = "" }), want: jws.ErrMissing},
		{name: "no title", change: first(func(p *record.Person) { p.Title = "" }), want: jws.ErrMissing},
		{name: "120 characters", change: first(func(p *record.Person) { p.Name = strings.Repeat("😀", 120) })},
		{name: "a name too long", change: first(func(p *record.Person) { p.Name = strings.Repeat("n", 481) }), want: jws.ErrLength},
		{name: "a title too long", change: first(func(p *record.Person) { p.Title = strings.Repeat("n", 101) }), want: jws.ErrLength},
		{name: "a unit too long", change: first(func(p *record.Person) { p.Unit = strings.Repeat("n", 101) }), want: jws.ErrLength},
		{name: "an HSA id too long", change: first(func(p *record.Person) { p.HSAID = strings.Repeat("n", 65) }), want: jws.ErrLength},
		{name: "a user id too long", change: first(func(p *record.Person) { p.UserID = strings.Repeat("n", 129) }), want: jws.ErrLength},
		{name: "an issuer too long", change: dissenter(func(p *record.Person) { p.Issuer = strings.Repeat("n", 256) }), want: jws.ErrLength},
		{name: "a subject too long", change: dissenter(func(p *record.Person) { p.Subject = strings.Repeat("n", 256) }), want: jws.ErrLength},
		{name: "bidirectional name", change: first(func(p *record.Person) { p.Name = "Eva \u202e Prov" }), want: jws.ErrCharacter},
		{name: "a line feed in a title", change: first(func(p *record.Person) { p.Title = "chef\nchef" }), want: jws.ErrCharacter},
		{name: "broken UTF-8", change: first(func(p *record.Person) { p.Unit = "\xff" }), want: jws.ErrCharacter},
	} {
		t.Run(row.name, row.run)
	}
}

func TestBias(t *testing.T) {
	change := func(f func(b *[]record.Bias)) func(r *record.Record) {
		return func(r *record.Record) { f(&r.BiasDeclaration.Declarations) }
	}
	for _, row := range []row{
		{name: "another order", change: change(func(b *[]record.Bias) { slices.Reverse(*b) })},
		{name: "none for a participant", change: change(func(b *[]record.Bias) { *b = (*b)[1:] }), want: record.ErrBias},
		{name: "none for the author", change: change(func(b *[]record.Bias) { *b = (*b)[:2] }), want: record.ErrBias},
		{name: "one twice", change: change(func(b *[]record.Bias) { *b = append(*b, (*b)[0]) }), want: record.ErrBias},
		{name: "one twice and none for another", change: change(func(b *[]record.Bias) { (*b)[1] = (*b)[0] }), want: record.ErrBias},
		{name: "for nobody", change: change(func(b *[]record.Bias) {
			*b = append(*b, record.Bias{Role: record.RoleParticipant, Ordinal: 3, Stated: true})
		}), want: record.ErrBias},
		{name: "ordinal 0", change: change(func(b *[]record.Bias) { (*b)[0].Ordinal = 0 }), want: record.ErrBias},
		{name: "another role", change: change(func(b *[]record.Bias) { (*b)[0].Role = "SECRETARY" }), want: record.ErrBias},
		{name: "for the signer, who declares in the approval", modes: executive, change: change(func(b *[]record.Bias) {
			*b = append(*b, record.Bias{Role: record.RoleDecider, Ordinal: 1, Stated: true})
		}), want: record.ErrBias},
		{name: "the author's own as stated", change: change(func(b *[]record.Bias) { (*b)[2].Stated = true }), want: record.ErrBias},
		{name: "another's as their own", change: change(func(b *[]record.Bias) { (*b)[0].Stated = false }), want: record.ErrBias},
	} {
		t.Run(row.name, row.run)
	}
}

func TestAssessment(t *testing.T) {
	participants := allShown
	participants.Participants = record.Omitted
	everyone := record.Names{Decider: record.Omitted, Participants: record.Omitted, Presenter: record.Omitted}
	both := func(r *record.Record) {
		r.Assessment.Omitted = []record.OmittedName{omitted(record.RoleParticipant, 1), omitted(record.RoleParticipant, 2)}
	}
	first := func(f func(o *record.OmittedName)) func(r *record.Record) {
		return func(r *record.Record) { both(r); f(&r.Assessment.Omitted[0]) }
	}
	for _, row := range []row{
		{name: "each has one", names: participants, change: both},
		{name: "the author too", names: everyone, change: func(r *record.Record) {
			both(r)
			role := record.RolePresenter
			if r.Decider.Person != nil {
				role = record.RoleDecider
			}
			r.Assessment.Omitted = append(r.Assessment.Omitted, omitted(role, 1))
		}},
		{name: "the author has none", names: everyone, change: both, want: record.ErrAssessment},
		{name: "none", names: participants, change: func(*record.Record) {}, want: record.ErrAssessment},
		{name: "one of two", names: participants, change: func(r *record.Record) {
			r.Assessment.Omitted = []record.OmittedName{omitted(record.RoleParticipant, 2)}
		}, want: record.ErrAssessment},
		{name: "one twice", names: participants, change: first(func(o *record.OmittedName) { o.Ordinal = 2 }), want: record.ErrAssessment},
		{name: "for shown names", change: both, want: record.ErrAssessment},
		{name: "for the shown author", names: participants, change: func(r *record.Record) {
			both(r)
			r.Assessment.Omitted = append(r.Assessment.Omitted, omitted(record.RolePresenter, 1), omitted(record.RoleDecider, 1))
		}, want: record.ErrAssessment},
		{name: "for nobody", names: participants, change: first(func(o *record.OmittedName) { o.Ordinal = 3 }), want: record.ErrAssessment},
		{name: "no ground", names: participants, change: first(func(o *record.OmittedName) { o.Ground = "" }), want: jws.ErrValue},
		{name: "harassment", names: participants, change: first(func(o *record.OmittedName) { o.Ground = record.GroundHarassment })},
		{name: "serious nuisance", names: participants, change: first(func(o *record.OmittedName) { o.Ground = record.GroundNuisance })},
		{name: "another ground", names: participants, change: first(func(o *record.OmittedName) { o.Ground = "WISH" }), want: jws.ErrValue},
		{name: "no date", names: participants, change: first(func(o *record.OmittedName) { o.Date = "" }), want: jws.ErrValue},
		{name: "no review", names: participants, change: first(func(o *record.OmittedName) { o.Review = "" }), want: jws.ErrValue},
		{name: "a review before it", names: participants, change: first(func(o *record.OmittedName) { o.Review = "2026-09-30" }), want: jws.ErrValue},
		{name: "no assessor", names: participants, change: first(func(o *record.OmittedName) { o.Assessor = "" }), want: jws.ErrMissing},
		{name: "no reference", names: participants, change: first(func(o *record.OmittedName) { o.Reference = "" }), want: jws.ErrMissing},
		{name: "a long assessor", names: participants, change: first(func(o *record.OmittedName) { o.Assessor = strings.Repeat("n", 101) }), want: jws.ErrLength},
		{name: "a long reference", names: participants, change: first(func(o *record.OmittedName) { o.Reference = strings.Repeat("n", 65) }), want: jws.ErrLength},
	} {
		t.Run(row.name, row.run)
	}
}

func TestMode(t *testing.T) {
	for _, m := range []record.Mode{"", "DIRECTOR_DECIDES", "executive_decides"} {
		if err := lawful(record.ExecutiveDecides).Check(m, allShown); m.Valid() || !errors.Is(err, record.ErrMode) {
			t.Errorf("mode %q: %v", m, err)
		}
	}
	for _, mode := range modes {
		for _, under := range modes {
			if err := lawful(mode).Check(under, allShown); (err == nil) != (mode == under) {
				t.Errorf("a record for %s under %s: %v", mode, under, err)
			}
		}
	}
}

func TestNames(t *testing.T) {
	if err := allShown.Check(); err != nil {
		t.Error(err)
	}
	for _, n := range []record.Names{
		{}, {Decider: "shown", Participants: "shown"}, {Decider: "hidden", Participants: "shown", Presenter: "shown"},
		{Decider: "shown", Participants: "Omitted", Presenter: "omitted"},
	} {
		if err := n.Check(); !errors.Is(err, jws.ErrValue) {
			t.Errorf("%v: %v", n, err)
		}
	}
	n := record.Names{Decider: record.Shown, Participants: record.Omitted, Presenter: record.Omitted}
	if n.Of(record.RoleDecider) != record.Shown || n.Of(record.RolePresenter) != record.Omitted || n.Of(record.RoleParticipant) != record.Omitted {
		t.Error("a role is treated as another")
	}
	for _, m := range modes { // the dissenter repeats the author and is not counted
		if got := lawful(m).Persons(); len(got) != 3 || got[0] != author() || got[1].Name != "Björn Prov" {
			t.Errorf("%s: %d persons", m, len(got))
		}
	}
	names := func(n record.Names, m record.Mode) (out []string) {
		for _, p := range lawful(m).OmittedPersons(n) {
			out = append(out, p.Name)
		}
		return out
	}
	for _, c := range []struct {
		mode  record.Mode
		names record.Names
		want  []string
	}{
		{record.ExecutiveDecides, allShown, nil},
		{record.ExecutiveDecides, n, []string{"Åsa Exempelsson-Öberg", "Björn Prov", "Céline d'Exempel"}},
		{record.DelegateDecides, n, []string{"Björn Prov", "Céline d'Exempel"}},
		{record.DelegateDecides, record.Names{Decider: "omitted", Participants: "shown", Presenter: "shown"}, []string{"Åsa Exempelsson-Öberg"}},
	} {
		if got := names(c.names, c.mode); !slices.Equal(got, c.want) {
			t.Errorf("%s %v: %q", c.mode, c.names, got)
		}
	}
}
