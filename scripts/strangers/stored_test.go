package strangers_test

import (
	"crypto/hpke"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"sigill/keys/bundle"
	"sigill/keys/disclosure"
	"sigill/keys/disclosure/story"
	"sigill/keys/order"
)

var update = flag.Bool("update", false, "write the stored story anew")

// TestStored: a whole story as files, for whoever writes a third implementation:
// it verifies and opens today, by both, and must for as long as seals live.
func TestStored(t *testing.T) {
	t.Parallel()
	at := func(name string) string { return filepath.Join("testdata", name) }
	if *update {
		s, o := story.Whole(t)
		for name, from := range map[string]string{"trust.json": trust(t, s), "recipient": recipient(t, s),
			"package.json": file(t, "package.json", o.Bytes(o.Package(nil))), "bundle.json": file(t, "bundle.json", marshal(t, o.Bundle())),
			"successor.signed": file(t, "successor.signed", successor(t, s, changedKeys(s, 1000)))} {
			if err := os.WriteFile(at(name), contents(t, from), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	read := func(name string) []byte { return contents(t, at(name)) }
	tr, err := bundle.ParseTrust(read("trust.json"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Verify(read("bundle.json"), tr); err != nil {
		t.Error(err)
	}
	key, err := hpke.MLKEM768X25519().NewPrivateKey(read("recipient"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := disclosure.Open(read("package.json"), tr, key); err != nil {
		t.Error(err)
	}
	wants(t, verified, "verify.mjs", at("bundle.json"), at("trust.json"))
	wants(t, verified, "follows.mjs", at("trust.json"), at("successor.signed"), at("bundle.json"))
	signed, err := order.ParseSigned(read("successor.signed"))
	if err != nil {
		t.Fatal(err)
	}
	next, _, err := tr.Succeed(signed.Signatures)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Verify(read("bundle.json"), next); err != nil {
		t.Error(err)
	}
	wants(t, verified, "court.mjs", at("package.json"), at("trust.json"), at("recipient"))
}

func contents(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
