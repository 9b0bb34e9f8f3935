package gate_test

import (
	"bytes"
	"testing"

	"sigill/server/store"
)

// The price of the gate for a value of 4 KiB, over an engine that costs next to
// nothing: compare BenchmarkGet with BenchmarkGetBare.

func benchmarkGet(b *testing.B, s store.Store) {
	value := bytes.Repeat([]byte{7}, 4096)
	ok(b, s.Commit(b.Context(), store.Changes{{Room: room, Key: []byte("k"), Value: value}}))
	snapshot, err := s.Snapshot(b.Context())
	ok(b, err)
	defer snapshot.Close()
	for b.Loop() {
		if _, err := snapshot.Get(room, []byte("k")); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkPut(b *testing.B, s store.Store) {
	changes := store.Changes{{Room: room, Key: []byte("k"), Value: bytes.Repeat([]byte{7}, 4096)}}
	for b.Loop() {
		if err := s.Commit(b.Context(), changes); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B)     { _, s := pair(b); benchmarkGet(b, s) }
func BenchmarkGetBare(b *testing.B) { s, _ := pair(b); benchmarkGet(b, s) }
func BenchmarkPut(b *testing.B)     { _, s := pair(b); benchmarkPut(b, s) }
func BenchmarkPutBare(b *testing.B) { s, _ := pair(b); benchmarkPut(b, s) }

func BenchmarkMAC(b *testing.B) {
	_, s := pair(b)
	for b.Loop() {
		s.MAC("case", []byte("B 2026-1"))
	}
}

func BenchmarkMatterSeal(b *testing.B) {
	key, plaintext := newMatterKey(), make([]byte, 4096)
	for b.Loop() {
		key.Seal("content/1", plaintext)
	}
}
