package token_test

import (
	"fmt"
	"time"

	"sigill/keys/jws"
	"sigill/keys/token"
)

// What a server does with the metadata of one call.
func Example() {
	now := time.Unix(1_795_600_000, 0)
	provider, err := token.NewProvider(token.Config{
		Issuer: issuer, Audience: audience, Label: "Kommunens inloggning",
		Lifetime: 12 * time.Hour, Leeway: 30 * time.Second,
		Name: token.Path{"name"}, RolePath: token.Path{"roles"},
		Roles: map[string]token.Role{"SIGILL-HL": token.Caseworker},
	})
	if err != nil {
		panic(err)
	}
	set, faults, err := token.ParseKeySet(provider.Issuer(), allKeys())
	if err != nil || len(faults) > 0 {
		panic("key set")
	}

	// The client has a day key, and a token that is bound to it.
	day, _, err := jws.Generate(jws.ES256)
	if err != nil {
		panic(err)
	}
	tok := es256(header("ES256"), claims().with(obj{"cnf": obj{"jkt": day.Public().Thumbprint().String()}}))
	proof, err := token.NewProof(day, "POST", htu, tok, now, "a random id")
	if err != nil {
		panic(err)
	}

	a, err := token.ParseAuthorization([]string{"DPoP " + tok}, []string{proof})
	if err != nil {
		panic(err)
	}
	u, err := token.Parse(a.Token)
	if err != nil {
		panic(err)
	}
	key, ok := set.Find(u.KeyID(), u.Algorithm())
	if !ok {
		panic("unknown key: fetch the set again, at most once in a while")
	}
	id, err := provider.Check(u, key, now)
	if err != nil {
		panic(err)
	}
	shown, err := a.Check(id, "POST", htu, now)
	if err != nil {
		panic(err)
	}
	seen := token.NewSeen(1 << 20)
	fmt.Println(seen.Use(shown, now), id.Role, id.Name, id)
	fmt.Println(seen.Use(shown, now))
	// Output:
	// <nil> caseworker Åsa Öberg-Ek (withheld)
	// not a valid token: a proof that was used before
}
