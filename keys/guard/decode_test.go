package guard_test

import (
	"testing"

	"sigill/keys/guard"
)

// TestEncodedEnds: in a run of encoded bytes that is no text as a whole, the
// end that is text is read.
func TestEncodedEnds(t *testing.T) {
	for body, column := range map[string]int{
		"%FF%20%41%6E%6E%61 Lindberg":    4,
		"%FF%C3%20%41nna Lindberg":       7,
		"%E2%82%20%41nna Lindberg":       7,
		"x %C3%A5%FF %41nna%20Lindberg":  13,
		"=FF=E5 Anna Lindberg":           8,
		"%25FF%2520%2541nna Lindberg":    6,
		"%FF%FF%FF%FF&%46 Anna Lindberg": 18,
	} {
		got := guard.Check(names("Anna Lindberg"), guard.Text{Field: "content", Body: body})
		if len(got) != 1 || got[0].Kind != guard.Name || got[0].Column != column {
			t.Errorf("%q: got %v, want a name in column %d", body, got, column)
		}
	}
	if got := guard.Check(names("Åsa Öberg"), guard.Text{Field: "content", Body: "%E2%82%20%C5sa %D6berg"}); len(got) != 1 || got[0].Column != 7 {
		t.Errorf("Latin-1 after what is no text: %v", got)
	}
}

// TestLinkHidesNoLink: what is no link target to a reader takes no other link,
// and no part of a name, away.
func TestLinkHidesNoLink(t *testing.T) {
	for _, body := range []string{
		"Se [bilagan](sidan 2. [Bj](x)örn Frid",
		"](\n\n[Bj](x)örn Frid",
		"[a](<b [Bj](x)örn Frid",
		"[a](b(c [Bj](x)örn Frid",
		"[a][b [Bj](x)örn Frid",
		"[Bj](x(y)z)örn Frid",
		"[Bj](x(y)örn Frid) [Bj](x)örn Frid",
		"[Bj](<x y>)örn Frid",
		"[Bj]( x )örn Frid",
		"[Bj](x\\)y)örn Frid",
		"[Bj](x[y]z)örn Frid",
	} {
		check(t, names("Björn Frid"), body, guard.Name)
	}
}
