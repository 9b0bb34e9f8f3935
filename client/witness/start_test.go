package witness_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigill/client/witness"
	"sigill/keys/keyfile"
	"sigill/keys/proof"
)

// starts holds that the witness does not start, for that reason, and that nothing changed.
func (p *post) starts(what string, want error) {
	p.Helper()
	before := p.files()
	w, err := p.try()
	if !errors.Is(err, want) || w != nil {
		p.Errorf("%s: %v, want %v", what, err, want)
		if w != nil {
			w.Close()
		}
	}
	if err != nil && strings.Contains(err.Error(), p.dir) {
		p.Errorf("%s: the error names a path: %v", what, err)
	}
	if after := p.files(); after != before || len(p.notices) > 0 {
		p.Errorf("%s: something changed:\n%s%s", what, before, after)
	}
}

func TestStart(t *testing.T) {
	p, l := newPost(t), log(t, 9)
	p.cosigns(l.ask(t, 0, 5))
	junk := l.ask(t, 5, 9)
	junk.Hashes = junk.Hashes[1:]
	p.send(junk.Marshal())
	p.told()
	p.starts("a second one", witness.ErrLocked)
	p.cosigns(l.ask(t, 5, 6))
	p.close()
	p.open()
	p.close()

	at := func(name string) string { return filepath.Join(p.dir, name) }
	for _, name := range []string{"state.json", "count", "witness.yaml", "found.json"} {
		good, err := os.ReadFile(at(name))
		if err != nil {
			t.Fatal(err)
		}
		for what, mode := range map[string]fs.FileMode{"group reads": 0o640, "all read": 0o604, "group writes": 0o620, "all write": 0o602} {
			if err := os.Chmod(at(name), mode); err != nil {
				t.Fatal(err)
			}
			p.starts(name+": "+what, witness.ErrPlace)
		}
		if err := errors.Join(os.Rename(at(name), at("elsewhere")), os.Symlink("elsewhere", at(name))); err != nil {
			t.Fatal(err)
		}
		p.starts(name+": a link", witness.ErrPlace)
		if err := errors.Join(os.Remove(at(name)), os.Mkdir(at(name), 0o700)); err != nil {
			t.Fatal(err)
		}
		p.starts(name+": a directory", witness.ErrPlace)
		if err := errors.Join(os.Remove(at(name)), os.Remove(at("elsewhere")), os.WriteFile(at(name), good, 0o600)); err != nil {
			t.Fatal(err)
		}
		p.damaged(name, good)
		if err := os.WriteFile(at(name), good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(p.dir, 0o750); err != nil {
		t.Fatal(err)
	}
	p.starts("group reads the directory", witness.ErrPlace)
	if err := errors.Join(os.Chmod(p.dir, 0o700), os.Remove(at("count"))); err != nil {
		t.Fatal(err)
	}
	p.starts("no count", witness.ErrState)
}

// damaged tries files with a byte changed, cut and doubled.
func (p *post) damaged(name string, good []byte) {
	p.Helper()
	path := filepath.Join(p.dir, name)
	wrong := map[string][]byte{"empty": {}, "cut": good[:len(good)/2], "doubled": append(bytes.Clone(good), good...), "more": append(bytes.Clone(good), 'x')}
	if name == "state.json" { // with its digest
		wrong["large"] = bytes.Repeat([]byte("x"), 17<<20)
		for i := range good {
			if i > 80 && i%29 != 0 && i < len(good)-120 {
				continue
			}
			b := bytes.Clone(good)
			b[i] ^= 1
			wrong[fmt.Sprint("byte ", i)] = b
		}
	}
	for what, b := range wrong {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			p.Fatal(err)
		}
		before := p.files()
		w, err := p.try()
		if err == nil {
			w.Close()
			p.Errorf("%s: %s: it starts", name, what)
		}
		for _, named := range []error{witness.ErrState, witness.ErrOlder, witness.ErrConfig, witness.ErrKeys, witness.ErrFound} {
			if errors.Is(err, named) {
				err = nil
			}
		}
		if err != nil {
			p.Errorf("%s: %s: %v", name, what, err)
		}
		if p.files() != before {
			p.Errorf("%s: %s: something changed", name, what)
		}
	}
}

func TestConfig(t *testing.T) {
	p := newPost(t)
	p.close()
	path := filepath.Join(p.dir, "witness.yaml")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	change := func(old, new string) string { return strings.Replace(string(good), old, new, 1) }
	for what, c := range map[string]struct {
		text string
		want error
	}{
		"unknown member":  {string(good) + "surprise: yes\n", witness.ErrConfig},
		"two documents":   {string(good) + "---\nname: x\n", witness.ErrConfig},
		"no name":         {change("name: "+name+"\n", ""), witness.ErrConfig},
		"another name":    {change("name: "+name, "name: other.example"), witness.ErrKeys},
		"no name of ours": {change("name: "+name, "name: Vittne"), proof.ErrWitnessName},
		"no log key":      {change("logs: []", "logs: [hello]"), proof.ErrLogKey},
		"a witness's key": {change("logs: []", "logs: ["+p.config.VKeys[0]+"]"), proof.ErrLogKey},
	} {
		if c.text == string(good) {
			t.Fatalf("%s: nothing was changed", what)
		}
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		p.starts(what, c.want)
	}
	// A log of the file is watched as one of the caller's is; one named twice is one.
	third := newHistory(t, "229999-0024", 1, 3, 3, "")
	if err := os.WriteFile(path, []byte(change("logs: []", "logs: ["+third.signer.String()+", "+logs(t)[0]+"]")), 0o600); err != nil {
		t.Fatal(err)
	}
	p.open()
	if rec := p.send(third.ask(t, 0, 3).Marshal()); rec.Code != 200 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	p.cosigns(log(t, 3).ask(t, 0, 3))
	p.close()
	// When it is no longer watched, what was cosigned of it is not forgotten.
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	p.open()
	p.refuses("no longer watched", third.ask(t, 3, 3).Marshal(), 404, text, unknown)
	p.cosigns(log(t, 3).ask(t, 3, 3))
	if s, err := witness.Read(p.dir); err != nil || len(s.Logs) != 2 || s.Logs[1].Size != 3 {
		t.Errorf("%v, %v", s.Logs, err)
	}
	p.close()
	none := func() (string, error) { t.Error("asked for the passphrase"); return pass, nil }
	if w, err := witness.Open(p.dir, nil, none, nil); !errors.Is(err, witness.ErrLogs) || w != nil {
		t.Errorf("no logs: %v", err)
	}
	if w, err := witness.Open(p.dir, []string{"hello"}, none, nil); !errors.Is(err, proof.ErrLogKey) || w != nil {
		t.Errorf("no log: %v", err)
	}
	if w, err := witness.Open(p.dir, logs(t), func() (string, error) { return "another", nil }, nil); !errors.Is(err, keyfile.ErrCannotOpen) || w != nil {
		t.Errorf("another passphrase: %v", err)
	}
	p.open() // and none of them has kept the lock
}

// TestKeyChange: both keys of a log are known while it changes them, and what was
// signed by the old one stays remembered when only the new one is left.
func TestKeyChange(t *testing.T) {
	p, old := newPost(t), log(t, 9)
	changed := newHistory(t, authority, 7, 9, 9, "")
	p.cosigns(old.ask(t, 0, 5))
	p.refuses("not known yet", changed.ask(t, 5, 6).Marshal(), 403, text, unsigned)
	p.close()
	w, err := witness.Open(p.dir, []string{changed.signer.String()}, func() (string, error) { return pass, nil }, func(n witness.Notice) { t.Error(n) })
	if err != nil {
		t.Fatal(err)
	}
	p.w = w
	p.refuses("the old one", old.ask(t, 5, 6).Marshal(), 403, text, unsigned)
	p.refuses("from nothing", changed.ask(t, 0, 6).Marshal(), 409, size, "5\n")
	if rec := p.send(changed.ask(t, 5, 6).Marshal()); rec.Code != 200 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	p.close()
}

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	fast := keyfile.Options{WorkFactor: 1}
	is := func(what string, want int) {
		t.Helper()
		if list, err := os.ReadDir(dir); err != nil || len(list) != want {
			t.Errorf("%s: %v, %v", what, list, err)
		}
	}
	for what, c := range map[string]struct {
		name, pass string
		want       error
	}{"no name": {"", pass, proof.ErrWitnessName}, "a number": {"229999-0008", pass, proof.ErrWitnessName}, "no passphrase": {name, "", keyfile.ErrPassphrase}} {
		if _, err := witness.Create(filepath.Join(dir, "w"), c.name, c.pass, fast); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
		is(what, 0)
	}
	c, err := witness.Create(filepath.Join(dir, "w")+"/", name, pass, fast)
	if err != nil || c.Name != name || len(c.VKeys) != 2 {
		t.Fatal(c, err)
	}
	is("made", 1)
	if info, err := os.Stat(filepath.Join(dir, "w")); err != nil || info.Mode() != fs.ModeDir|0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if s, err := witness.Read(filepath.Join(dir, "w")); err != nil || s.Name != name || len(s.Logs)+len(s.Found) > 0 {
		t.Errorf("%v, %v", s, err)
	}
	if _, err := witness.Create(filepath.Join(dir, "w"), name, pass, fast); !errors.Is(err, witness.ErrExists) {
		t.Error("again:", err)
	}
	if _, err := witness.Create(filepath.Join(dir, "none", "w"), name, pass, fast); !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), dir) {
		t.Error("nowhere:", err)
	}
	is("again", 1)
	other, err := witness.Create(filepath.Join(dir, "v"), name, pass, fast)
	if err != nil || other.VKeys[0] == c.VKeys[0] || other.VKeys[1] == c.VKeys[1] {
		t.Errorf("two witnesses with one key: %v", err)
	}
	// The one's keys in the other's directory are no keys of it.
	if err := os.Rename(filepath.Join(dir, "v", "witness-mldsa.age"), filepath.Join(dir, "w", "witness-mldsa.age")); err != nil {
		t.Fatal(err)
	}
	if w, err := witness.Open(filepath.Join(dir, "w"), logs(t), func() (string, error) { return pass, nil }, nil); !errors.Is(err, witness.ErrKeys) || w != nil {
		t.Error("another's key:", err)
	}
}
