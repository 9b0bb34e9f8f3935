package rpc

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/metadata"

	"sigill/keys/ident"
	"sigill/keys/token"
)

// slowly answers with a key set after a while.
type slowly struct {
	set  string
	wait time.Duration
}

func (s slowly) RoundTrip(*http.Request) (*http.Response, error) {
	time.Sleep(s.wait)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(s.set))}, nil
}

// dated remembers the day on which a key set was recorded.
type dated struct{ on ident.Date }

func (d *dated) RecordProviderKeys(context.Context, string, []byte) (uint64, error) {
	d.on = ident.DateOf(time.Now())
	return 1, nil
}

// TestMidnight: a call whose keys are fetched over midnight is received on the day
// on which they were recorded, whether it fetched them or waited for them: a court
// believes no keys that are dated after the receipt.
func TestMidnight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 22, 22, 59, 59, 0, time.UTC))) // a second before midnight in Sweden
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		b64 := base64.RawURLEncoding.EncodeToString
		now := time.Now().Unix()
		signed := b64([]byte(`{"alg":"EdDSA","kid":"a","typ":"at+jwt"}`)) + "." +
			b64(fmt.Appendf(nil, `{"aud":"sigill","exp":%d,"iat":%d,"iss":"https://idp.example","sub":"x"}`, now+600, now))
		tok := signed + "." + b64(ed25519.Sign(private, []byte(signed)))
		recorded := &dated{}
		s := newTestSource(t, &idp{Server: &httptest.Server{URL: "https://idp.example"}}, recorded)
		s.client.Transport = slowly{fmt.Sprintf(`{"keys":[{"alg":"EdDSA","crv":"Ed25519","kid":"a","kty":"OKP","x":%q}]}`, b64(public)), 2 * time.Second}
		d := &door{origin: "https://sigill.example", issuer: map[string]*source{"https://idp.example": s}, seen: token.NewSeen(10)}
		var calls sync.WaitGroup
		for range 2 {
			calls.Go(func() {
				ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs(mdAuthorization, "Bearer "+tok))
				c, err := d.caller(ctx, "/sigill.v1.DraftingService/SubmitDraft")
				if err != nil {
					t.Error(err)
				} else if on := ident.DateOf(c.Received); on != recorded.on || on != "2026-11-23" {
					t.Errorf("received on %s under keys of %s", on, recorded.on)
				}
			})
		}
		calls.Wait()
	})
}
