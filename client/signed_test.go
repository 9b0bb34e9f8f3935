package client_test

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigill/client"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/vectors"
)

// again is what an accepted file is written as.
func again(t testing.TB, v interface{ Marshal() ([]byte, error) }) string {
	t.Helper()
	b, err := v.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestUnsignedGolden: the vector, which another implementation wrote, is the
// golden countersigned request before the board has signed it, and is written
// again to the byte.
func TestUnsignedGolden(t *testing.T) {
	data := vectors.File(t, "unsigned-request.json")
	r, err := client.ParseUnsigned(data)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := vectors.Canonical(t, r), vectors.Read(t, "../keys/opening/testdata/countersigned.txt")["payload"]; got != want {
		t.Errorf("says %s, want %s", got, want)
	}
	if got := again(t, &client.Unsigned{Request: r}); got != string(data) {
		t.Errorf("written again: %s", got)
	}
	s := string(data)
	for what, bad := range map[string]string{
		"nothing":           "",
		"no line feed":      strings.TrimSuffix(s, "\n"),
		"two":               s + "\n",
		"another typ":       strings.Replace(s, "sigill-unsigned-request", "sigill-signed-document", 1),
		"no request":        `{"typ":"sigill-unsigned-request"}` + "\n",
		"an empty request":  `{"request":{},"typ":"sigill-unsigned-request"}` + "\n",
		"a wrong date":      strings.Replace(s, `"date":"2026-11-`, `"date":"2027-11-`, 1),
		"an unknown member": strings.Replace(s, `"typ":`, `"tyq":1,"typ":`, 1),
	} {
		if r, err := client.ParseUnsigned([]byte(bad)); !errors.Is(err, order.ErrDocument) || r != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	r.Registration = slices.Repeat([]string{strings.Repeat("a", 20<<10)}, order.MaxSignatures)
	if r, err := client.ParseUnsigned([]byte(again(t, &client.Unsigned{Request: r}))); !errors.Is(err, order.ErrDocument) || r != nil {
		t.Errorf("too long: %v", err)
	}
}

// TestUnsignedByteFlip: nobody has signed it, so that what is changed in it may be
// another request; but no byte of it goes unread.
func TestUnsignedByteFlip(t *testing.T) {
	data := vectors.File(t, "unsigned-request.json")
	whole, err := client.ParseUnsigned(data)
	if err != nil {
		t.Fatal(err)
	}
	vectors.Flips(string(data), func(changed string) {
		r, err := client.ParseUnsigned([]byte(changed))
		if err != nil {
			if !errors.Is(err, order.ErrDocument) || r != nil {
				t.Errorf("%v", err)
			}
			return
		}
		if again(t, &client.Unsigned{Request: r}) != changed || reflect.DeepEqual(r, whole) {
			t.Errorf("went unread: %s", changed)
		}
	})
}

// FuzzUnsigned: what is accepted is written again to the identical bytes.
func FuzzUnsigned(f *testing.F) {
	f.Add(vectors.File(f, "unsigned-request.json"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := client.ParseUnsigned(data); err == nil && again(t, &client.Unsigned{Request: r}) != string(data) {
			t.Fatalf("accepted and written again otherwise: %s", data)
		}
	})
}

func goldenBoard(t testing.TB) order.Board {
	return order.Board{Keys: []*jws.PublicKey{vectors.Ed25519(t, "board 1").Public(), vectors.Ed25519(t, "board 2").Public()}, Need: 2}
}

// TestSignedGolden: the vector, which another implementation wrote, is the golden
// registration under both keys, and is written again to the byte.
func TestSignedGolden(t *testing.T) {
	data := vectors.File(t, "signed-document.json")
	s, err := order.ParseSigned(data)
	if err != nil {
		t.Fatal(err)
	}
	q := &order.Requester{}
	if _, err := goldenBoard(t).Read(s.Signatures, q); err != nil {
		t.Error(err)
	}
	doc, err := client.Payload(s)
	if err != nil || !reflect.DeepEqual(doc, order.Document(q)) {
		t.Errorf("%+v, %v", doc, err)
	}
	if got := again(t, s); got != string(data) {
		t.Errorf("written again: %s", got)
	}
	if keys, err := s.Keys(); err != nil || len(keys) != 2 || keys[1] != vectors.Ed25519(t, "board 2").Public().Thumbprint() {
		t.Errorf("%v, %v", keys, err)
	}
	text := string(data)
	most := order.Signed{Signatures: slices.Repeat([]string{strings.Repeat("a", jws.MaxSize)}, order.MaxSignatures)}
	if s, err := order.ParseSigned([]byte(again(t, &most))); err != nil {
		t.Errorf("as many of the longest as there may be: %v, %d", err, len(s.Signatures))
	}
	most.Signatures = append(most.Signatures, "a.b.c")
	long := order.Signed{Signatures: []string{strings.Repeat("a", order.MaxSigned)}}
	for what, bad := range map[string]string{
		"nothing":           "",
		"no line feed":      strings.TrimSuffix(text, "\n"),
		"two":               text + "\n",
		"another typ":       strings.Replace(text, "signed-document", "signed-documents", 1),
		"no signature":      `{"signatures":[],"typ":"sigill-signed-document"}` + "\n",
		"no list":           `{"typ":"sigill-signed-document"}` + "\n",
		"an unknown member": strings.Replace(text, `"typ":`, `"tyq":1,"typ":`, 1),
		"too many":          again(t, &most),
		"too long":          again(t, &long),
	} {
		if s, err := order.ParseSigned([]byte(bad)); !errors.Is(err, order.ErrDocument) || s != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := (&order.Signed{Signatures: most.Signatures[:order.MaxSignatures]}).Add(most.Signatures[0]); !errors.Is(err, order.ErrTwice) {
		t.Errorf("a key twice: %v", err)
	}
}

// TestSignedByteFlip: no changed byte goes unread, and none passes the board's
// reader.
func TestSignedByteFlip(t *testing.T) {
	data := vectors.File(t, "signed-document.json")
	board := goldenBoard(t)
	vectors.Flips(string(data), func(changed string) {
		s, err := order.ParseSigned([]byte(changed))
		if err != nil {
			if !errors.Is(err, order.ErrDocument) || s != nil {
				t.Errorf("%v", err)
			}
			return
		}
		if again(t, s) != changed {
			t.Errorf("went unread: %s", changed)
		}
		if _, err := board.Read(s.Signatures, &order.Requester{}); err == nil {
			t.Errorf("believed: %s", changed)
		}
	})
}

// FuzzSigned: what is accepted is written again to the identical bytes, and its
// document and keys are read without a fault.
func FuzzSigned(f *testing.F) {
	f.Add(vectors.File(f, "signed-document.json"))
	f.Add([]byte(`{"signatures":["","."],"typ":"sigill-signed-document"}` + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := order.ParseSigned(data)
		if err != nil {
			return
		}
		if !bytes.Equal([]byte(again(t, s)), data) {
			t.Fatalf("accepted and written again otherwise: %s", data)
		}
		if doc, err := client.Payload(s); err == nil && doc.Check() != nil {
			t.Fatalf("a document that is none: %s", data)
		}
		if keys, err := s.Keys(); err == nil && len(keys) != len(s.Signatures) {
			t.Fatalf("%d keys of %d signatures", len(keys), len(s.Signatures))
		}
	})
}
