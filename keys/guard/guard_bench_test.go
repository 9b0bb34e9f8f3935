package guard_test

import (
	"testing"

	"sigill/keys/guard"
)

// appendix brings a decision of the corpus to the 4 KiB of a usual one.
const appendix = `
## Bilaga

- **Insats:** kontaktfamilj, en helg i månaden
- **Uppföljning:** *senast* den 15 maj 2027

> Barnens röster ska höras innan insatsen följs upp, och då på nytt av någon som de känner.
`

// BenchmarkSubmission is what the server asks of every submission: a decision,
// the free texts beside it, and one author.
func BenchmarkSubmission(b *testing.B) {
	plain := read(b, "testdata/corpus/barn-35.txt").body + appendix
	for name, content := range map[string]string{
		"plain": plain,
		"links": plain + "\nLäs mer om [hur du överklagar](https://bjorkvik.example/overklaga?steg=1&sida=2) &ndash; 25 % gör det.\n",
	} {
		b.Run(name, func(b *testing.B) { submit(b, content) })
	}
}

func submit(b *testing.B, content string) {
	texts := []guard.Text{
		{Field: "content", Body: content},
		{Field: "statement.title", Body: "Beslut om kontaktfamilj för två barn"},
		{Field: "statement.matter", Body: "Ansökan om bistånd enligt socialtjänstlagen"},
		{Field: "statement.contact", Body: "Socialförvaltningens mottagning, 0123-456 00, mottagning.barn@bjorkvik.example"},
		{Field: "statement.reason", Body: "Uppgiften lämnas ut på begäran hos nämnden."},
		{Field: "statement.unit", Body: "Enheten för barn och unga"},
	}
	media := []byte(content)
	b.ReportAllocs()
	for b.Loop() {
		if err := guard.CheckMedia("text/markdown", media); err != nil {
			b.Fatal(err)
		}
		if found := guard.Check(anna, texts...); found != nil {
			b.Fatal(found)
		}
	}
}
