package proof_test

import (
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/proof"
)

func TestTilePath(t *testing.T) {
	for path, want := range map[string]tlog.Tile{
		"tile/0/000":                   {H: 8, L: 0, N: 0, W: 256},
		"tile/0/999.p/255":             {H: 8, L: 0, N: 999, W: 255},
		"tile/1/x001/000.p/1":          {H: 8, L: 1, N: 1000, W: 1},
		"tile/6/x001/x234/067":         {H: 8, L: 6, N: 1234067, W: 256},
		"tile/entries/x001/x234/067":   {H: 8, L: -1, N: 1234067, W: 256},
		"tile/entries/x001/234.p/16":   {H: 8, L: -1, N: 1234, W: 16},
		"tile/63/x035/x184/x372/088":   {H: 8, L: 63, N: 35184372088, W: 256},
		"tile/entries/x035/x184/x372/": {},
		"tile/entries/000.p/256":       {},
		"tile/data/000":                {},
		"tile/8/0/000":                 {},
		"/tile/0/000":                  {},
		"tile/0":                       {},
		"tile/":                        {},
		"":                             {},
	} {
		got, err := proof.ParseTilePath(path)
		if got != want || (want == tlog.Tile{}) != errors.Is(err, proof.ErrTile) {
			t.Errorf("%s: %v, %v", path, got, err)
		}
		if err == nil && proof.TilePath(got.L, uint64(got.N), got.W) != path {
			t.Errorf("%s has a second form", path)
		}
	}
}

func FuzzParseTilePath(f *testing.F) {
	f.Add("tile/0/000")
	f.Add("tile/entries/x001/234.p/16")
	f.Fuzz(func(t *testing.T, path string) {
		got, err := proof.ParseTilePath(path)
		if err == nil && (proof.TilePath(got.L, uint64(got.N), got.W) != path || got.N < 0 || got.W < 1 || got.W > 256) {
			t.Fatalf("%q is %v", path, got)
		}
	})
}
