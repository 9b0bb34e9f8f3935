package seal_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/cloudflare/circl/group"

	"sigill/keys/ident"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/vectors"
)

// TestVectors holds a whole seal against values that another implementation
// made (testdata/vectors.mjs): head, share digests, section keys, ciphertexts.
func TestVectors(t *testing.T) {
	v, in := vectors.Read(t, "testdata/seal.txt"), golden(t)
	s := in.seal(t)
	hold := func(key string, got []byte) {
		t.Helper()
		if hex.EncodeToString(got) != v[key] {
			t.Errorf("%s is %x, the vectors say %s", key, got, v[key])
		}
	}
	hold("head", marshal(t, &s.Head))
	core := digest(t, &s.Head)
	hold("core-digest", core[:])
	for _, g := range in.groups {
		for m := range g.Members {
			for i, sec := range record.All() {
				at := fmt.Sprintf("/%d/%d/%d", g.Group, m+1, sec)
				d := s.Head.Shares[g.Group-1][m][i]
				hold("share-digest"+at, d[:])
				d = s.Head.ShareDigest(g.Group, m+1, sec, vectors.Hex(t, v["share"+at]))
				hold("share-digest"+at, d[:])
			}
		}
	}
	for i, sec := range record.All() {
		at := fmt.Sprintf("/%d", sec)
		d := ident.Sum(s.Ciphertexts[i])
		hold("ciphertext-sha256"+at, d[:])
		hold("aad"+at, s.Head.SectionInfo(sec))
		secret := group.Ristretto255.NewScalar()
		for _, g := range in.groups {
			c := group.Ristretto255.NewScalar()
			if err := c.UnmarshalBinary(vectors.Hex(t, v[fmt.Sprintf("coefficient/%d/%d/0", g.Group, sec)])); err != nil {
				t.Fatal(err)
			}
			secret.Add(secret, c)
		}
		b, err := secret.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		hold("secret"+at, b)
		derived, err := seal.SectionKey(secret, in.subject.Draft, sec)
		if err != nil {
			t.Fatal(err)
		}
		stated, err := aes.NewCipher(vectors.Hex(t, v["key"+at]))
		if err != nil {
			t.Fatal(err)
		}
		plainly, err := cipher.NewGCM(stated)
		if err != nil {
			t.Fatal(err)
		}
		for name, aead := range map[string]cipher.AEAD{"derived": derived, "stated": plainly} {
			got, err := aead.Open(nil, make([]byte, 12), s.Ciphertexts[i], vectors.Hex(t, v["aad"+at]))
			if err != nil || !bytes.Equal(got, in.plain[i]) {
				t.Errorf("%s does not open with the %s key: %v", sec, name, err)
			}
		}
	}
}
