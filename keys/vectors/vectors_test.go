package vectors_test

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"sigill/keys/vectors"
)

// TestRead: both forms of lines, and comments of both.
func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.txt")
	const text = "# a: comment\n#b c\na: one two\nb/1 3\n\nempty: \nalone\nc: d: e\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a": "one two", "b/1": "3", "empty": "", "c": "d: e"}
	if got := vectors.Read(t, path); !maps.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestFlips: a short text is changed in every byte in two ways, one of middling
// length in every byte, and the text itself is never tried.
func TestFlips(t *testing.T) {
	for _, n := range []int{50, 3000, 9999} {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('a' + i%20)
		}
		at := make([]int, n)
		vectors.Flips(string(b), func(changed string) {
			if changed == string(b) {
				t.Fatal("not changed")
			}
			for i := range n {
				if len(changed) == n && changed[i] != b[i] {
					at[i]++
					break
				}
			}
		})
		for i, c := range at {
			if want := map[bool]int{true: 2, false: 1}[n < 2000]; c < want {
				t.Fatalf("of %d bytes byte %d was changed %d times", n, i, c)
			}
		}
	}
}
