package unseal_test

import (
	"testing"

	"sigill/keys/record"
	"sigill/keys/unseal"
)

// BenchmarkOpen is a court's part: seven sections from the releases of a quorum.
func BenchmarkOpen(b *testing.B) {
	m := newMatter(b, 1)
	shares := m.shares(b, all, place{1, 1}, place{1, 2}, place{2, 1})
	r := m.release(b, place{2, 1}, all)
	for b.Loop() {
		if _, err := unseal.OpenRelease(m.head, r, m.recipient, m.request); err != nil {
			b.Fatal(err)
		}
		if got, err := unseal.Combine(m.head, m.core, shares, all); err != nil || len(got) != record.Sections {
			b.Fatal(err)
		}
	}
}
