package seal_test

import (
	"testing"

	"sigill/keys/seal"
)

// BenchmarkSeal is the server's part of a draft: the seal from the seed, and
// one HPKE message for each reviewer.
func BenchmarkSeal(b *testing.B) {
	one := []seal.Group{{Group: 1, Threshold: 1, Members: 3}}
	two := []seal.Group{{Group: 1, Threshold: 1, Members: 3}, {Group: 2, Threshold: 2, Members: 4}}
	for _, c := range []struct {
		name   string
		groups []seal.Group
	}{{"1-of-3", one}, {"1-of-3+2-of-4", two}} {
		in := golden(b)
		in.groups = c.groups
		to := reviewer(b).PublicKey()
		b.Run(c.name+"/new", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				in.seal(b)
			}
		})
		b.Run(c.name+"/new+wrap", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s := in.seal(b)
				for _, g := range c.groups {
					for i := range g.Members {
						if _, err := s.Wrap(g.Group, i+1, to); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
		})
	}
}
