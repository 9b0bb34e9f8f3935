package strangers_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"

	"sigill/keys/disclosure/story"
)

// logins are packages whose evidence holds a token that no server would have
// accepted, or cites a key set from which no server would have taken the key.
func logins() (out []forgery) {
	const header = `{"alg":"EdDSA","kid":"p1","typ":"at+jwt"}`
	for name, h := range map[string]string{
		"another typ":                 `{"alg":"EdDSA","kid":"p1","typ":"JWT"}`,
		"no typ":                      `{"alg":"EdDSA","kid":"p1"}`,
		"crit":                        `{"alg":"EdDSA","crit":[],"kid":"p1","typ":"at+jwt"}`,
		"another kid":                 `{"alg":"EdDSA","kid":"p2","typ":"at+jwt"}`,
		"another alg":                 `{"alg":"ES256","kid":"p1","typ":"at+jwt"}`,
		"alg none":                    `{"alg":"none","kid":"p1","typ":"at+jwt"}`,
		"a header member twice":       `{"alg":"EdDSA","kid":"p1","kid":"p1","typ":"at+jwt"}`,
		"something behind the header": `{"alg":"EdDSA","kid":"p1","typ":"at+jwt"}{}`,
	} {
		out = append(out, forgery{"a token with " + name, proven(func(s *story.Story, p *story.Plan) { p.Token = token(s, h, claims(p)) })})
	}
	for name, change := range map[string][2]string{
		"sub twice":             {`"sub":`, `"sub":"x","sub":`},
		"sub twice by escape":   {`"sub":`, `"\u0073ub":"x","sub":`},
		"two audiences":         {`"aud":"` + story.Audience + `"`, `"aud":["` + story.Audience + `","https://mail.example"]`},
		"exp as a text":         {`"exp":1795190645`, `"exp":"1795190645"`},
		"exp with a fraction":   {`"exp":1795190645`, `"exp":1795190645.0`},
		"no exp":                {`"exp":1795190645,`, ``},
		"an exp that is over":   {`"exp":1795190645,"iat":1795161845`, `"exp":1794990645,"iat":1794961845`},
		"an iat that is ahead":  {`"exp":1795190645,"iat":1795161845`, `"exp":1795390645,"iat":1795361845`},
		"a binding with more":   {`"cnf":{`, `"cnf":{"x5t#S256":"x",`},
		"another binding":       {`"cnf":{"jkt":`, `"cnf":{"kid":`},
		"a name that is null":   {`"name":"Åsa Öberg-Ek"`, `"name":null`},
		"a name that is a list": {`"name":"Åsa Öberg-Ek"`, `"name":["Åsa Öberg-Ek"]`},
		"a lone surrogate":      {`"name":"Åsa Öberg-Ek"`, `"name":"\ud800"`},
		"ſub":                   {`"sub":`, `"ſub":"x","sub":`},
		"nine levels":           {`"sub":`, `"x":[[[[[[[[]]]]]]]],"sub":`},
	} {
		out = append(out, forgery{"a token with " + name, proven(func(s *story.Story, p *story.Plan) {
			c := strings.Replace(claims(p), change[0], change[1], 1)
			if c == claims(p) {
				s.Fatalf("%s: nothing to change", name)
			}
			p.Token = token(s, header, c)
		})})
	}
	for name, keys := range map[string]string{
		"for encryption":    `{"keys":[KEY,"use":"enc"}]}`,
		"for signing alone": `{"keys":[KEY,"key_ops":["sign"]}]}`,
		"with its secret":   `{"keys":[KEY,"d":"x"}]}`,
		"that stands twice": `{"keys":[KEY},KEY}]}`,
		"in other letters":  `{"keys":[KEY,"USE":"sig"}]}`,
		"of another alg":    `{"keys":[{"alg":"ES256","crv":"Ed25519","kid":"p1","kty":"OKP","x":"X"}]}`,
		"of another crv":    `{"keys":[{"alg":"EdDSA","crv":"Ed448","kid":"p1","kty":"OKP","x":"X"}]}`,
		"that is no key":    `{"keys":["p1"]}`,
		"of no list":        `{"keys":{}}`,
	} {
		out = append(out, forgery{"a key " + name, proven(func(s *story.Story, _ *story.Plan) {
			jwk := string(story.ProviderJWK(s.Provider.Public().(ed25519.PublicKey)))
			x := strings.Split(jwk, `"x":"`)[1]
			set := strings.ReplaceAll(strings.ReplaceAll(keys, "KEY", strings.TrimSuffix(jwk, "}")), `"X"`, `"`+strings.TrimSuffix(x, "}"))
			s.KeySet, s.KeysIndex = s.PublishKeys([]byte(set))
		})})
	}
	return out
}

// claims are those of a plan's token, as JSON.
func claims(p *story.Plan) string {
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(p.Token, ".")[1])
	if err != nil {
		panic(err)
	}
	return string(b)
}

// token signs a header and claims as they are with the provider's key.
func token(s *story.Story, header, claims string) string {
	in := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	return in + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(s.Provider, []byte(in)))
}
