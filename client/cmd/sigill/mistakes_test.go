package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"sigill/client"
	"sigill/keys/disclosure/story"
	"sigill/keys/keyfile"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/statement"
)

// TestMistakes: an honest mistake is answered with what is wrong and what to do about
// it, in the caller's language; nothing is printed, and nothing is written.
func TestMistakes(t *testing.T) {
	r := ward(t, false)
	t.Chdir(t.TempDir())
	s, o := story.Whole(t)
	trust, err := s.TrustFile.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := o.Bundle().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("tomt", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"trust.json": trust, "decision.sigill": bundle, "opening.package": o.Bytes(o.Package(nil)), "skal.txt": []byte("Det räcker."),
		"trust.yaml": []byte("authority: 202100-0001\nned: 2\n"), "textless/decision.yaml": []byte("content: content.md\n"), "gate.age": []byte("x")} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const id = " mfrggzdfmztwq2lknnwg23tpoa "
	for _, c := range []struct {
		user, args string
		env        string // NAME=VALUE
		exit       int
		sv, en     string
	}{
		{"domstol", "request --decision decision.sigill --ground COURT_ORDER --sections DECIDER --reference x --days 31", "SIGILL_TRUST=trust.json", exitLocal, "--days är 1 till 30", "--days is 1 to 30"},
		{"domstol", "open opening.package --out p --vote skal.txt", "SIGILL_TRUST=trust.json", exitLocal, "hör till --offline", "are for --offline"},
		{"domstol", "open opening.package --out p --request skal.txt", "SIGILL_TRUST=trust.json", exitLocal, "hör till --offline", "are for --offline"},
		{"granskare-1-1", "review refuse" + id + "--basis SEKRETESS --provision x --file skal.txt", "", exitLocal, "--basis är en av AUTHENTICITY, SCOPE, SECRECY", "--basis is one of AUTHENTICITY, SCOPE, SECRECY"},
		{"asa", "keys day --proof idp", "", exitLocal, "https://-adressen", "https:// address"},
		{"domstol", "open decision.sigill --out p", "SIGILL_TRUST=trust.json", exitUnverified, "filen är inget som Sigill har lämnat ut för att öppnas", "the file is nothing that Sigill gave out to be opened"},
		{"direktor", "board trust make trust.yaml --out p", "", exitLocal, "det blir ingen förtroendefil av texten: not a text that a trust file can be made from: json: unknown field \"ned\"\nAtt göra: Rätta det som anges", "What to do: Correct what is named"},
		{"direktor", "keys show gate.age", "", exitLocal, "den öppna halvan (FIL.pub.json): filen", "public half (FILE.pub.json): the file"},
		{"direktor", "keys certificate gate.age --name x --out p", "", exitLocal, "den öppna halvan (FIL.pub.json): filen", "public half (FILE.pub.json): the file"},
		{"asa", "draft new textless", "", exitLocal, "Ange ett annat namn.\n", "Give another name.\n"},
		{"domstol", "collect --out trust.json" + id, "", exitLocal, "ge --force", "--force"},
		{"asa", "draft submit nowhere", "", exitLocal, "sigill: filen eller mappen finns inte", "sigill: the file or directory does not exist"},
		{"asa", "draft submit tomt", "", exitLocal, "decision.yaml: filen", "decision.yaml: the file"},
		{"asa", "draft submit textless", "", exitLocal, "texten som content anger: filen", "the text that content names: the file"},
		{"asa", "draft list", "SIGILL_HOME=skal.txt", exitLocal, "hemkatalogen ska vara", "home directory must be"},
		{"asa", "draft list", "SIGILL_HOME=skal.txt/hem", exitLocal, "hemkatalogen ska vara", "home directory must be"},
		{"domstol", "request list", "SIGILL_ADDR=ftp://localhost:1", exitLocal, "värd:port, eller http://värd:port", "host:port, or http://host:port"},
		{"domstol", "request list", "SIGILL_ADDR=https://localhost:1/sigill", exitLocal, "värd:port, eller http://värd:port", "host:port, or http://host:port"},
	} {
		t.Run(c.user+" "+c.args, func(t *testing.T) {
			as(t, r, c.user)
			if name, value, ok := strings.Cut(c.env, "="); ok {
				t.Setenv(name, value)
			}
			before, err := os.ReadDir(".")
			if err != nil {
				t.Fatal(err)
			}
			for lang, want := range map[string]string{"sv": c.sv, "en": c.en} {
				var out, talk bytes.Buffer
				code := run(context.Background(), append(strings.Fields(c.args), "--lang", lang), strings.NewReader(""), &out, &talk)
				if code != c.exit || code != exitOK && out.Len() > 0 || !strings.Contains(talk.String(), want) {
					t.Errorf("%s: exit %d, %s%s", lang, code, out.String(), talk.String())
				}
			}
			if after, err := os.ReadDir("."); err != nil || len(after) != len(before) {
				t.Errorf("%v: files were left: %v", err, after)
			}
		})
	}
}

// TestReasonWarned: what may point at somebody in a reason is told by the line of the
// file, once with what to do, whichever paragraph it is in.
func TestReasonWarned(t *testing.T) {
	path := filepath.Join(t.TempDir(), "skal.txt")
	if err := os.WriteFile(path, []byte("\ufeffDet räcker inte.\r\n\r\nFråga på\r\n070-174 06 99.\r\n\r\nEller på 070-174 06 05.\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	a := &app{words: languages["sv"], stderr: &said}
	text, err := a.reason(path)
	if want := []string{"Det räcker inte.", "Fråga på 070-174 06 99.", "Eller på 070-174 06 05."}; err != nil || !slices.Equal(text, want) {
		t.Fatal(text, err)
	}
	want := "Kan peka på en person: reason, rad 4, kolumn 1 (telefonnummer).\nKan peka på en person: reason, rad 6, kolumn 10 (telefonnummer).\n" + swedish.warned + "\n"
	if said.String() != want {
		t.Error(said.String())
	}
}

// TestWithin: nothing is granted but what was asked for, and nobody who dissented where
// nobody did; the reviewer is told before their shares are fetched.
func TestWithin(t *testing.T) {
	decider, presenter, dissenter := record.SectionDecider, record.SectionPresenter, record.SectionDissentAuthor
	for _, c := range []struct {
		granted, asked []record.Section
		dissent        bool
		want           []record.Section
		says           string
	}{
		{nil, []record.Section{decider, dissenter}, true, []record.Section{decider, dissenter}, ""},
		{[]record.Section{decider}, []record.Section{decider, presenter}, false, []record.Section{decider}, ""},
		{[]record.Section{decider, presenter}, []record.Section{decider}, false, nil, "only what was asked for can be granted: DECIDER"},
		{nil, []record.Section{decider, dissenter}, false, nil, "nobody dissented"},
	} {
		got, err := within(c.granted, c.asked, c.dissent)
		if !slices.Equal(got, c.want) || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v of %v: %v, %v", c.granted, c.asked, got, err)
		}
	}
}

// TestAdviceFits: the same no of the server, and the same error here, is told with what
// to do in the command that it met.
func TestAdviceFits(t *testing.T) {
	const id = "mfrggzdfmztwq2lknnwg23tpoa"
	ended := &client.Error{Code: codes.FailedPrecondition, Reason: "ENDED"}
	pin := &client.PinError{Requester: order.Requester{Requester: id, Name: "Kammarrätten"}}
	for _, c := range []struct {
		command      string
		err          error
		sv, en, none string
	}{
		{"draft withdraw", ended, "(corrects eller amends", "(corrects or amends", "request show"},
		{"request withdraw", ended, "sigill request show", "sigill request show", "corrects"},
		{"collect", ended, "sigill request show", "sigill request show", "corrects"},
		{"review approve", ended, "sigill request show", "sigill request show", "corrects"},
		{"collect", &client.Error{Code: codes.FailedPrecondition, Reason: "NOT_RELEASED"}, "Är den avslagen står skälet där", "Refused: why stands there", "Wait for the reviewers;"},
		{"review show", pin, "Kammarrätten (" + id + ") begär med", "Kammarrätten (" + id + ") asks with", "%!"},
		{"review reseal", pin, "sigill review pin " + id + " KONTROLLSUMMA", "sigill review pin " + id + " THUMBPRINT", "%!"},
		{"draft new", client.ErrExists, "Ange ett annat namn.\n", "Give another name.\n", "--force"},
		{"sign", keyfile.ErrExists, "--force", "--force", "%!"},
	} {
		for lang, want := range map[string]string{"sv": c.sv, "en": c.en} {
			var said bytes.Buffer
			a := &app{words: languages[lang], stderr: &said}
			cmd, _, err := a.root().Find(strings.Fields(c.command))
			if err != nil {
				t.Fatal(err)
			}
			if a.fail(cmd, c.err); !strings.Contains(said.String(), want) || strings.Contains(said.String(), c.none) {
				t.Errorf("%s, %s: %s", c.command, lang, said.String())
			}
		}
	}
	if !errors.Is(pin, client.ErrNotPinned) || !errors.Is(pin, client.ErrVerification) {
		t.Error("is not ErrNotPinned")
	}
}

// TestTold: whoever verifies a decision, and whoever is to sign one, reads what the mode
// and the item mean, in their language.
func TestTold(t *testing.T) {
	s := story.New(t)
	bundle, err := s.Decide(s.Plan()).Bundle().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	trust, err := s.TrustFile.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "trust.json")
	if err := os.WriteFile(path, trust, 0o600); err != nil {
		t.Fatal(err)
	}
	for lang, want := range map[string][2]string{
		"sv": {"DELEGATE_DECIDES (en delegat har beslutat; undertecknaren har kontrasignerat)\n", "Delegationspunkt: 2.4 (delegationsordning version 3)\n"},
		"en": {"DELEGATE_DECIDES (a delegate decided; the signer countersigned)\n", "Delegation item: 2.4 (delegation order version 3)\n"},
	} {
		var out, talk bytes.Buffer
		if code := run(context.Background(), []string{"verify", "-", "--trust", path, "--lang", lang}, bytes.NewReader(bundle), &out, &talk); code != exitOK || !strings.Contains(out.String(), want[0]) {
			t.Errorf("%s: exit %d, %s%s", lang, code, out.String(), talk.String())
		}
		out.Reset()
		a := &app{words: languages[lang]}
		if err := a.screenTo(&out, &client.Case{Draft: statement.Draft{Item: "2.4", Order: order.Version{Version: 3}}, Order: &order.Delegation{}}); err != nil || !strings.Contains(out.String(), want[1]) {
			t.Errorf("%s: %v, %s", lang, err, out.String())
		}
		for mode, says := range map[record.Mode]string{record.ExecutiveDecides: a.t("the signer decided"), record.BoardDecides: a.t("the board or a committee decided; the signer dispatched the extract")} {
			if got := a.mode(mode); got != string(mode)+" ("+says+")" {
				t.Error(got)
			}
		}
	}
}
