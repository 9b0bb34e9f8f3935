package main

import (
	"crypto/rand"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/keyfile"
)

// uses are the keys that people make, by what they call them. A reviewer has two.
var uses = map[string][]keyfile.Use{
	"director": {keyfile.Director}, "registrar": {keyfile.Director}, "board": {keyfile.Board}, "requester": {keyfile.Requester},
	"reviewer": {keyfile.ReviewerSign, keyfile.ReviewerHPKE}, "log": {keyfile.Log}, "gate": {keyfile.Gate}, "institution": {keyfile.Institution},
}

func useNames() []string {
	var out []string
	for name := range uses {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (a *app) keys() *cobra.Command {
	return group("keys", "Make, take over and show keys", "  sigill keys new director director.age\n  sigill keys day",
		a.keysNew(), a.keysImport(), a.keysShow(), a.keysCertificate(), a.keysDay())
}

// second is where a reviewer's HPKE key lies: granskare.age, granskare-hpke.age.
func second(path string) string {
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + "-hpke" + ext
}

// publicKey is what is shown of a key: what it takes to register it.
type publicKey struct {
	File       string        `json:"file"`
	Use        keyfile.Use   `json:"use"`
	Authority  string        `json:"authority,omitempty"`
	Thumbprint *ident.Digest `json:"thumbprint,omitempty"`
}

func (a *app) emitKeys(list []publicKey) error {
	rows := [][]string{a.heads("FILE", "USE", "THUMBPRINT")}
	for _, k := range list {
		thumb := "-"
		if k.Thumbprint != nil {
			thumb = k.Thumbprint.String()
		}
		rows = append(rows, []string{k.File, string(k.Use), thumb})
	}
	return a.emit(list, rows...)
}

func (a *app) keysNew() *cobra.Command {
	var authority string
	var force bool
	c := &cobra.Command{
		Use: "new USE FILE", Short: "Make a key in a file under a passphrase",
		Long: `Make a key: ` + strings.Join(useNames(), ", ") + `.

FILE holds it under the passphrase, with mode 0600; its public half, for
registering, lies beside it as FILE.pub.json. A reviewer gets two: FILE signs
votes, FILE with -hpke in its name opens shares. The gate key has no public half.

SIGILL_WORK_FACTOR below 18 makes passphrases cheap to guess: for tests and
demonstrations alone.`,
		Example: "  sigill keys new director director.age --authority 212000-0449\n  sigill keys new reviewer granskare.age",
		Args:    cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.makeKeys(args[0], args[1], ident.Authority(authority), force, func(u keyfile.Use) (keyfile.Key, error) {
				return keyfile.Generate(u, ident.Authority(authority))
			})
		},
	}
	c.Flags().StringVar(&authority, "authority", "", "organisation `number` of the authority that the key belongs to")
	c.Flags().BoolVar(&force, "force", false, "replace existing files")
	return c
}

func (a *app) keysImport() *cobra.Command {
	var authority, pem string
	var force bool
	c := &cobra.Command{
		Use: "import USE FILE --pem PEM", Short: "Take over a private key that was made elsewhere",
		Long: `Take over an Ed25519 or P-256 key from PEM (PKCS#8 or SEC 1, unencrypted) into FILE,
under the passphrase. Delete the PEM afterwards.`,
		Example: "  sigill keys import institution institution.age --pem e-stampel.pem --authority 212000-0449",
		Args:    cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if pem == "" {
				return usage("no PEM file: give --pem")
			}
			data, err := readSecret(pem)
			if err != nil {
				return ofFile("PEM file", err)
			}
			return a.makeKeys(args[0], args[1], ident.Authority(authority), force, func(u keyfile.Use) (keyfile.Key, error) {
				return keyfile.FromPEM(u, ident.Authority(authority), data)
			})
		},
	}
	c.Flags().StringVar(&pem, "pem", "", "PEM `file` with the private key, mode 0600")
	c.Flags().StringVar(&authority, "authority", "", "organisation `number` of the authority that the key belongs to")
	c.Flags().BoolVar(&force, "force", false, "replace existing files")
	return c
}

func (a *app) makeKeys(name, path string, authority ident.Authority, force bool, get func(keyfile.Use) (keyfile.Key, error)) error {
	list, ok := uses[name]
	if !ok {
		return usage("no such key; there are %s", strings.Join(useNames(), ", "))
	}
	if authority != "" {
		if _, err := ident.ParseAuthority(string(authority)); err != nil {
			return err
		}
	}
	var keys []keyfile.Key
	paths := []string{path, second(path)}
	for i, u := range list {
		k, err := get(u)
		if err != nil {
			return err
		}
		if err := free(paths[i], force); err != nil {
			return err
		}
		keys = append(keys, k)
	}
	pass, err := a.newPassphrase()
	if err != nil {
		return err
	}
	o, err := a.work()
	if err != nil {
		return err
	}
	o.Force = force
	if o.WorkFactor > 0 && o.WorkFactor < keyfile.DefaultWorkFactor {
		a.talk(a.words.weak, o.WorkFactor)
	}
	var out []publicKey
	for i, k := range keys {
		if err := keyfile.Save(paths[i], pass, k, o); err != nil {
			return err
		}
		p := publicKey{File: paths[i], Use: k.Use(), Authority: string(k.Authority())}
		if pub, err := k.Public(); err == nil {
			p.Thumbprint = &pub.Thumbprint
		}
		out = append(out, p)
	}
	return a.emitKeys(out)
}

func (a *app) keysShow() *cobra.Command {
	return &cobra.Command{
		Use: "show FILE...", Short: "Show the public half of keys",
		Long:    "Show what lies beside key files, without opening them. Compare the thumbprint by another way before you register a key.",
		Example: "  sigill keys show director.age\n  sigill keys show -o json director.age",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			var list []keyfile.Public
			rows := [][]string{a.heads("FILE", "USE", "AUTHORITY", "THUMBPRINT")}
			for _, path := range args {
				p, err := keyfile.LoadPublic(strings.TrimSuffix(path, ".pub.json"))
				if err != nil {
					return ofFile("public half (FILE.pub.json)", err)
				}
				list = append(list, p)
				rows = append(rows, []string{path, string(p.Use), string(p.Authority), p.Thumbprint.String()})
			}
			return a.emit(list, rows...)
		},
	}
}

func (a *app) keysCertificate() *cobra.Command {
	var name, out string
	var years int
	var force bool
	c := &cobra.Command{
		Use: "certificate FILE --name NAME --out PEM", Short: "Certify an institutional key under an issuer of its own",
		Long: `Make a certificate for the institutional key in FILE, from its public half, under
an issuer that is made for it alone and whose key is thrown away. It says of
itself that it is not qualified (ej kvalificerad): verifiers believe it because
the trust file lists it. A certificate of a trust service provider is better.`,
		Example: "  sigill keys certificate institution.age --name \"Exempelstads socialnämnd\" --out institution.pem",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if name == "" || out == "" || years < 1 || years > 30 {
				return usage("needed are --name, --out and 1 to 30 --years")
			}
			p, err := keyfile.LoadPublic(args[0])
			if err != nil {
				return ofFile("public half (FILE.pub.json)", err)
			}
			if p.Use != keyfile.Institution {
				return keyfile.ErrUse
			}
			pub, err := p.Key.Public()
			if err != nil {
				return err
			}
			chain, err := client.SelfMadeCertificate(pub.Crypto(), p.Authority, name, time.Now(), years)
			if err != nil {
				return err
			}
			if err := a.output(out, chain, 0o644, force); err != nil {
				return err
			}
			a.talk(a.words.certified, out, client.Unqualified)
			return nil
		},
	}
	c.Flags().StringVar(&name, "name", "", "the authority's `name`")
	c.Flags().StringVar(&out, "out", "", "PEM `file` for the chain, leaf first")
	c.Flags().IntVar(&years, "years", 2, "how many `years` it is valid")
	c.Flags().BoolVar(&force, "force", false, "replace an existing file")
	return c
}

// dayKey is what the identity provider needs to bind a token.
type dayKey struct {
	Date  ident.Date   `json:"date"`
	JKT   ident.Digest `json:"jkt"`
	Proof string       `json:"proof,omitempty"`
}

func (a *app) keysDay() *cobra.Command {
	var proof string
	c := &cobra.Command{
		Use: "day", Short: "Make or show the day key that access tokens are bound to",
		Long: `Make today's key in the home directory, or show it if it is there. The identity
provider binds the access token to its thumbprint (jkt, RFC 9449), and the client
makes a proof with it for each call. Yesterday's key is deleted.

With --proof URL it also makes the DPoP proof of a token request to that address.`,
		Example: "  sigill keys day\n  curl -H \"DPoP: $(sigill keys day --proof https://idp.example/token -o json | jq -r .proof)\" …",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			h, err := a.home()
			if err != nil {
				return err
			}
			d := dayKey{Date: ident.DateOf(time.Now())}
			day, err := h.Day(d.Date)
			if err != nil {
				return err
			}
			d.JKT = day.Public().Thumbprint()
			rows := [][]string{a.heads("DATE", "JKT"), {string(d.Date), d.JKT.String()}}
			if proof != "" {
				if d.Proof, err = tokenRequestProof(day, proof); err != nil {
					return err
				}
				rows = [][]string{{d.Proof}}
			}
			return a.emit(d, rows...)
		},
	}
	c.Flags().StringVar(&proof, "proof", "", "the token endpoint's `URL`: print a DPoP proof for it")
	return c
}

// tokenRequestProof is a DPoP proof for a token request: it names no token yet.
func tokenRequestProof(day *jws.Signer, address string) (string, error) {
	if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || jws.CheckText(address) != nil {
		return "", usage("--proof is the https:// address of a token endpoint")
	}
	return jws.Sign(day, "dpop+jwt", struct {
		Htm string `json:"htm"`
		Htu string `json:"htu"`
		Iat int64  `json:"iat"`
		Jti string `json:"jti"`
	}{"POST", address, time.Now().Unix(), rand.Text()}, jws.Embed())
}
