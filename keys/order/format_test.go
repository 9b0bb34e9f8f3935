package order_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/vectors"
)

// TestGolden: vectors that another implementation made are read as the values
// that they say, and made again to the byte.
func TestGolden(t *testing.T) {
	for _, k := range kinds(t) {
		g, got := vectors.Golden(t, k.file), empty(k.new)
		d, err := k.read(signatures(g), got)
		if err != nil || !reflect.DeepEqual(got, k.new) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", k.file, err, got, k.new)
			continue
		}
		if vectors.Canonical(t, got) != g["payload"] || d.String() != g["digest"] {
			t.Errorf("%s: payload or digest differ", k.file)
		}
		for i, s := range signatures(g) {
			if again, err := order.Sign(vectors.Ed25519(t, g["key"+string(rune('1'+i))]), k.new); err != nil || again != s {
				t.Errorf("%s: signed again: %v", k.file, err)
			}
		}
	}
}

// TestByteFlip: no changed byte of a signature passes.
func TestByteFlip(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.file, func(t *testing.T) {
			t.Parallel()
			all := signatures(vectors.Golden(t, k.file))
			vectors.Flips(all[0], func(changed string) {
				refuse(t, "changed", k, append([]string{changed}, all[1:]...), nil)
			})
		})
	}
}

// refuse fails the test unless the document is refused, for the reason wanted if
// one is, and nothing is returned or written.
func refuse(t *testing.T, what string, k kind, signatures []string, want error) {
	t.Helper()
	got := empty(k.new)
	d, err := k.read(signatures, got)
	if err == nil || want != nil && !errors.Is(err, want) {
		t.Errorf("%s: %s: %v", k.file, what, err)
	}
	if !d.IsZero() || !reflect.DeepEqual(got, empty(k.new)) {
		t.Errorf("%s: %s: refused, and yet something is returned", k.file, what)
	}
}

// TestBoard: enough different keys of the board have signed the same, and
// nobody else has signed at all.
func TestBoard(t *testing.T) {
	for _, k := range kinds(t) {
		if k.file == "reviewer-set-2" || k.file == "provider-keys" {
			continue
		}
		one, two, both := signed(t, k.new, "board 1"), signed(t, k.new, "board 2"), signed(t, k.new, "board 1", "board 3")
		for _, ok := range [][]string{both, {two[0], one[0]}, signed(t, k.new, "board 3", "board 2", "board 1")} {
			if d, err := k.read(ok, empty(k.new)); err != nil || d.IsZero() {
				t.Errorf("%s: %v", k.file, err)
			}
		}
		refuse(t, "no signature", k, nil, order.ErrSignatures)
		refuse(t, "one of two", k, one, order.ErrSignatures)
		refuse(t, "one key twice", k, []string{one[0], one[0]}, order.ErrTwice)
		refuse(t, "one key twice beside enough", k, append(slices.Clone(both), one[0]), order.ErrTwice)
		refuse(t, "a stranger beside enough", k, append(slices.Clone(both), signed(t, k.new, "stranger")...), jws.ErrUnknownKey)
		refuse(t, "a wrong signature beside enough", k, append(slices.Clone(both), two[0][:len(two[0])-4]+"AAAA"), nil)
		refuse(t, "an empty signature beside enough", k, append(slices.Clone(both), ""), jws.ErrFormat)
		refuse(t, "too many", k, signed(t, k.new, slices.Repeat([]string{"board 1"}, order.MaxSignatures+1)...), order.ErrSignatures)

		other := kinds(t)[slices.IndexFunc(kinds(t), func(o kind) bool { return o.file == k.file })].new
		switch d := other.(type) {
		case *order.Delegation:
			d.Date = "2026-11-03"
		case *order.ReviewerSet:
			d.Date = "2026-11-03"
		case *order.Requester:
			d.From = "2026-11-03"
		}
		refuse(t, "two payloads", k, append(slices.Clone(one), signed(t, other, "board 2")...), order.ErrPayloads)
		refuse(t, "a third payload beside enough", k, append(slices.Clone(both), signed(t, other, "board 2")...), order.ErrPayloads)
		for _, need := range []int{0, -1, 3} {
			b := board(t)
			b.Need = need
			refuse(t, "another need", kind{k.file, k.new, b.Read}, both, order.ErrSignatures)
		}
		refuse(t, "no board", kind{k.file, k.new, order.Board{Need: 1}.Read}, one, jws.ErrUnknownKey)
		b := board(t)
		b.Keys = append(b.Keys, b.Keys[0])
		refuse(t, "a key listed twice and signing once", kind{k.file, k.new, b.Read}, one, order.ErrSignatures)
	}
}

// TestMostSignatures: as many as may stand under a document.
func TestMostSignatures(t *testing.T) {
	b, by := order.Board{Need: order.MaxSignatures}, []string{}
	for i := range order.MaxSignatures {
		by = append(by, "board "+string(rune('a'+i)))
		b.Keys = append(b.Keys, vectors.Ed25519(t, by[i]).Public())
	}
	if _, err := b.Read(signed(t, newRequester(t), by...), &order.Requester{}); err != nil {
		t.Error(err)
	}
}

// TestFormer: a board that was replaced is believed of the documents that are listed as
// its own, however few sign now, and of nothing that its keys sign later.
func TestFormer(t *testing.T) {
	later := board(t)
	now := order.Board{Keys: []*jws.PublicKey{vectors.Ed25519(t, "board 4").Public()}, Need: 1}
	for _, k := range []order.Document{newDelegation(t), newSet(t), newRequester(t)} {
		digest, err := order.Digest(k)
		if err != nil {
			t.Fatal(err)
		}
		docs := signed(t, k, "board 1", "board 2")
		now.Earlier = []order.Former{{Board: later, Documents: []ident.Digest{ident.Sum("another"), digest}}, {Board: later}}
		got := empty(k)
		if d, err := now.Read(docs, got); err != nil || d != digest || !reflect.DeepEqual(got, k) {
			t.Errorf("%s: %v", k.Typ(), err)
		}
		refuse(t, "signed by too few", kind{k.Typ(), k, now.Read}, docs[:1], jws.ErrUnknownKey)
		refuse(t, "what is new", kind{k.Typ(), k, now.Now().Read}, docs, jws.ErrUnknownKey)
		now.Earlier = []order.Former{{Board: later, Documents: []ident.Digest{ident.Sum("another")}}, {Board: now.Now(), Documents: []ident.Digest{digest}}}
		refuse(t, "one that is not listed as its own", kind{k.Typ(), k, now.Read}, docs, jws.ErrUnknownKey)
		if _, err := now.Read(signed(t, k, "board 4"), empty(k)); err != nil {
			t.Errorf("%s: of the board itself: %v", k.Typ(), err)
		}
	}
}

// TestTyp: no document passes for one of another type.
func TestTyp(t *testing.T) {
	for _, k := range kinds(t) {
		for _, o := range kinds(t) {
			if o.new.Typ() == k.new.Typ() {
				continue
			}
			got := empty(o.new)
			b := board(t)
			b.Keys = append(b.Keys, vectors.Ed25519(t, "log").Public(), vectors.Ed25519(t, "reviewer 1 2").Public())
			b.Need = 1
			if d, err := b.Read(signatures(vectors.Golden(t, k.file))[:1], got); !errors.Is(err, jws.ErrType) || !d.IsZero() {
				t.Errorf("%s as %s: %v", k.file, o.new.Typ(), err)
			}
		}
	}
}

// TestDocIsKept: what stood in the reader's document before stays there when
// another is refused.
func TestDocIsKept(t *testing.T) {
	mine := newRequester(t)
	other := newRequester(t)
	other.Name = "Någon annan"
	if _, err := board(t).Read(signed(t, other, "board 1"), mine); err == nil || !reflect.DeepEqual(mine, newRequester(t)) {
		t.Errorf("%v, %+v", err, mine)
	}
}

// FuzzRead: a payload that is accepted under a right signature is signed again
// to the identical document.
func FuzzRead(f *testing.F) {
	docs := kinds(f)
	for i, k := range docs {
		f.Add(uint8(i), []byte(vectors.Golden(f, k.file)["payload"]))
	}
	f.Fuzz(func(t *testing.T, i uint8, payload []byte) {
		doc := empty(docs[int(i)%len(docs)].new)
		b := order.Board{Keys: []*jws.PublicKey{vectors.Ed25519(t, "board 1").Public()}, Need: 1}
		compact := vectors.Forge(t, "board 1", doc.Typ(), payload, false)
		d, err := b.Read([]string{compact}, doc)
		if err != nil {
			if !reflect.DeepEqual(doc, empty(doc)) {
				t.Fatal("refused, and yet written")
			}
			return
		}
		if again, err := order.Sign(vectors.Ed25519(t, "board 1"), doc); err != nil || again != compact || d != ident.Sum(payload) {
			t.Fatalf("accepted and made again otherwise: %v\n%s", err, payload)
		}
	})
}
