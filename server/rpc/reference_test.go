package rpc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sigill/keys/jws"
	"sigill/scripts/authority"
)

// TestJ04_nothingFetched: a token that says where its keys are, where just the right
// one lies, is refused, and nobody has been asked.
func TestJ04_nothingFetched(t *testing.T) {
	w := newWorld(t, authority.Options{})
	bearer, _ := w.login("drift", false)
	before, err := w.status("authorization", "Bearer "+bearer)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := jws.NewPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(map[string]any{"keys": []any{map[string]string{"alg": "ES256", "kid": "mine", "use": "sig",
		"kty": "EC", "crv": "P-256", "x": pub.JWK().X, "y": pub.JWK().Y}}})
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	elsewhere := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(set) }))
	elsewhere.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			asked.Add(1)
		}
	}
	elsewhere.Start()
	defer elsewhere.Close()
	for name, value := range map[string]any{
		"jku": elsewhere.URL + "/jwks", "x5u": elsewhere.URL + "/cert", "x5c": []string{certificate(t, key, elsewhere.URL)}, "jwk": pub.JWK(),
	} {
		_, err := w.status("authorization", "Bearer "+signedBy(t, key, bearer, name, value))
		if st := status.Convert(err); st.Code() != codes.Unauthenticated || st.Message() != "not authenticated" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
	after, err := w.status("authorization", "Bearer "+bearer)
	if err != nil || after.GetLogSize() != before.GetLogSize()+1 {
		t.Errorf("%d entries more, %v", after.GetLogSize()-before.GetLogSize(), err)
	}
	res, err := http.Get(elsewhere.URL)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	if asked.Load() != 1 {
		t.Error("connections are not counted")
	}
}

// signedBy is the token of another header and key: its claims stay.
func signedBy(t *testing.T, key *ecdsa.PrivateKey, tok, member string, value any) string {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(tok, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	claims := jwt.MapClaims{}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	n := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	n.Header["typ"], n.Header["kid"], n.Header[member] = "at+jwt", "mine", value
	s, err := n.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// certificate is one for the key that names places to ask about it.
func certificate(t *testing.T, key *ecdsa.PrivateKey, at string) string {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IssuingCertificateURL: []string{at}, OCSPServer: []string{at}, CRLDistributionPoints: []string{at}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}
