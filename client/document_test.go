package client_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/disclosure/story"
	"sigill/keys/jws"
	"sigill/keys/keyfile"
	"sigill/keys/order"
	"sigill/keys/vectors"
)

// saved makes a key file and gives the key back.
func saved(t *testing.T, path string, use keyfile.Use) keyfile.Key {
	t.Helper()
	k, err := keyfile.Generate(use, "212000-0449")
	if err != nil {
		t.Fatal(err)
	}
	if err := keyfile.Save(path, "rätt häst", k, keyfile.Options{WorkFactor: 1}); err != nil {
		t.Fatal(err)
	}
	return k
}

func written(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const courtText = `document: requester
authority: 212000-0449
requester: mfrggzdfmztwq2lknnwg23tpoa
name: Förvaltningsrätten i Exempelstad
address: kansli@domstol.example
from: 2026-11-01
grounds: [COURT_ORDER]
key: court.age
`

func TestReadDocument(t *testing.T) {
	dir := t.TempDir()
	key := saved(t, filepath.Join(dir, "court.age"), keyfile.Requester)
	saved(t, filepath.Join(dir, "director.age"), keyfile.Director)
	doc, err := client.ReadDocument(written(t, filepath.Join(dir, "court.yaml"), courtText))
	if err != nil {
		t.Fatal(err)
	}
	pub, err := key.Public()
	if err != nil {
		t.Fatal(err)
	}
	if q := doc.(*order.Requester); q.Key != *pub.Key || q.From != "2026-11-01" {
		t.Errorf("read %+v", q)
	}
	for _, c := range []struct{ name, from, to string }{
		{"another document", "requester\n", "receipt\n"},
		{"no document", "document: requester\n", ""},
		{"a missing member", "from:", "since:"},
		{"an unknown member", "from:", "since: 2026-11-01\nfrom:"},
		{"a key for something else", "court.age", "director.age"},
		{"a key that is not there", "court.age", "nobody.age"},
		{"a member twice", "from:", "name: x\nfrom:"},
		{"a value of another kind", "[COURT_ORDER]", "COURT_ORDER"},
		{"a ground that the law does not know", "COURT_ORDER", "CURIOSITY"},
		{"nothing", courtText, ""},
		{"an alias", "[COURT_ORDER]", "*x"},
	} {
		path := written(t, filepath.Join(dir, "bad.yaml"), strings.Replace(courtText, c.from, c.to, 1))
		if doc, err := client.ReadDocument(path); !errors.Is(err, order.ErrDocument) || doc != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestSigned: signatures are put together over one payload, each key once, and
// the board's reader takes what comes out.
func TestSigned(t *testing.T) {
	dir := t.TempDir()
	saved(t, filepath.Join(dir, "court.age"), keyfile.Requester)
	doc, err := client.ReadDocument(written(t, filepath.Join(dir, "court.yaml"), courtText))
	if err != nil {
		t.Fatal(err)
	}
	var board order.Board
	var all order.Signed
	for i := range 2 {
		k, err := saved(t, filepath.Join(dir, fmt.Sprint(i)), keyfile.Board).Signer()
		if err != nil {
			t.Fatal(err)
		}
		board.Keys, board.Need = append(board.Keys, k.Public()), i+1
		s, err := client.SignDocument(doc, k)
		if err != nil {
			t.Fatal(err)
		}
		if err := all.Add(s...); err != nil {
			t.Fatal(err)
		}
		if err := all.Add(s...); !errors.Is(err, order.ErrTwice) {
			t.Errorf("the same key twice: %v", err)
		}
		other := *doc.(*order.Requester)
		other.Name = "Någon annan"
		if s, err = client.SignDocument(&other, k); err != nil {
			t.Fatal(err)
		}
		if err := all.Add(s...); !errors.Is(err, order.ErrPayloads) {
			t.Errorf("another payload: %v", err)
		}
	}
	b, err := all.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := order.ParseSigned(b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := board.Read(again.Signatures, &order.Requester{}); err != nil {
		t.Error(err)
	}
	if keys, err := again.Keys(); err != nil || len(keys) != 2 || keys[0] != board.Keys[0].Thumbprint() {
		t.Errorf("Keys = %v, %v", keys, err)
	}
	for i := range b[:len(b)-1] {
		changed := append([]byte{}, b...)
		changed[i] ^= 1
		s, err := order.ParseSigned(changed)
		if err != nil {
			continue
		}
		if _, err := board.Read(s.Signatures, &order.Requester{}); err == nil {
			t.Fatalf("a changed byte at %d passes", i)
		}
	}
}

func TestTrustText(t *testing.T) {
	dir := t.TempDir()
	saved(t, filepath.Join(dir, "b1.age"), keyfile.Board)
	saved(t, filepath.Join(dir, "log.age"), keyfile.Log)
	seal, err := saved(t, filepath.Join(dir, "institution.age"), keyfile.Institution).Crypto()
	if err != nil {
		t.Fatal(err)
	}
	chain, err := client.SelfMadeCertificate(seal.Public(), "212000-0449", "Exempelstad", time.Now(), 2)
	if err != nil {
		t.Fatal(err)
	}
	written(t, filepath.Join(dir, "institution.pem"), string(chain))
	const text = `authority: 212000-0449
name: Exempelstads socialnämnd
board: {need: 1, keys: [b1.age]}
certificates: [{file: institution.pem, from: 2026-11-01}]
log: log.age
providers: [{issuer: https://idp.example, audience: https://sigill.example, name: [name]}]
`
	f, err := client.ReadTrustText(written(t, filepath.Join(dir, "trust.yaml"), text))
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if trust, err := bundle.ParseTrust(b); err != nil || trust.Authority != "212000-0449" || trust.Policy.Witnessed() {
		t.Errorf("trust file: %v", err)
	}
	for _, c := range []struct{ from, to string }{{"b1.age", "log.age"}, {"log: log.age", "log: b1.age"}, {"need: 1", "need: 2"},
		{"institution.pem", "trust.yaml"}, {"log: log.age\n", ""}, {"name: Ex", "names: Ex"}} {
		if _, err := client.ReadTrustText(written(t, filepath.Join(dir, "bad.yaml"), strings.Replace(text, c.from, c.to, 1))); !errors.Is(err, bundle.ErrTrust) {
			t.Errorf("%s: %v", c.to, err)
		}
	}
	// Without a size nobody would believe the checkpoints that there are.
	written(t, filepath.Join(dir, "trust.json"), string(b))
	saved(t, filepath.Join(dir, "log-2.age"), keyfile.Log)
	for text, want := range map[string]error{"after: {trust: trust.json}\nlog: log-2.age\n": bundle.ErrTrust,
		"after: {trust: trust.json, size: 9}\nlog: log-2.age\n": nil, "after: {trust: trust.json}\nname: Exempelstads nämnd\n": nil} {
		if _, err := client.ReadTrustText(written(t, filepath.Join(dir, "after.yaml"), text)); !errors.Is(err, want) || want != nil && !strings.Contains(err.Error(), "after.size") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestTrustTextBoard: another board takes over with all that this one signed, each once,
// and with nothing that it did not sign; what one before it signed is remembered as it was.
func TestTrustTextBoard(t *testing.T) {
	s := story.New(t)
	dir := t.TempDir()
	file := func(docs ...[]string) string {
		var b []byte
		for _, d := range docs {
			one, err := (&order.Signed{Signatures: d}).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			b = append(b, one...)
		}
		return string(b)
	}
	old, err := s.TrustFile.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	written(t, filepath.Join(dir, "trust.json"), string(old))
	saved(t, filepath.Join(dir, "b3.age"), keyfile.Board)
	written(t, filepath.Join(dir, "documents.txt"), file(s.OrderDocs, s.SetDocs, s.RegisteredDoc))
	written(t, filepath.Join(dir, "order.signed"), file(s.OrderDocs))
	written(t, filepath.Join(dir, "one.signed"), file(s.OrderDocs[:1]))
	const text = "board: {need: 1, keys: [b3.age]}\nafter: {trust: trust.json, size: 9"
	made := func(documents string) (*bundle.TrustFile, error) {
		return client.ReadTrustText(written(t, filepath.Join(dir, "after.yaml"), text+documents+"}\n"))
	}
	f, err := made(", documents: [documents.txt, order.signed]")
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	next, err := s.Trust.Follows(&order.Succession{Authority: story.Authority, From: s.Trust.Digest, Trust: b})
	if err != nil || len(f.Earlier[0].Documents) != 3 {
		t.Fatal(err, len(f.Earlier[0].Documents))
	}
	for docs, doc := range map[*[]string]order.Document{&s.OrderDocs: &order.Delegation{}, &s.SetDocs: &order.ReviewerSet{}, &s.RegisteredDoc: &order.Requester{}} {
		if _, err := next.Board.Read(*docs, doc); err != nil {
			t.Errorf("%s: %v", doc.Typ(), err)
		}
	}
	for documents, want := range map[string]string{"": "after.documents: ", ", documents: [one.signed]": "after.documents[0]: ",
		", documents: [order.signed, trust.json]": "after.documents[1]: ", ", documents: [nothing]": "after.documents[0]: "} {
		if f, err := made(documents); !errors.Is(err, bundle.ErrTrust) || f != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", documents, err)
		}
	}
	// The next board goes, too.
	written(t, filepath.Join(dir, "trust.json"), string(b))
	saved(t, filepath.Join(dir, "b4.age"), keyfile.Board)
	f, err = client.ReadTrustText(written(t, filepath.Join(dir, "after.yaml"), strings.Replace(text, "b3", "b4", 1)+", documents: [documents.txt]}\n"))
	if err != nil || f.Successions != 2 || len(f.Earlier) != 2 || len(f.Earlier[0].Documents) != 3 || len(f.Earlier[1].Documents) != 0 {
		t.Error(err)
	}
}

// TestSelfMadeCertificate: the chain verifies, says that it is not qualified, and
// certifies this key.
func TestSelfMadeCertificate(t *testing.T) {
	_, key, err := jws.Generate(jws.ES256)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := client.SelfMadeCertificate(key.Public(), "212000-0449", "Exempelstads socialnämnd", time.Now(), 2)
	if err != nil {
		t.Fatal(err)
	}
	var certs []*x509.Certificate
	for block, rest := pem.Decode(chain); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		certs = append(certs, c)
		if !strings.Contains(c.Subject.CommonName, client.Unqualified) {
			t.Errorf("%s does not say what it is", c.Subject)
		}
	}
	if len(certs) != 2 {
		t.Fatalf("%d certificates", len(certs))
	}
	roots := x509.NewCertPool()
	roots.AddCert(certs[1])
	if _, err := certs[0].Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		t.Error(err)
	}
	if certs[0].IsCA || certs[0].Subject.SerialNumber != "212000-0449" {
		t.Errorf("leaf: CA %v, %s", certs[0].IsCA, certs[0].Subject)
	}
	if want, err := jws.NewPublicKey(key.Public()); err != nil {
		t.Error(err)
	} else if got, err := jws.NewPublicKey(certs[0].PublicKey); err != nil || !got.Equal(want) {
		t.Errorf("the leaf is another key's: %v", err)
	}
}

// FuzzDocument: what is read as a document of authority is one, and is read as the
// same from the text of its own members.
func FuzzDocument(f *testing.F) {
	key := vectors.Ed25519(f, "director").Public().JWK()
	inline, err := json.Marshal(key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(strings.Replace(courtText, "court.age", string(inline), 1)))
	f.Add([]byte("document: delegation-order\nitems: [{item: '3.4'}]\n"))
	f.Add([]byte("document: reviewer-set\nepoch: 1\ngroups: [{name: a, threshold: 1, members: []}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "document.yaml")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		doc, err := client.ReadDocument(path)
		if err != nil {
			if !errors.Is(err, order.ErrDocument) || doc != nil {
				t.Fatalf("%v, %v", doc, err)
			}
			return
		}
		if err := doc.Check(); err != nil {
			t.Fatal(err)
		}
		var members map[string]any
		b, err := json.Marshal(doc)
		if err != nil || json.Unmarshal(b, &members) != nil {
			t.Fatal(err)
		}
		kinds := map[reflect.Type]string{reflect.TypeFor[*order.Delegation](): "delegation-order",
			reflect.TypeFor[*order.ReviewerSet](): "reviewer-set", reflect.TypeFor[*order.Requester](): "requester"}
		members["document"] = kinds[reflect.TypeOf(doc)]
		if b, err = json.Marshal(members); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if again, err := client.ReadDocument(path); err != nil || !reflect.DeepEqual(again, doc) {
			t.Fatalf("%s: %v", b, err)
		}
	})
}
