package guard_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sigill/keys/guard"
)

const md, txt = "text/markdown", "text/plain"

// media is content and what is wrong with it, on which line (0: of no line).
type media struct {
	media, body string
	want        error
	line        int
}

func TestCheckMedia(t *testing.T) {
	checkMedia(t, []media{
		{txt, "Åäö\n\tx < 5 & <b> &zwj;\n", nil, 0},
		{"text/plain; charset=utf-8", "x", nil, 0},
		{`Text/Markdown;charset="UTF-8"`, "x", nil, 0},
		{md, "# R\n\n> *a* **b** `c` [d](https://x.example/?a=1&b=2)\n\n| a | b |\n|---|---|\n| <5 år | 3<4 |\n\n```go\nx\n```\n", nil, 0},
		{md, "<https://x.example> <mailto:a@x.se> <a.b@x.se> \\<namn> &lt;b&gt; &nbsp;&aring; a&b; [1] [x]\n- [ ] a\n", nil, 0},

		{"application/pdf", "x", guard.ErrMediaType, 0},
		{"text/html", "x", guard.ErrMediaType, 0},
		{"", "x", guard.ErrMediaType, 0},
		{"text/plain; charset=latin1", "x", guard.ErrMediaType, 0},
		{"text/markdown; variant=GFM", "x", guard.ErrMediaType, 0},
		{"text/plain; charset=utf-8; charset=latin1", "x", guard.ErrMediaType, 0},
		{"text/plain, text/markdown", "x", guard.ErrMediaType, 0},

		{txt, "", guard.ErrEmpty, 0},
		{txt, " \n\t\n", guard.ErrEmpty, 0},
		{txt, "\u00a0\u200b\n", guard.ErrEmpty, 0},
		{txt, strings.Repeat("x", guard.MaxContent+1), guard.ErrTooLarge, 0},
		{txt, strings.Repeat("x", guard.MaxContent), nil, 0},
		{txt, "a\nb\xe5", guard.ErrEncoding, 2},
		{txt, "a\xed\xa0\x80", guard.ErrEncoding, 1},
		{txt, "\ufeffa", guard.ErrBOM, 1},
		{txt, "a\nb\ufeff", guard.ErrBOM, 2},
		{txt, "a\r\nb", guard.ErrControl, 1},
		{txt, "a\n\nb\x00", guard.ErrControl, 3},
		{txt, "a\x1b[31m", guard.ErrControl, 1},
		{txt, "a\u0085", guard.ErrControl, 1},
		{txt, "a\u202egrebdniL", guard.ErrBidi, 1},
		{txt, "a\n\u2066b", guard.ErrBidi, 2},
		{txt, "a\u200f", guard.ErrBidi, 1},
		{txt, "a\u2028b", guard.ErrSeparator, 1},
		{txt, "a\u2029b", guard.ErrSeparator, 1},
		{txt, "a\U000E0041b", guard.ErrHidden, 1},
		{txt, "a\ufffe", guard.ErrHidden, 1},

		{txt, "%PDF-1.7\n", guard.ErrWrongType, 1},
		{txt, "text\n" + strings.Repeat("x", 900) + "%PDF-1.4", guard.ErrWrongType, 1},
		{txt, "  <!DOCTYPE html><p>", guard.ErrWrongType, 1},
		{txt, "<?xml version='1.0'?>", guard.ErrWrongType, 1},
		{txt, `{\rtf1 x}`, guard.ErrWrongType, 1},
		{txt, "PK\x03\x04", guard.ErrControl, 1},
	})
}

func TestCheckMarkdown(t *testing.T) {
	checkMedia(t, []media{
		{md, "a\n<b>x</b>", guard.ErrHTML, 2},
		{md, "a </b>", guard.ErrHTML, 1},
		{md, "a <!-- Anna -->", guard.ErrHTML, 1},
		{md, "a <!--\n-->", guard.ErrHTML, 1},
		{md, "<?php ?>", guard.ErrHTML, 1},
		{md, "x <![CDATA[y]]>", guard.ErrHTML, 1},
		{md, "x <img\nsrc=a>", guard.ErrHTML, 1},
		{md, `\\<b>`, guard.ErrHTML, 1},
		{md, "<javascript:alert(1)>", guard.ErrHTML, 1},
		{md, "<https://x.example/ onclick=a>", guard.ErrHTML, 1},
		{md, "a\n\n![x](https://x.example/p.png)", guard.ErrImage, 3},
		{md, "a\n[//]: # (Anna)", guard.ErrHidden, 2},
		{md, "> - [a]: https://x.example", guard.ErrHidden, 1},
		{md, "[a\nb]: https://x.example", guard.ErrHidden, 2},
		{md, `[a](https://x.example "Anna")`, guard.ErrHidden, 1},
		{md, "[a](https://x.example\n'Anna')", guard.ErrHidden, 1},
		{md, "```text Anna Lindberg\nx\n```", guard.ErrHidden, 1},
		{md, "An&zwnj;na", guard.ErrHidden, 1},
		{md, "An&#8203;na", guard.ErrHidden, 1},
		{md, "An&shy;na", guard.ErrHidden, 1},
		{md, "a\nAn&#x202e;na", guard.ErrBidi, 2},
		{md, "An&#x2028;na", guard.ErrSeparator, 1},
		{md, "An&#7;na", guard.ErrControl, 1},
	})
}

func checkMedia(t *testing.T, rows []media) {
	t.Helper()
	for _, c := range rows {
		err := guard.CheckMedia(c.media, []byte(c.body))
		if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%q %.60q: got %v, want %v", c.media, c.body, err, c.want)
			continue
		}
		if c.line > 0 && !strings.HasPrefix(err.Error(), fmt.Sprintf("line %d: ", c.line)) {
			t.Errorf("%q: %v, want line %d", c.body, err, c.line)
		}
		if err != nil && strings.Contains(err.Error(), "Anna") {
			t.Errorf("the error holds text: %v", err)
		}
	}
}

func TestWarn(t *testing.T) {
	for text, want := range map[string]guard.WarningKind{
		"Handläggare: x":                      guard.RoleLabel,
		"Handläggare:\n  Lind":                guard.RoleLabel,
		"fråga handläggare Lind":              guard.RoleLabel,
		"socialsekr. Lind":                    guard.RoleLabel,
		"Mvh\nLind":                           guard.RoleLabel,
		"Vår referens: x":                     guard.RoleLabel,
		"**Föredragande:** x":                 guard.RoleLabel,
		"säg det till Anna Lindberg":          guard.FullName,
		"Lars-Åke Lindberg":                   guard.FullName,
		"mejla a.b-c@x.example i dag":         guard.EmailAddress,
		"mejla a&#64;x.example":               guard.EmailAddress,
		"ring 070-174 06 05":                  guard.PhoneNumber,
		"ring +46 (0)70 174 06 05":            guard.PhoneNumber,
		"tel 0123-456 00":                     guard.PhoneNumber,
		"barnet 850709-9805 bor":              guard.PersonalNumber,
		"19850709-9805":                       guard.PersonalNumber,
		"19850709 9805, se":                   guard.PersonalNumber,
		"8507699802":                          guard.PersonalNumber, // coordination number
		"Komplettera.\n\n/AL\n":               guard.Initials,
		"Komplettera.\n\nAL":                  guard.Initials,
		"sign: AL":                            guard.Initials,
		"vår ref AL, dnr 7":                   guard.Initials,
		"SN 2026/0312/AL\nnästa":              guard.Initials,
		"850\u200b709\u00ad-98**05** fetstil": guard.PersonalNumber,
	} {
		got := guard.Warn(guard.Text{Field: "reason", Body: text})
		found := false
		for _, w := range got {
			found = found || w.Kind == want
		}
		if !found {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{
		"Beslutet den 2026-11-20 enligt 11 kap. 1 § SoL, LVU och FL.", "SN 2026/0312-14", "850709-9806", "12 400 kr, 3 500 kr", "handläggaren har inte",
		"@ x", "Se sidan 3. Anna trivs.", "Handläggning pågår", "mål nr 9112-26", "", "a@", "@b.se",
	} {
		if got := guard.Warn(guard.Text{Field: "reason", Body: text}); len(got) != 0 {
			t.Errorf("%q: %v", text, got)
		}
	}
	got := guard.Warn(guard.Text{Field: "a", Body: "x\n åä ring 070-174 06 05"}, guard.Text{Field: "b", Body: strings.Repeat("a@b.se ", 1000)})
	if got[0] != (guard.Warning{Kind: guard.PhoneNumber, Field: "a", Line: 2, Column: 10}) || len(got) != guard.MaxFindings {
		t.Errorf("%v, %d", got[0], len(got))
	}
}
