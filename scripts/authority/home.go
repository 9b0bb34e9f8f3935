package authority

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sigill/client"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
)

// keyOf is the file of an officer's, a reviewer's or the court's key.
func keyOf(user string) string {
	if place, ok := strings.CutPrefix(user, "granskare-"); ok {
		return "reviewer-" + place
	}
	return map[string]string{"direktor": "director", "vice": "deputy", "registrator": "registrar", "domstol": "court"}[user]
}

// Home is [Authority.Home] with the server's address.
func (r *Running) Home(user string, bound bool) (map[string]string, error) {
	env, err := r.Authority.Home(user, bound)
	if err != nil {
		return nil, err
	}
	env["SIGILL_ADDR"] = r.Addr
	if r.Roots == nil {
		env["SIGILL_ADDR"] = "http://" + r.Addr
	}
	return env, nil
}

// Home makes a home and a login of the day for a user of the command line, once,
// and returns the variables that make sigill act as them, but for the address.
func (a *Authority) Home(user string, bound bool) (map[string]string, error) {
	dir := a.path("homes", user)
	if !bound {
		dir += "-bearer"
	}
	access := dir + ".token"
	if _, err := os.Stat(access); errors.Is(err, fs.ErrNotExist) {
		if err := a.makeHome(user, dir, access, bound); err != nil {
			return nil, fmt.Errorf("home of %s: %w", user, err)
		}
	}
	env := map[string]string{"SIGILL_ORIGIN": Origin, "SIGILL_HOME": dir, "SIGILL_TOKEN_FILE": access,
		"SIGILL_TRUST": a.path("trust.json"), "SIGILL_PASSPHRASE_FILE": a.path("keys", "passphrase"), "SIGILL_KEY": "", "SIGILL_WORK_FACTOR": "1"}
	if name := keyOf(user); name != "" {
		env["SIGILL_KEY"] = a.path("people", name+".age")
	}
	return env, nil
}

func (a *Authority) makeHome(user, dir, access string, bound bool) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	home, err := client.OpenHome(dir, func() (string, error) { return Passphrase, nil }, keyfile.Options{WorkFactor: 1})
	if err != nil {
		return err
	}
	var jkt *ident.Digest
	if bound {
		day, err := home.Day(ident.DateOf(time.Now()))
		if err != nil {
			return err
		}
		d := day.Public().Thumbprint()
		jkt = &d
	}
	token, err := a.IDP.Issue(user, jkt, 0)
	if err != nil {
		return err
	}
	return os.WriteFile(access, []byte(token+"\n"), 0o600)
}
