package seal_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"sigill/keys/order"
	"sigill/keys/seal"
)

// TestByteFlip changes each byte of a head: what is still a head has another core
// digest, and re-encodes to what was changed. That no changed wrapping, release
// or ciphertext opens is shown by TestByteFlip of keys/unseal.
func TestByteFlip(t *testing.T) {
	s := golden(t).seal(t)
	head := marshal(t, &s.Head)
	core := digest(t, &s.Head)
	for i := range head {
		for _, flip := range []byte{1, 0x80, 0xff} {
			head[i] ^= flip
			h, err := seal.ParseHead(head)
			if err == nil && (digest(t, h) == core || !bytes.Equal(marshal(t, h), head)) {
				t.Errorf("byte %d can be changed by %#x", i, flip)
			}
			head[i] ^= flip
		}
	}
}

// Cut, longer, and values that no head has.
func TestE11_heads(t *testing.T) {
	s := golden(t).seal(t)
	head := marshal(t, &s.Head)
	for n := range head {
		if h, err := seal.ParseHead(head[:n]); err == nil || h != nil {
			t.Fatalf("a head of %d bytes: %v", n, err)
		}
	}
	const (
		revision = 1 + 1 + 11 + 16
		epoch    = revision + 4 + 64
		groups   = epoch + 4 + 32
	)
	put := func(at int, n uint32) func(b []byte) []byte {
		return func(b []byte) []byte { binary.BigEndian.PutUint32(b[at:], n); return b }
	}
	set := func(at int, v byte) func(b []byte) []byte {
		return func(b []byte) []byte { b[at] = v; return b }
	}
	for name, c := range map[string]struct {
		change func(b []byte) []byte
		want   error
	}{
		"longer":          {func(b []byte) []byte { return append(b, 0) }, seal.ErrFormat},
		"version 0":       {set(0, 0), seal.ErrFormat},
		"version 2":       {set(0, 2), seal.ErrFormat},
		"no organisation": {set(12, '9'), seal.ErrFormat},
		"short authority": {set(1, 10), seal.ErrFormat},
		"revision 0":      {put(revision, 0), seal.ErrFormat},
		"revision 1001":   {put(revision, 1001), seal.ErrFormat},
		"epoch 0":         {put(epoch, 0), seal.ErrFormat},
		"epoch 2^31":      {put(epoch, 1<<31), seal.ErrFormat},
		"no groups":       {func(b []byte) []byte { return append(append(b[:groups:groups], 0), b[groups+7:]...) }, order.ErrGroup},
		"half a group":    {func(b []byte) []byte { return append(append(b[:groups:groups], 4), b[groups+1:]...) }, seal.ErrFormat},
		"five groups": {func(b []byte) []byte {
			return append(append(b[:groups:groups], 15, 1, 1, 3, 2, 1, 3, 3, 1, 3, 4, 1, 3, 5, 1, 3), b[groups+7:]...)
		}, order.ErrGroup},
		"group 2 first":    {set(groups+1, 2), order.ErrGroup},
		"threshold 0":      {set(groups+2, 0), order.ErrGroup},
		"n = t + 1":        {set(groups+2, 3), order.ErrGroup},
		"16 members":       {set(groups+3, 16), order.ErrGroup},
		"one member more":  {set(groups+3, 5), seal.ErrFormat},
		"one member fewer": {func(b []byte) []byte { b[groups+2], b[groups+3] = 1, 3; return b }, seal.ErrFormat},
	} {
		h, err := seal.ParseHead(c.change(bytes.Clone(head)))
		if h != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func messages(t testing.TB) (wrapping, release []byte) {
	box := bytes.Repeat([]byte{0xab}, seal.BoxSize)
	w := &seal.Wrapping{Epoch: 3, Group: 2, Index: 15, Generation: 1<<32 - 1, Box: box}
	r := &seal.Release{Epoch: 1<<31 - 1, Group: 4, Index: 1, Scope: 127, Box: box}
	return w.Marshal(), r.Marshal()
}

// Wrappings and releases have one form and one length.
func TestE11_messages(t *testing.T) {
	wrapping, release := messages(t)
	w, err := seal.ParseWrapping(wrapping)
	if err != nil || w.Epoch != 3 || w.Group != 2 || w.Index != 15 || w.Generation != 1<<32-1 || len(w.Box) != 1360 || len(wrapping) != 1371 {
		t.Errorf("%d bytes: %+v, %v", len(wrapping), w, err)
	}
	r, err := seal.ParseRelease(release)
	if err != nil || r.Epoch != 1<<31-1 || r.Group != 4 || r.Index != 1 || r.Scope != 127 || len(r.Box) != 1360 || len(release) != 1368 {
		t.Errorf("%d bytes: %+v, %v", len(release), r, err)
	}
	refuse := func(name string, parse func(b []byte) error, good []byte, bad map[int]byte) {
		t.Helper()
		for n := range good {
			if err := parse(good[:n]); !errors.Is(err, seal.ErrFormat) {
				t.Errorf("%s of %d bytes: %v", name, n, err)
			}
		}
		if err := parse(append(bytes.Clone(good), 0)); !errors.Is(err, seal.ErrFormat) {
			t.Errorf("%s with a byte more: %v", name, err)
		}
		for at, v := range bad {
			b := bytes.Clone(good)
			b[at] = v
			if err := parse(b); !errors.Is(err, seal.ErrFormat) {
				t.Errorf("%s with %d at %d: %v", name, v, at, err)
			}
		}
	}
	refuse("a wrapping", func(b []byte) error {
		w, err := seal.ParseWrapping(b)
		if (w == nil) != (err != nil) {
			t.Error("a wrapping beside an error")
		}
		return err
	}, wrapping, map[int]byte{0: 0, 1: 0x80, 4: 0, 5: 0, 6: 0})
	refuse("a release", func(b []byte) error {
		r, err := seal.ParseRelease(b)
		if (r == nil) != (err != nil) {
			t.Error("a release beside an error")
		}
		return err
	}, release, map[int]byte{0: 2, 1: 0xff, 5: 0, 6: 0, 7: 0})
	release[7] = 128
	if _, err := seal.ParseRelease(release); !errors.Is(err, seal.ErrFormat) {
		t.Errorf("an eighth section: %v", err)
	}
}

func FuzzParseHead(f *testing.F) {
	s := golden(f).seal(f)
	f.Add(marshal(f, &s.Head))
	in := golden(f)
	in.groups = in.groups[1:]
	in.groups[0].Group = 1
	one := in.seal(f)
	f.Add(marshal(f, &one.Head))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := seal.ParseHead(data)
		if err != nil {
			return
		}
		if again, err := h.Marshal(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%x becomes %x (%v)", data, again, err)
		}
	})
}

func FuzzParseWrapping(f *testing.F) {
	w, r := messages(f)
	f.Add(w)
	f.Add(r)
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := seal.ParseWrapping(data)
		if err == nil && !bytes.Equal(w.Marshal(), data) {
			t.Fatalf("%x becomes %x", data, w.Marshal())
		}
	})
}

func FuzzParseRelease(f *testing.F) {
	w, r := messages(f)
	f.Add(w)
	f.Add(r)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := seal.ParseRelease(data)
		if err == nil && !bytes.Equal(r.Marshal(), data) {
			t.Fatalf("%x becomes %x", data, r.Marshal())
		}
	})
}
