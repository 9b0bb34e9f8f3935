package client_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"sigill/client"
	"sigill/keys/guard"
	"sigill/keys/record"
	"sigill/keys/statement"
)

// folder is the template as it is given out, with changes.
func folder(changes ...string) fstest.MapFS {
	text := strings.NewReplacer(changes...).Replace(string(client.FolderTemplate))
	return fstest.MapFS{
		client.FolderFile: {Data: []byte(text)},
		client.FolderText: {Data: client.ContentTemplate},
	}
}

func TestReadFolder(t *testing.T) {
	got, err := client.ReadFolder(folder("unbiased: false", "unbiased: true"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Case != "SN 2026-00001" || got.Item != "3.4" || got.Mode != record.DelegateDecides || got.Media != statement.MediaMarkdown ||
		string(got.Content) != string(client.ContentTemplate) || len(got.Provisions) != 1 || got.Provisions[0].SFS != "2025:400" {
		t.Errorf("read %+v", got)
	}
	if p := got.Record.Decider.Person; p == nil || !p.Author || p.Title != "socialsekreterare" {
		t.Errorf("the author is not the decider: %+v", got.Record.Decider)
	}
}

// TestTemplateDeclaresNothing: a template that is sent in as it is must not
// declare for anyone that they are unbiased.
func TestTemplateDeclaresNothing(t *testing.T) {
	got, err := client.ReadFolder(folder())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.Record.BiasDeclaration.Declarations); n != 0 {
		t.Errorf("%d declarations", n)
	}
	if n := len(got.Record.Assessment.Omitted); n != 0 {
		t.Errorf("%d assessments", n)
	}
}

// TestTemplateSaysNothing: what `sigill draft new` writes is refused until there is
// text under each of its headings, by part.
func TestTemplateSaysNothing(t *testing.T) {
	content := string(client.ContentTemplate)
	for _, c := range []struct {
		heading string
		part    statement.Part
	}{{"## Beslut\n", statement.PartDecision}, {"## Skäl för beslutet\n", statement.PartReasons}, {"## Hur du överklagar\n", statement.PartAppeal}} {
		fs := folder("unbiased: false", "unbiased: true")
		fs[client.FolderText].Data = []byte(content)
		got, err := client.ReadFolder(fs)
		if err != nil {
			t.Fatal(err)
		}
		no := (*statement.PartError)(nil)
		if err := new(client.Caseworker).Guard(got, &got.Record); !errors.As(err, &no) || no.Part != c.part || no.Line == 0 {
			t.Errorf("%s: %v", c.part, err)
		}
		before, after, found := strings.Cut(content, c.heading)
		if !found {
			t.Fatal("the template has no", c.heading)
		}
		content = before + c.heading + "\nNågot.\n" + after
	}
	got := client.Text{Content: []byte(content), Media: statement.MediaMarkdown, Reasons: statement.ReasonsStated}
	if err := new(client.Caseworker).Guard(got, &got.Record); err != nil {
		t.Error("filled in:", err)
	}
}

// TestLineEnds: a text is signed without byte order mark and CR before LF; any
// other CR, and every other control character, is refused by field and line.
func TestLineEnds(t *testing.T) {
	const content = "## Beslut\n\nJa.\n\n## Skäl\n\nX.\n\n## Hur du överklagar\n\nY.\n"
	read := func(b string) client.Text {
		fs := folder()
		fs[client.FolderText].Data = []byte(b)
		got, err := client.ReadFolder(fs)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	got := read("\ufeff" + strings.ReplaceAll(content, "\n", "\r\n"))
	if err := new(client.Caseworker).Guard(got, &got.Record); err != nil || string(got.Content) != content {
		t.Errorf("%q: %v", got.Content, err)
	}
	for _, c := range []struct {
		content string
		line    int
		want    error
	}{
		{strings.Replace(content, "Ja.", "Ja.\rNej.", 1), 3, guard.ErrControl},
		{strings.Replace(content, "X.\n", "X.\r\r\n", 1), 7, guard.ErrControl},
		{strings.ReplaceAll(content, "\n", "\r"), 1, guard.ErrControl},
		{content + "\x07", 12, guard.ErrControl},
		{"\ufeff\ufeff" + content, 1, guard.ErrBOM},
		{strings.Replace(content, "Ja.", "\ufeffJa.", 1), 3, guard.ErrBOM},
		{strings.Replace(content, "Ja.", "<b>Ja.", 1), 3, guard.ErrHTML},
		{"\ufeff\r\n", 0, guard.ErrEmpty},
	} {
		got := read(c.content)
		no := (*client.FormError)(nil)
		if err := new(client.Caseworker).Guard(got, &got.Record); !errors.As(err, &no) || no.Field != "content" || no.Line != c.line || !errors.Is(err, c.want) {
			t.Errorf("%q: %v", c.content, err)
		}
	}
}

// TestFolderPlaces: the author stands where the mode has them, the others after,
// and declarations and assessments follow by role and ordinal.
func TestFolderPlaces(t *testing.T) {
	others := "presenter: {name: Torsten Mellangård, title: enhetschef, unbiased: true}\nparticipants:\n" +
		"  - {name: Ebba Sidospår, title: jurist, unbiased: true, omitted: {ground: THREAT, assessor: a, date: 2026-11-01, reference: r, review: 2027-01-01}}\n"
	for _, c := range []struct {
		name, mode, extra string
		where             func(*record.Record) bool
	}{
		{"delegate", "DELEGATE_DECIDES", others, func(r *record.Record) bool {
			return r.Decider.Person.Author && r.Presenter.Person.Stated && r.Participants.Persons[0].Stated && r.Assessment.Omitted[0].Ordinal == 1
		}},
		{"executive", "EXECUTIVE_DECIDES", "", func(r *record.Record) bool {
			return r.Decider.Person == nil && r.Decider.Kind == record.DeciderSigner && r.Presenter.Person.Author
		}},
		{"board, presenting", "BOARD_DECIDES", "board: Nämnden\nprotocol: § 1\n", func(r *record.Record) bool {
			return r.Decider.Kind == record.DeciderBoard && r.Presenter.Person.Author && r.Decider.Protocol == "§ 1"
		}},
		{"board, taking part", "BOARD_DECIDES", "role: PARTICIPANT\n" + others, func(r *record.Record) bool {
			return r.Presenter.Person.Stated && r.Participants.Persons[0].Author && !r.Participants.Persons[1].Author &&
				r.Assessment.Omitted[0].Ordinal == 2 && len(r.BiasDeclaration.Declarations) == 3
		}},
	} {
		fs := folder("mode: DELEGATE_DECIDES", "mode: "+c.mode, "unbiased: false", "unbiased: true")
		fs[client.FolderFile].Data = append(fs[client.FolderFile].Data, c.extra...)
		got, err := client.ReadFolder(fs)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !c.where(&got.Record) {
			t.Errorf("%s: %+v", c.name, got.Record)
		}
	}
}

// TestFolderRefusals: what is refused is named by line and key, never by value.
func TestFolderRefusals(t *testing.T) {
	const secret = "Öberghult"
	for _, c := range []struct {
		name, want string
		dir        fstest.MapFS
	}{
		{"an unknown key", "line 10", folder("title: Boendestöd", "titel: "+secret)},
		{"a value of another kind", "line", folder("urgent: false", "urgent: "+secret)},
		{"a date that is none", "", folder("  unbiased: false", "  unbiased: false\n  omitted: {date: "+secret+"}")},
		{"two documents", "more than one", folder("urgent: false", "urgent: false\n---\ntitle: "+secret)},
		{"another kind of file", "content", folder("content.md", secret+".docx")},
		{"a text outside the folder", "content", folder("content: content.md", "content: ../"+secret+".md")},
		{"a text that is not there", "content", folder("content: content.md", "content: "+secret+".md")},
		{"no decision.yaml", client.FolderFile, fstest.MapFS{}},
	} {
		got, err := client.ReadFolder(c.dir)
		if !errors.Is(err, client.ErrFolder) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error repeats the value", c.name)
		}
		if got.Content != nil || got.Title != "" {
			t.Errorf("%s: something was read", c.name)
		}
	}
}

// FuzzFolder: whatever an editor leaves is read or refused as [client.ErrFolder],
// and what a refusal says repeats nothing of it: it may be a name.
func FuzzFolder(f *testing.F) {
	f.Add(client.FolderTemplate)
	f.Add([]byte("content: content.md\nme: &a {name: *a}\n"))
	f.Add([]byte("content: content.md\nme: {<<: {name: Oberghult}}\nparticipants: [Oberghult]\n"))
	f.Add([]byte("content: content.md\ncorrects: {decision: Oberghult}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := fstest.MapFS{client.FolderFile: {Data: data}, client.FolderText: {Data: client.ContentTemplate}}
		_, err := client.ReadFolder(dir)
		if err == nil {
			return
		}
		if !errors.Is(err, client.ErrFolder) || strings.Contains(err.Error(), "Oberghult") || len(err.Error()) > 200 {
			t.Fatalf("%q", err)
		}
	})
}
