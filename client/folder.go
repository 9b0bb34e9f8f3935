package client

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/keys/record"
	"sigill/keys/statement"
)

// The files of a decision's folder: what is said of the decision, and its text.
const (
	FolderFile = "decision.yaml"
	FolderText = "content.md"
)

// FolderTemplate is a decision.yaml with every key and what it means.
//
//go:embed decision.yaml
var FolderTemplate []byte

// ContentTemplate is the text that goes with it, with the headings that the law
// asks for.
//
//go:embed content.md
var ContentTemplate []byte

// ErrFolder says what is wrong with a decision's folder, by key and line: never
// by value, which could be a name.
var ErrFolder = errors.New("not a decision's folder")

// folder is decision.yaml.
type folder struct {
	Content      string            `yaml:"content"`
	Title        string            `yaml:"title"`
	Type         string            `yaml:"type"`
	Item         string            `yaml:"item"`
	Case         string            `yaml:"case"`
	Contact      string            `yaml:"contact"`
	Mode         record.Mode       `yaml:"mode"`
	Board        string            `yaml:"board"`
	Protocol     string            `yaml:"protocol"`
	Names        folderNames       `yaml:"names"`
	Reasons      statement.Reasons `yaml:"reasons"`
	Provisions   []folderProvision `yaml:"provisions"`
	Appeal       statement.Appeal  `yaml:"appeal"`
	Urgent       bool              `yaml:"urgent"`
	Corrects     *folderCite       `yaml:"corrects"`
	Amends       *folderCite       `yaml:"amends"`
	Me           folderPerson      `yaml:"me"`
	Role         record.Role       `yaml:"role"`
	Presenter    *folderPerson     `yaml:"presenter"`
	Participants []folderPerson    `yaml:"participants"`
}

type folderNames struct {
	Decider      record.Treatment `yaml:"decider"`
	Presenter    record.Treatment `yaml:"presenter"`
	Participants record.Treatment `yaml:"participants"`
}

type folderProvision struct {
	SFS   string `yaml:"sfs"`
	Place string `yaml:"place"`
}

type folderCite struct {
	Decision  ident.ID     `yaml:"decision"`
	Statement ident.Digest `yaml:"statement"`
}

func (c *folderCite) cite() *statement.Cite {
	if c == nil {
		return nil
	}
	return &statement.Cite{Decision: c.Decision, Statement: c.Statement}
}

// folderPerson is someone of 31 § FL; of the author the token says the name.
type folderPerson struct {
	Name     string         `yaml:"name"`
	Title    string         `yaml:"title"`
	Unit     string         `yaml:"unit"`
	UserID   string         `yaml:"user_id"`
	HSAID    string         `yaml:"hsa_id"`
	Unbiased bool           `yaml:"unbiased"`
	Omitted  *folderOmitted `yaml:"omitted"`
}

type folderOmitted struct {
	Ground    record.AssessmentGround `yaml:"ground"`
	Assessor  string                  `yaml:"assessor"`
	Date      ident.Date              `yaml:"date"`
	Reference string                  `yaml:"reference"`
	Review    ident.Date              `yaml:"review"`
}

// ReadFolder reads a decision from its folder: decision.yaml, strictly, and the
// text that it names. Errors are [ErrFolder].
func ReadFolder(dir fs.FS) (Text, error) {
	b, err := readFrom(dir, FolderFile)
	if err != nil {
		return Text{}, fmt.Errorf("%w: %s: %w", ErrFolder, FolderFile, keyfile.Pathless(err))
	}
	var f folder
	if err := readYAML(b, &f); err != nil {
		return Text{}, fmt.Errorf("%w: %s: %w", ErrFolder, FolderFile, err)
	}
	t := f.text()
	switch path.Ext(f.Content) {
	case ".md":
		t.Media = statement.MediaMarkdown
	case ".txt":
		t.Media = statement.MediaPlain
	default:
		return Text{}, fmt.Errorf("%w: content is the name of a .md or .txt file", ErrFolder)
	}
	if t.Content, err = readFrom(dir, f.Content); err != nil {
		return Text{}, fmt.Errorf("%w: content: %w", ErrFolder, keyfile.Pathless(err))
	}
	t.Content = NormalText(t.Content)
	return t, nil
}

// NormalText is a text as it is signed: without the byte order mark and the CR
// before LF that editors on Windows write, and that no reader sees. Any other CR
// stays, and is refused: what it parts would be one line to the guard and two to
// a reader.
func NormalText(b []byte) []byte {
	return bytes.ReplaceAll(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), []byte("\r\n"), []byte("\n"))
}

var yamlLine = regexp.MustCompile(`line ([0-9]+)`)

// readYAML reads one YAML document into v; a key that v does not have is refused.
// Errors name lines and no values: the library's would repeat them.
func readYAML(data []byte, v any) error {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(v); err != nil {
		if m := yamlLine.FindString(err.Error()); m != "" {
			return fmt.Errorf("%s: not YAML, a key that does not belong here, or a value of another kind", m)
		}
		return errors.New("not YAML")
	}
	if err := d.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return errors.New("more than one document")
	}
	return nil
}

func (f *folder) text() Text {
	t := Text{Title: f.Title, Type: f.Type, Item: f.Item, Case: f.Case, Contact: f.Contact, Mode: f.Mode,
		Names:  record.Names{Decider: f.Names.Decider, Presenter: f.Names.Presenter, Participants: f.Names.Participants},
		Appeal: f.Appeal, Reasons: f.Reasons, Provisions: []statement.Provision{}, Protocol: f.Protocol, Urgent: f.Urgent,
		Amends: f.Amends.cite(), Corrects: f.Corrects.cite(),
	}
	for _, p := range f.Provisions {
		t.Provisions = append(t.Provisions, statement.Provision{Place: p.Place, SFS: p.SFS})
	}
	t.Record = f.record()
	return t
}

// record puts everyone in the place that the mode gives, with their declarations
// and assessments by role and ordinal.
func (f *folder) record() record.Record {
	r := record.Record{
		Decider:         record.Decider{Item: f.Item, Protocol: f.Protocol, Board: f.Board},
		Participants:    record.Participants{Persons: []record.Person{}},
		BiasDeclaration: record.BiasDeclaration{Declarations: []record.Bias{}},
		Assessment:      record.Assessment{Omitted: []record.OmittedName{}},
	}
	add := func(p folderPerson, author bool, role record.Role, ordinal int) record.Person {
		if p.Unbiased {
			r.BiasDeclaration.Declarations = append(r.BiasDeclaration.Declarations, record.Bias{Ordinal: ordinal, Role: role, Stated: !author})
		}
		if o := p.Omitted; o != nil {
			r.Assessment.Omitted = append(r.Assessment.Omitted, record.OmittedName{Assessor: o.Assessor, Date: o.Date, Ground: o.Ground,
				Ordinal: ordinal, Reference: o.Reference, Review: o.Review, Role: role})
		}
		return record.Person{Author: author, HSAID: p.HSAID, Name: p.Name, Stated: !author, Title: p.Title, Unit: p.Unit, UserID: p.UserID}
	}
	mine := record.RolePresenter
	switch f.Mode {
	case record.ExecutiveDecides:
		r.Decider.Kind = record.DeciderSigner
	case record.BoardDecides:
		r.Decider.Kind = record.DeciderBoard
		if f.Role == record.RoleParticipant {
			mine = f.Role
		}
	default:
		mine = record.RoleDecider
		r.Decider.Kind = record.DeciderPerson
		me := add(f.Me, true, mine, 1)
		r.Decider.Person = &me
	}
	presenter := f.Presenter
	if mine == record.RolePresenter && presenter == nil {
		presenter = &f.Me
	}
	if presenter != nil {
		p := add(*presenter, presenter == &f.Me, record.RolePresenter, 1)
		r.Presenter.Person = &p
	}
	others := slices.Clone(f.Participants)
	if mine == record.RoleParticipant {
		others = append([]folderPerson{f.Me}, others...)
	}
	for i, p := range others {
		r.Participants.Persons = append(r.Participants.Persons, add(p, mine == record.RoleParticipant && i == 0, record.RoleParticipant, i+1))
	}
	return r
}

func readFrom(dir fs.FS, name string) ([]byte, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadAll(f, maxText)
}
