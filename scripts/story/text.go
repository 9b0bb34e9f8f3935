package story

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sigill/client"
	"sigill/keys/guard"
	"sigill/keys/jws"
	"sigill/keys/statement"
	"sigill/scripts/devidp/devidp"
)

// What cannot be played, each with one line in Swedish that says why.
var (
	ErrText = errors.New("texten kan inte spelas")
	ErrName = errors.New("namnet kan inte spelas")
)

// What the story says besides the text that it was given. A name that stands in
// one of these is refused: it could not be kept out of the decision.
const (
	title   = "Boendestöd och kontaktperson"
	contact = "socialkontorets mottagning, mottagningen@exempelstad.example"
	dissent = "Kontaktperson borde ha beviljats."
	revised = "\nBoendestödet gäller från och med den 1 december 2026.\n"
)

// A Script is a text in the three forms that the story sends, all checked: when
// it is made, nothing in the text or the name is left to stop the story.
type Script struct {
	Media   string
	Named   []byte   // names its author; must be refused
	Mended  []byte   // without those lines, with every part that the law asks for
	Revised []byte   // what is signed
	Changes []string // what the story did to the text besides, in Swedish
}

// Prepare makes the story's script of any text, or says in one line why that
// text or that author's name cannot be played.
func Prepare(content []byte, author devidp.User) (*Script, error) {
	me := client.Identity{Name: author.Name, Email: author.Email, Phone: author.Phone, UserID: author.Username, HSAID: author.HSAID}
	if err := checkName(me); err != nil {
		return nil, err
	}
	text, changes, err := tidy(content)
	if err != nil {
		return nil, err
	}
	s := &Script{Changes: changes}
	named := text
	if len(names(me, named)) == 0 {
		named += label(me)
	}
	mended := mend(me, named)
	if !slices.ContainsFunc([]rune(mended), seen) {
		return nil, fmt.Errorf("%w: ingenting är kvar när raderna som nämner den som skrev är strukna", ErrText)
	}
	mended, added := addParts(mended)
	if len(added) > 0 {
		s.Changes = append(s.Changes, "det som lagen kräver och som saknades är tillagt ("+strings.Join(added, ", ")+")")
	}
	s.Named, s.Mended, s.Revised = []byte(named), []byte(mended), []byte(mended+revised)
	if err := s.choose(); err != nil {
		return nil, err
	}
	return s, s.clean(me)
}

func label(me client.Identity) string { return "\nHandläggare: " + me.Name + "\n" }

// names finds where a text names the author.
func names(me client.Identity, texts ...string) []guard.Finding {
	var in []guard.Text
	for _, t := range texts {
		in = append(in, guard.Text{Body: t})
	}
	return guard.Check(guard.Terms{Names: []string{me.Name}, Emails: []string{me.Email}, Phones: []string{me.Phone},
		UserIDs: []string{me.UserID}, HSAIDs: []string{me.HSAID}}, in...)
}

// checkName holds that the guard finds the name where somebody signs with it:
// another cannot be kept out of a text.
func checkName(me client.Identity) error {
	alone := client.Identity{Name: me.Name}
	if jws.CheckText(me.Name) != nil || utf8.RuneCountInString(me.Name) > 120 || strings.ContainsRune(me.Name, '\n') || len(names(alone, label(me))) == 0 {
		return fmt.Errorf("%w: det måste ha ett ord med minst två bokstäver och högst 120 tecken på en rad, så att det kan hittas i en text", ErrName)
	}
	return nil
}

// choose takes Markdown where every form passes as such, else plain text.
func (s *Script) choose() error {
	err := s.check(statement.MediaMarkdown)
	if errors.Is(err, guard.ErrHTML) || errors.Is(err, guard.ErrImage) || errors.Is(err, guard.ErrHidden) {
		if err = s.check(statement.MediaPlain); err == nil {
			s.Changes = append(s.Changes, "den tas som ren text, eftersom den som Markdown har HTML, bilder eller dolt")
		}
	}
	return err
}

// check says in Swedish what the guard of the client would refuse.
func (s *Script) check(media string) error {
	s.Media = media
	for _, b := range [][]byte{s.Named, s.Mended, s.Revised} {
		err := guard.CheckMedia(media, b)
		if err == nil {
			continue
		}
		for _, known := range []struct {
			is   error
			says string
		}{{guard.ErrTooLarge, "den är för stor: högst 1 MiB med de rader som berättelsen lägger till"},
			{guard.ErrWrongType, "den är HTML, XML, RTF, PDF, en bild eller ett brev, inte ren text eller Markdown"},
			{guard.ErrControl, "den har styrtecken och är inte ren text"}} {
			if errors.Is(err, known.is) {
				return fmt.Errorf("%w: %s", ErrText, known.says)
			}
		}
		return fmt.Errorf("%w: %w", ErrText, err)
	}
	return nil
}

// clean holds that the form is refused that names the author, and the others are
// not, with all that is said beside the text.
func (s *Script) clean(me client.Identity) error {
	guarded := func(content []byte) error {
		t := s.text(content, "")
		t.Record.Decider.Person.Name = me.Name
		return (&client.Caseworker{Me: me}).Guard(t, &t.Record)
	}
	if err := guarded(s.Named); !errors.Is(err, client.ErrNamed) {
		return fmt.Errorf("%w: det hittas inte i texten", ErrName)
	}
	if err := errors.Join(guarded(s.Mended), guarded(s.Revised)); err != nil || len(names(me, dissent)) > 0 {
		return fmt.Errorf("%w: det är ord som berättelsens egna texter behöver", ErrName)
	}
	return nil
}

// text is the form with a content of the script.
func (s *Script) text(content []byte, caseRef string) client.Text {
	t := Text(content, caseRef)
	t.Media = s.Media
	return t
}

// tidy reads bytes as text: what editors and systems leave in one is mended and
// said, what is no text in UTF-8 is refused.
func tidy(content []byte) (text string, changes []string, err error) {
	if bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")) {
		return "", nil, fmt.Errorf("%w: den är UTF-16; spara den som UTF-8", ErrText)
	}
	if at := bytes.IndexByte(content, 0); at >= 0 {
		return "", nil, fmt.Errorf("%w: den är binär, eller UTF-16 (en nollbyte på plats %d)", ErrText, at)
	}
	text = string(content)
	if !utf8.ValidString(text) {
		at := strings.IndexFunc(text, func(r rune) bool { return r == utf8.RuneError })
		return "", nil, fmt.Errorf("%w: den är inte UTF-8 (rad %d)", ErrText, 1+strings.Count(text[:at], "\n"))
	}
	for _, m := range []struct {
		mend func(string) string
		says string
	}{
		{func(s string) string { return strings.ReplaceAll(s, "\ufeff", "") }, "byteordningsmärket är struket"},
		{lineEnds.Replace, "radsluten är gjorda till LF"},
		{func(s string) string { return strings.Map(undirected, s) }, "tecken som vänder skriftens riktning är strukna"},
	} {
		if t := m.mend(text); t != text {
			text, changes = t, append(changes, m.says)
		}
	}
	if !slices.ContainsFunc([]rune(text), seen) {
		return "", nil, fmt.Errorf("%w: den är tom", ErrText)
	}
	return text, changes, nil
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\f", "\n", "\v", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

func undirected(r rune) rune {
	if unicode.Is(unicode.Bidi_Control, r) {
		return -1
	}
	return r
}

// seen is a letter or a digit: a text without any says nothing.
func seen(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// mend takes out the lines that name the author.
func mend(me client.Identity, text string) string {
	for {
		found := names(me, text)
		if len(found) == 0 {
			return text
		}
		drop := map[int]bool{}
		for _, f := range found {
			drop[f.Line] = true
		}
		n := 0
		lines := slices.DeleteFunc(strings.Split(text, "\n"), func(string) bool { n++; return drop[n] })
		text = strings.Join(lines, "\n")
	}
}
