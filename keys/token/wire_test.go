package token_test

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"sigill/keys/token"
)

// TestWritten: what a header block grows by is what is said, for values of every length
// and kind, with no table to refer to.
func TestWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	written := func(value string) int {
		var b bytes.Buffer
		e := hpack.NewEncoder(&b)
		e.SetMaxDynamicTableSize(0)
		for _, v := range []string{"x", value} { // the first says that there is no table
			b.Reset()
			if err := e.WriteField(hpack.HeaderField{Name: "authorization", Value: v}); err != nil {
				t.Fatal(err)
			}
		}
		return b.Len() - 2 // the name, as a number of two bytes
	}
	for n := range 9000 {
		if n == 0 || n > 300 && n%97 > 1 {
			continue
		}
		random := make([]byte, n)
		for i := range random {
			random[i] = byte(r.Uint32())
		}
		for _, v := range []string{strings.Repeat("0", n), strings.Repeat("~", n), base64.RawURLEncoding.EncodeToString(random)[:n]} {
			if got, want := token.RequestSize([]string{v}, 0), written(v); got != want {
				t.Fatalf("%d bytes of %.3q: %d, and %d are written", n, v, got, want)
			}
		}
	}
}
