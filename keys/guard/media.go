package guard

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"mime"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxContent is the largest content in bytes.
const MaxContent = 1 << 20

// A MediaError says on which line, from 1, something is wrong with a content; what
// is wrong is one of the errors below.
type MediaError struct {
	Line int
	Err  error
}

func (e *MediaError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap is what is wrong.
func (e *MediaError) Unwrap() error { return e.Err }

// What CheckMedia refuses. The errors that it returns are one of these, in a
// [*MediaError] where there is a line, and never hold what they found.
var (
	ErrMediaType = errors.New("only text/plain and text/markdown in UTF-8 are accepted until other documents can be read")
	ErrEmpty     = errors.New("the content is empty")
	ErrTooLarge  = errors.New("the content is larger than 1 MiB")
	ErrEncoding  = errors.New("not valid UTF-8")
	ErrBOM       = errors.New("a byte order mark")
	ErrControl   = errors.New("a control character other than line feed and tab")
	ErrBidi      = errors.New("a character that changes the direction of writing")
	ErrSeparator = errors.New("a Unicode line or paragraph separator")
	ErrHidden    = errors.New("text that a reader does not see")
	ErrHTML      = errors.New("HTML in Markdown")
	ErrImage     = errors.New("an image")
	ErrWrongType = errors.New("the bytes are of another type than text")
)

// CheckMedia says whether content is what it claims to be and shows all that
// it says, so that the text that is signed is the text that is read. Media types are text/plain and text/markdown, each with or without
// charset=utf-8. Markdown may hold no HTML, no images and nothing that renders
// as nothing: link reference definitions, link titles, invisible characters
// written as entities. Autolinks are no HTML if they are http, https, mailto
// or tel. A less-than sign before a letter can be written \< or &lt;.
func CheckMedia(mediaType string, content []byte) error {
	kind, err := textKind(mediaType)
	if err != nil {
		return err
	}
	switch {
	case len(content) > MaxContent:
		return ErrTooLarge
	case bytes.HasPrefix(content, []byte("\xef\xbb\xbf")):
		return &MediaError{1, ErrBOM}
	}
	if err := checkCharacters(content); err != nil {
		return err
	}
	if bytes.IndexFunc(content, func(r rune) bool { return !unicode.IsSpace(r) && !invisible(r) }) < 0 {
		return ErrEmpty
	}
	if otherType(content) {
		return &MediaError{1, ErrWrongType}
	}
	if kind == markdown {
		return checkMarkdown(content)
	}
	return nil
}

const (
	plainText = "text/plain"
	markdown  = "text/markdown"
)

// textKind is a media type without its parameters.
func textKind(mediaType string) (string, error) {
	if mediaType == plainText || mediaType == markdown {
		return mediaType, nil
	}
	kind, params, err := mime.ParseMediaType(mediaType)
	if err != nil || kind != plainText && kind != markdown {
		return "", ErrMediaType
	}
	for k, v := range params {
		if k != "charset" || !strings.EqualFold(v, "utf-8") {
			return "", ErrMediaType
		}
	}
	return kind, nil
}

// magics are how documents of other kinds begin that can be valid UTF-8, in lower
// case, after white space. PDF readers look for their mark in the first 1024 bytes.
var (
	magics   = []string{"<!doctype", "<html", "<?xml", "<svg", "<script", `{\rtf`, "%!ps", "gif87a", "gif89a", "mime-version:"}
	pdfMagic = regexp.MustCompile(`(?i)%pdf-\d`)
)

func otherType(content []byte) bool {
	start := bytes.TrimSpace(content)
	start = bytes.ToLower(start[:min(len(start), 32)])
	head := content[:min(len(content), 1024)]
	return slices.ContainsFunc(magics, func(m string) bool { return bytes.HasPrefix(start, []byte(m)) }) || pdfMagic.Match(head)
}

func checkCharacters(content []byte) error {
	line := 1
	for i := 0; i < len(content); {
		if c := content[i]; c >= 0x20 && c < 0x7F { // nearly all text, and in order
			i++
			continue
		}
		r, n := utf8.DecodeRune(content[i:])
		if r == utf8.RuneError && n == 1 {
			return &MediaError{line, ErrEncoding}
		}
		if err := character(r); err != nil {
			return &MediaError{line, err}
		}
		if r == '\n' {
			line++
		}
		i += n
	}
	return nil
}

// character refuses what no text needs and what shows other than it is.
func character(r rune) error {
	switch {
	case r >= 0x20 && r < 0x7F, r >= 0xA0 && r < 0x300, r == '\n', r == '\t':
		return nil // nearly all text
	case r == 0xFEFF:
		return ErrBOM
	case r == 0x2028 || r == 0x2029:
		return ErrSeparator
	case unicode.Is(unicode.Bidi_Control, r):
		return ErrBidi
	case unicode.IsControl(r):
		return ErrControl
	case r >= 0xE0000 && r <= 0xE0FFF, unicode.Is(unicode.Noncharacter_Code_Point, r):
		return ErrHidden
	}
	return nil
}

var (
	htmlStart  = regexp.MustCompile(`<[A-Za-z/!?]`)
	autolink   = regexp.MustCompile(`^<(?:(?i:https?|mailto|tel):[^\s<>]*|[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+@[A-Za-z0-9.-]+)>`)
	image      = regexp.MustCompile(`!\[`)
	definition = regexp.MustCompile(`^(?:[\s>*+-]|\d+[.)]\s)*\[[^\]]*\]:|^[^\[]*\]:`)
	linkTitle  = regexp.MustCompile(`\]\(\s*(?:<[^<>]*>|\S*)\s+["'(]|\]\([^)]*$`)
	fenceInfo  = regexp.MustCompile("^[\\s>]*(?:`{3,}|~{3,})\\s*\\S+\\s+\\S")
	entities   = regexp.MustCompile(`&#?[A-Za-z0-9]{1,32};`)
)

// marks are the characters of which every pattern has one.
const marks = "<[]&`~"

// checkMarkdown goes line by line: of what CommonMark lets run over lines, a
// tag is refused at its start, a link or label where its line leaves it open.
func checkMarkdown(content []byte) error {
	// Most texts hold none, and one search for each is faster than one for all.
	if !slices.ContainsFunc([]byte(marks), func(c byte) bool { return bytes.IndexByte(content, c) >= 0 }) {
		return nil
	}
	n := 0
	for line := range bytes.SplitSeq(content, []byte("\n")) {
		n++
		if err := markdownLine(line); err != nil {
			return &MediaError{n, err}
		}
	}
	return nil
}

func markdownLine(line []byte) error {
	if !bytes.ContainsAny(line, marks) {
		return nil
	}
	for _, at := range htmlStart.FindAllIndex(line, -1) {
		if !escaped(line, at[0]) && !autolink.Match(line[at[0]:]) {
			return ErrHTML
		}
	}
	for _, at := range image.FindAllIndex(line, -1) {
		if !escaped(line, at[0]) {
			return ErrImage
		}
	}
	if bytes.Contains(line, []byte("]:")) && definition.Match(line) ||
		bytes.Contains(line, []byte("](")) && linkTitle.Match(line) ||
		bytes.ContainsAny(line, "`~") && fenceInfo.Match(line) {
		return ErrHidden
	}
	for _, e := range entities.FindAll(line, -1) {
		for _, r := range html.UnescapeString(string(e)) {
			if err := character(r); err != nil {
				return err
			}
			if invisible(r) {
				return ErrHidden
			}
		}
	}
	return nil
}

// escaped says whether an odd number of backslashes stands before line[at].
func escaped(line []byte, at int) bool {
	n := 0
	for at-n > 0 && line[at-n-1] == '\\' {
		n++
	}
	return n%2 == 1
}
