package jws_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/vectors"
)

// TestGolden: the stored statements verify, and the Ed25519 ones are made again
// to the byte.
func TestGolden(t *testing.T) {
	for file, key := range map[string]crypto.Signer{"eddsa": edKey(t), "es256": ecKey(t)} {
		g := vectors.Golden(t, file)
		s := vectors.Signer(t, key)
		pub, err := jws.ParseJWK([]byte(g["jwk"]))
		if err != nil || !pub.Equal(s.Public()) || pub.Thumbprint().String() != g["thumbprint"] || vectors.Canonical(t, pub.JWK()) != g["jwk"] {
			t.Fatalf("%s: key: %v", file, err)
		}
		var got sample
		h, err := jws.Verify(g["compact"], typ, pub, &got)
		if err != nil || !reflect.DeepEqual(got, newSample()) {
			t.Errorf("%s: %v, %+v", file, err, got)
		}
		if vectors.Canonical(t, h) != g["header"] || vectors.Canonical(t, got) != g["payload"] || jws.Digest(g["compact"]).String() != g["digest"] {
			t.Errorf("%s: header, payload or digest differ", file)
		}
		again, err := jws.Sign(s, typ, newSample())
		if err != nil || file == "eddsa" && again != g["compact"] {
			t.Errorf("%s: signed again: %s, %v", file, again, err)
		}
	}
	g := vectors.Golden(t, "eddsa")
	if again, err := jws.Sign(vectors.Signer(t, edKey(t)), typ, newSample(), jws.Embed()); err != nil || again != g["embedded"] {
		t.Errorf("embedded: %s, %v", again, err)
	}
	var got sample
	if pub, err := jws.VerifyEmbedded(g["embedded"], typ, &got); err != nil || pub.Thumbprint().String() != g["thumbprint"] {
		t.Errorf("embedded: %v", err)
	}
}

// The thumbprint of a P-256 key, as RFC 9449, 6.1 prints it.
func TestThumbprintOfRFC9449(t *testing.T) {
	j := jws.JWK{Crv: "P-256", Kty: "EC", X: "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", Y: "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}
	p, err := j.Public()
	if err != nil || p.Thumbprint().String() != "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" {
		t.Fatal(p, err)
	}
}

// refused fails the test unless each way to check the statement refuses it and
// leaves the payload alone.
func refused(t *testing.T, what, compact string, pub *jws.PublicKey) (byKey, embedded error) {
	t.Helper()
	marked := newSample()
	marked.Text = "untouched"
	got := marked
	h, byKey := jws.Verify(compact, typ, pub, &got)
	key, embedded := jws.VerifyEmbedded(compact, typ, &got)
	if byKey == nil || embedded == nil || key != nil || !reflect.DeepEqual(h, jws.Header{}) {
		t.Errorf("%s: accepted (%v, %v)", what, byKey, embedded)
	}
	if !reflect.DeepEqual(got, marked) {
		t.Errorf("%s: refused, and yet a payload was written", what)
	}
	return byKey, embedded
}

// TestByteFlip: of each kind of statement, no changed, added or missing byte
// passes.
func TestByteFlip(t *testing.T) {
	ed, es := vectors.Golden(t, "eddsa"), vectors.Golden(t, "es256")
	for name, c := range map[string]struct {
		compact string
		pub     *jws.PublicKey
	}{
		"EdDSA":    {ed["compact"], vectors.Signer(t, edKey(t)).Public()},
		"embedded": {ed["embedded"], vectors.Signer(t, edKey(t)).Public()},
		"ES256":    {es["compact"], vectors.Signer(t, ecKey(t)).Public()},
	} {
		for i := range c.compact {
			for _, mask := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 255} {
				b := []byte(c.compact)
				b[i] ^= mask
				refused(t, name+": flipped", string(b), c.pub)
			}
			refused(t, name+": cut short", c.compact[:i], c.pub)
			refused(t, name+": beginning cut", c.compact[i+1:], c.pub)
			refused(t, name+": byte missing", c.compact[:i]+c.compact[i+1:], c.pub)
			for _, more := range []string{"\n", "\r", "=", ".", "A", " "} {
				refused(t, name+": byte added", c.compact[:i]+more+c.compact[i:], c.pub)
			}
		}
		for _, tail := range []string{"\n", "\r\n", "=", "==", ".", "A", " ", "\x00", "." + c.compact, c.compact} {
			refused(t, name+": appended", c.compact+tail, c.pub)
		}
	}
}

func TestHighSTwinRefused(t *testing.T) {
	g, pub := vectors.Golden(t, "es256"), vectors.Signer(t, ecKey(t)).Public()
	// the twin is a signature that ECDSA itself accepts
	input := g["twin"][:strings.LastIndexByte(g["twin"], '.')]
	sig := vectors.Base64(t, g["twin"][len(input)+1:])
	d := sha256.Sum256([]byte(input))
	r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
	if !ecdsa.Verify(pub.Crypto().(*ecdsa.PublicKey), d[:], r, s) {
		t.Fatal("the stored twin is no signature")
	}
	if err, _ := refused(t, "twin", g["twin"], pub); !errors.Is(err, jws.ErrSignature) {
		t.Error(err)
	}
	// and we never make one
	half := new(big.Int).Rsh(elliptic.P256().Params().N, 1)
	for range 64 {
		c, err := jws.Sign(vectors.Signer(t, ecKey(t)), typ, newSample())
		if err != nil {
			t.Fatal(err)
		}
		sig := vectors.Base64(t, c[strings.LastIndexByte(c, '.')+1:])
		if new(big.Int).SetBytes(sig[32:]).Cmp(half) > 0 {
			t.Fatal("signed with the higher s")
		}
		if _, err := jws.Verify(c, typ, pub, new(sample)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSignatureForms: values of r and s that are out of range, and lengths and
// encodings other than ours.
func TestSignatureForms(t *testing.T) {
	n := elliptic.P256().Params().N.FillBytes(make([]byte, 32))
	one, zero := append(make([]byte, 31), 1), make([]byte, 32)
	half := new(big.Int).Rsh(elliptic.P256().Params().N, 1).FillBytes(make([]byte, 32))
	es, ecPub := vectors.Golden(t, "es256"), vectors.Signer(t, ecKey(t)).Public()
	cut := strings.LastIndexByte(es["compact"], '.') + 1
	sig := vectors.Base64(t, es["compact"][cut:])
	der, err := ecKey(t).Sign(rand.Reader, make([]byte, 32), crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"none": nil, "zeros": make([]byte, 64), "63 bytes": sig[:63], "65 bytes": append(sig[:64:64], 0),
		"r is 0": append(zero[:32:32], sig[32:]...), "s is 0": append(sig[:32:32], zero...),
		"r is n": append(n[:32:32], sig[32:]...), "s is n": append(sig[:32:32], n...),
		"1, 1": append(one[:32:32], one...), "s is half": append(sig[:32:32], half...),
		"all ones": []byte(strings.Repeat("\xff", 64)), "swapped": append(sig[32:64:64], sig[:32]...), "DER": der,
	} {
		if err, _ := refused(t, name, es["compact"][:cut]+b64(b), ecPub); !errors.Is(err, jws.ErrSignature) {
			t.Errorf("ES256, %s: %v", name, err)
		}
	}
}

// TestHeaderRefuses: headers that an attacker, or a key holder with another
// library, could sign. The signature over each is right.
func TestHeaderRefuses(t *testing.T) {
	ed, ec := edKey(t), ecKey(t)
	edPub, ecPub := vectors.Signer(t, ed).Public(), vectors.Signer(t, ec).Public()
	kid := func(p *jws.PublicKey) string { return `"kid":"` + p.Thumbprint().String() + `"` }
	jwk := func(p *jws.PublicKey) string { return `"jwk":` + vectors.Canonical(t, p.JWK()) }
	const ty = `"typ":"sigill-sample+jws"`
	payload := vectors.Canonical(t, newSample())
	for name, c := range map[string]struct {
		key    crypto.Signer
		header string
		want   error // by the known key; an embedded key is always refused here
	}{
		"alg none":               {ed, `{"alg":"none",` + kid(edPub) + `,` + ty + `}`, jws.ErrAlgorithm},
		"alg missing":            {ed, `{` + kid(edPub) + `,` + ty + `}`, jws.ErrNotCanonical},
		"alg of the other key":   {ed, `{"alg":"ES256",` + kid(edPub) + `,` + ty + `}`, jws.ErrAlgorithm},
		"alg Ed25519":            {ed, `{"alg":"Ed25519",` + kid(edPub) + `,` + ty + `}`, jws.ErrAlgorithm},
		"alg in lower case":      {ed, `{"alg":"eddsa",` + kid(edPub) + `,` + ty + `}`, jws.ErrAlgorithm},
		"another key":            {ec, `{"alg":"ES256",` + kid(ecPub) + `,` + ty + `}`, jws.ErrUnknownKey},
		"another key, our kid":   {ec, `{"alg":"ES256",` + kid(edPub) + `,` + ty + `}`, jws.ErrAlgorithm},
		"another key as EdDSA":   {ec, `{"alg":"EdDSA",` + kid(edPub) + `,` + ty + `}`, jws.ErrSignature},
		"no kid":                 {ed, `{"alg":"EdDSA",` + ty + `}`, jws.ErrFormat},
		"kid and jwk":            {ed, `{"alg":"EdDSA",` + jwk(edPub) + `,` + kid(edPub) + `,` + ty + `}`, jws.ErrFormat},
		"embedded P-256":         {ec, `{"alg":"ES256",` + jwk(ecPub) + `,` + ty + `}`, jws.ErrFormat},
		"embedded, alg other":    {ed, `{"alg":"ES256",` + jwk(edPub) + `,` + ty + `}`, jws.ErrFormat},
		"embedded with time":     {ed, `{"alg":"EdDSA","iat":1,` + jwk(edPub) + `,` + ty + `}`, jws.ErrFormat},
		"embedded with chain":    {ed, `{"alg":"EdDSA",` + jwk(edPub) + `,` + ty + `,"x5c":["AA=="]}`, jws.ErrFormat},
		"embedded with x5t":      {ed, `{"alg":"EdDSA",` + jwk(edPub) + `,` + ty + `,"x5t#S256":"` + edPub.Thumbprint().String() + `"}`, jws.ErrFormat},
		"embedded private key":   {ed, `{"alg":"EdDSA","jwk":{"crv":"Ed25519","d":"AA","kty":"OKP","x":"` + edPub.JWK().X + `"},` + ty + `}`, jws.ErrNotCanonical},
		"embedded with use":      {ed, `{"alg":"EdDSA","jwk":{"crv":"Ed25519","kty":"OKP","use":"sig","x":"` + edPub.JWK().X + `"},` + ty + `}`, jws.ErrNotCanonical},
		"embedded y for Ed25519": {ed, `{"alg":"EdDSA","jwk":{"crv":"Ed25519","kty":"OKP","x":"` + edPub.JWK().X + `","y":"` + edPub.JWK().X + `"},` + ty + `}`, jws.ErrFormat},
		"embedded null":          {ed, `{"alg":"EdDSA","jwk":null,` + ty + `}`, jws.ErrNotCanonical},
		"crit":                   {ed, `{"alg":"EdDSA","crit":["b64"],` + kid(edPub) + `,` + ty + `}`, jws.ErrNotCanonical},
		"crit, empty":            {ed, `{"alg":"EdDSA","crit":[],` + kid(edPub) + `,` + ty + `}`, jws.ErrNotCanonical},
		"b64 false":              {ed, `{"alg":"EdDSA","b64":false,` + kid(edPub) + `,` + ty + `}`, jws.ErrNotCanonical},
		"jku":                    {ed, `{"alg":"EdDSA","jku":"http://127.0.0.1/",` + kid(edPub) + `,` + ty + `}`, jws.ErrNotCanonical},
		"typ missing":            {ed, `{"alg":"EdDSA",` + kid(edPub) + `}`, jws.ErrNotCanonical},
		"typ empty":              {ed, `{"alg":"EdDSA",` + kid(edPub) + `,"typ":""}`, jws.ErrType},
		"typ other":              {ed, `{"alg":"EdDSA",` + kid(edPub) + `,"typ":"sigill-draft+jws"}`, jws.ErrType},
		"typ by case":            {ed, `{"alg":"EdDSA",` + kid(edPub) + `,"typ":"sigill-sample+JWS"}`, jws.ErrType},
		"typ longer":             {ed, `{"alg":"EdDSA",` + kid(edPub) + `,"typ":"application/sigill-sample+jws"}`, jws.ErrType},
		"typ escaped":            {ed, `{"alg":"EdDSA",` + kid(edPub) + `,"typ":"sigill\u002dsample+jws"}`, jws.ErrNotCanonical},
		"duplicate alg":          {ed, `{"alg":"none","alg":"EdDSA",` + kid(edPub) + `,` + ty + `}`, jws.ErrNotCanonical},
		"out of order":           {ed, `{` + kid(edPub) + `,"alg":"EdDSA",` + ty + `}`, jws.ErrNotCanonical},
		"with a space":           {ed, `{"alg": "EdDSA",` + kid(edPub) + `,` + ty + `}`, jws.ErrNotCanonical},
		"iat as a float":         {ed, `{"alg":"EdDSA","iat":1.5,` + kid(edPub) + `,` + ty + `}`, jws.ErrNotCanonical},
		"kid of other size":      {ed, `{"alg":"EdDSA","kid":"AAAA",` + ty + `}`, jws.ErrNotCanonical},
		"not an object":          {ed, `[]`, jws.ErrNotCanonical},
		"nothing":                {ed, ``, jws.ErrNotCanonical},
	} {
		if err, _ := refused(t, name, forge(t, c.key, c.header, payload), edPub); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	// HMAC under the public key, which anybody can make
	input := b64([]byte(`{"alg":"HS256",`+kid(edPub)+`,`+ty+`}`)) + "." + b64([]byte(payload))
	mac := hmac.New(sha256.New, edPub.Crypto().(ed25519.PublicKey))
	mac.Write([]byte(input))
	if err, _ := refused(t, "HS256", input+"."+b64(mac.Sum(nil)), edPub); !errors.Is(err, jws.ErrAlgorithm) {
		t.Errorf("HS256: %v", err)
	}
}

// TestWays: each way of checking refuses the statements of the other, and the
// right key is asked for by the header's kid alone.
func TestWays(t *testing.T) {
	g := vectors.Golden(t, "eddsa")
	pub := vectors.Signer(t, edKey(t)).Public()
	if _, err := jws.Verify(g["embedded"], typ, pub, new(sample)); !errors.Is(err, jws.ErrFormat) {
		t.Errorf("an embedded key by Verify: %v", err)
	}
	if _, err := jws.VerifyEmbedded(g["compact"], typ, new(sample)); !errors.Is(err, jws.ErrFormat) {
		t.Errorf("a kid by VerifyEmbedded: %v", err)
	}
	var asked []ident.Digest
	lookup := func(answer *jws.PublicKey, err error) func(ident.Digest) (*jws.PublicKey, error) {
		return func(kid ident.Digest) (*jws.PublicKey, error) { asked = append(asked, kid); return answer, err }
	}
	key, h, err := jws.VerifyBy(g["compact"], typ, lookup(pub, nil), new(sample))
	if err != nil || !key.Equal(pub) || *h.Kid != pub.Thumbprint() || len(asked) != 1 || asked[0] != pub.Thumbprint() {
		t.Errorf("by lookup: %v, asked for %v", err, asked)
	}
	own := errors.New("revoked")
	if key, _, err := jws.VerifyBy(g["compact"], typ, lookup(nil, own), new(sample)); !errors.Is(err, own) || key != nil {
		t.Errorf("the lookup's own error: %v", err)
	}
	// a lookup that gives the wrong key is no way in
	if _, _, err := jws.VerifyBy(g["compact"], typ, lookup(vectors.Signer(t, ecKey(t)).Public(), nil), new(sample)); !errors.Is(err, jws.ErrAlgorithm) {
		t.Errorf("another kind of key: %v", err)
	}
	other, _, err := jws.Generate(jws.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := jws.VerifyBy(g["compact"], typ, lookup(other.Public(), nil), new(sample)); !errors.Is(err, jws.ErrSignature) {
		t.Errorf("another key of the kind: %v", err)
	}
}

func TestPayloadRefused(t *testing.T) {
	ed := edKey(t)
	pub := vectors.Signer(t, ed).Public()
	header := vectors.Golden(t, "eddsa")["header"]
	for _, payload := range []string{"", "null", "{}", good + " ", strings.Replace(good, ":7", ":7e0", 1)} {
		refused(t, "payload "+payload, forge(t, ed, header, payload), pub)
	}
	if _, err := jws.Verify(forge(t, ed, header, good), typ, pub, new(sample)); err != nil {
		t.Errorf("the good form: %v", err)
	}
}

func TestTooLong(t *testing.T) {
	s := vectors.Signer(t, edKey(t))
	long := newSample()
	for jws.MaxSize > len(long.Text)*4/3 {
		long.Text += strings.Repeat("å", 4096)
	}
	if c, err := jws.Sign(s, typ, long); !errors.Is(err, jws.ErrTooLong) || c != "" {
		t.Errorf("signed %d bytes: %v", len(c), err)
	}
	c := forge(t, edKey(t), vectors.Golden(t, "eddsa")["header"], vectors.Canonical(t, long))
	if err, emb := refused(t, "long", c, s.Public()); !errors.Is(err, jws.ErrTooLong) || !errors.Is(emb, jws.ErrTooLong) {
		t.Errorf("%d bytes: %v, %v", len(c), err, emb)
	}
	refused(t, "a million dots", strings.Repeat(".", 1<<20), s.Public())
	refused(t, "many dots", strings.Repeat(".", jws.MaxSize), s.Public())
}

func TestCertified(t *testing.T) {
	key := ecKey(t)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Prov (ej kvalificerad)"}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 22, 12, 0, 0, 5, time.UTC)
	c, err := jws.Sign(vectors.Signer(t, key), "sample+jwt", newSample(), jws.Certified(at, cert, cert))
	if err != nil {
		t.Fatal(err)
	}
	h, err := jws.Verify(c, "sample+jwt", vectors.Signer(t, key).Public(), new(sample))
	if err != nil || h.Iat != at.Unix() {
		t.Fatal(h.Iat, err)
	}
	chain, err := h.Certificates()
	if err != nil || len(chain) != 2 || !chain[0].Equal(cert) {
		t.Fatal(len(chain), err)
	}
	d, zero := ident.Sum(der), ident.Digest{}
	std := base64.StdEncoding.EncodeToString(der)
	for name, bad := range map[string]jws.Header{
		"none":             {},
		"no x5t":           {X5c: []string{std}},
		"no chain":         {X5t: &d},
		"another x5t":      {X5c: []string{std}, X5t: &zero},
		"not DER":          {X5c: []string{"AAAA"}, X5t: &d},
		"trailing":         {X5c: []string{base64.StdEncoding.EncodeToString(append(der[:len(der):len(der)], 0))}, X5t: &d},
		"line feed":        {X5c: []string{std[:8] + "\n" + std[8:]}, X5t: &d},
		"base64url":        {X5c: []string{b64(der)}, X5t: &d},
		"second not a one": {X5c: []string{std, "AAAA"}, X5t: &d},
	} {
		if chain, err := bad.Certificates(); !errors.Is(err, jws.ErrFormat) || chain != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	ed, es := vectors.Golden(f, "eddsa"), vectors.Golden(f, "es256")
	keys := map[ident.Digest]*jws.PublicKey{}
	for _, k := range []crypto.Signer{edKey(f), ecKey(f)} {
		p := vectors.Signer(f, k).Public()
		keys[p.Thumbprint()] = p
	}
	lookup := func(kid ident.Digest) (*jws.PublicKey, error) {
		if k := keys[kid]; k != nil {
			return k, nil
		}
		return nil, jws.ErrUnknownKey
	}
	for _, s := range []string{ed["compact"], ed["embedded"], es["compact"], es["twin"]} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, compact string) {
		var p sample
		cut := strings.LastIndexByte(compact, '.') + 1
		if _, h, err := jws.VerifyBy(compact, typ, lookup, &p); err == nil {
			again := b64([]byte(vectors.Canonical(t, h))) + "." + b64([]byte(vectors.Canonical(t, p))) + "." + b64(vectors.Base64(t, compact[cut:]))
			if again != compact {
				t.Fatalf("%s was accepted and is written %s", compact, again)
			}
		}
		if key, err := jws.VerifyEmbedded(compact, typ, &p); err == nil {
			j := key.JWK()
			h := jws.Header{Alg: jws.EdDSA, Jwk: &j, Typ: typ}
			again := b64([]byte(vectors.Canonical(t, h))) + "." + b64([]byte(vectors.Canonical(t, p))) + "." + b64(vectors.Base64(t, compact[cut:]))
			if again != compact {
				t.Fatalf("%s was accepted and is written %s", compact, again)
			}
		}
	})
}

// FuzzSigned signs what the fuzzer gives it, so that headers and payloads behind
// a right signature are tried as well.
func FuzzSigned(f *testing.F) {
	g := vectors.Golden(f, "eddsa")
	key := edKey(f)
	pub := vectors.Signer(f, key).Public()
	f.Add(g["header"], g["payload"])
	f.Add(string(vectors.Base64(f, strings.SplitN(g["embedded"], ".", 2)[0])), good)
	f.Fuzz(func(t *testing.T, header, payload string) {
		var p sample
		h, err := jws.Verify(forge(t, key, header, payload), typ, pub, &p)
		if err == nil && (vectors.Canonical(t, h) != header || vectors.Canonical(t, p) != payload) {
			t.Fatalf("%s, %s were accepted and are written %s, %s", header, payload, vectors.Canonical(t, h), vectors.Canonical(t, p))
		}
		if err != nil && !reflect.DeepEqual(p, sample{}) {
			t.Fatal("refused, and yet a payload was written")
		}
	})
}

// TestOnlyJWT: time and certificates stand in the header of a +jwt alone.
func TestOnlyJWT(t *testing.T) {
	key := ecKey(t)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Prov (ej kvalificerad)"}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	c, err := jws.Sign(vectors.Signer(t, key), typ, newSample(), jws.Certified(time.Now(), cert))
	if err != nil {
		t.Fatal(err)
	}
	got := new(sample)
	if _, err := jws.Verify(c, typ, vectors.Signer(t, key).Public(), got); !errors.Is(err, jws.ErrFormat) || !reflect.DeepEqual(got, new(sample)) {
		t.Fatal(got, err)
	}
}
