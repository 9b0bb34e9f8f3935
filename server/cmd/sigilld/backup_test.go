package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigill/client/tiles"
	"sigill/keys/ident"
	"sigill/scripts/authority"
	"sigill/server"
)

// TestBackup: what an operator types from one night to the day when the disk is gone,
// for people and for programs; what is refused says what to do, and leaves nothing.
func TestBackup(t *testing.T) {
	a, err := authority.Make(t.Context(), t.TempDir(), authority.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	config, dir := filepath.Join(a.Dir, authority.ConfigFile), t.TempDir()
	does := func(want string, args ...string) string {
		t.Helper()
		code, out, talk := try(t, append(args, "--config", config)...)
		if code != 0 || talk != "" || !strings.Contains(out, want) {
			t.Fatalf("%v: %d\n%s%s", args, code, out, talk)
		}
		return out
	}
	refuses := func(want string, args ...string) {
		t.Helper()
		code, out, talk := try(t, append(args, "--config", config)...)
		if code != 1 || out != "" || !strings.HasPrefix(talk, "sigilld: ") || !strings.Contains(talk, want) {
			t.Errorf("%v: %d\n%s%s", args, code, out, talk)
		}
	}
	r, err := a.Start(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	backup, mirror := filepath.Join(dir, "tonight"), filepath.Join(dir, "mirror")
	var m server.Manifest
	if err := json.Unmarshal([]byte(does("", "backup", backup, "-o", "json")), &m); err != nil || m.Authority != authority.Number || m.Rows == 0 {
		t.Errorf("%+v %v", m, err)
	}
	refuses("a backup is a new file", "backup", backup)
	refuses("text or json", "backup", backup, "-o", "xml")
	does("backup made: ", "backup", filepath.Join(dir, "another"))
	refuses("making a file in "+filepath.Join(dir, "nowhere")+": no such file or directory\n", "backup", filepath.Join(dir, "nowhere", "tonight"))
	refuses("uses the store: stop it first; and the data directory is not empty", "restore", backup)
	refuses("uses the store: stop it first\n", "recover", "--log", mirror, "--reason", "HARDWARE")
	refuses("uses the store: stop it first\n", "recover", "--log", mirror, "--rehearse")
	if list, err := os.ReadDir(dir); err != nil || len(list) != 2 {
		t.Error(list, err)
	}
	if err := r.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	if r, err = a.Start(context.WithoutCancel(t.Context())); err != nil { // which publishes all
		t.Fatal(err)
	}
	log, err := tiles.Open(r.Log, r.Trust.Policy, r.Roots)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Mirror(t.Context(), mirror, ident.DateOf(time.Now())); err != nil {
		t.Fatal(err)
	}
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	does("the rehearsal went well", "restore", backup, "--rehearse")
	refuses("not empty", "restore", backup)
	if err := os.Rename(filepath.Join(a.Dir, "data"), filepath.Join(dir, "dead")); err != nil {
		t.Fatal(err)
	}
	does("now: sigilld recover", "restore", backup)
	refuses("sigilld recover", "serve")
	refuses("needed are --log", "recover")
	refuses("HARDWARE", "recover", "--log", mirror, "--reason", "x")
	does("after it    1 delegation_order\n", "recover", "--log", mirror, "--rehearse")
	does("\npublish again, as signed, before anything else: delegation_order\n", "recover", "--log", mirror, "--rehearse")
	does("the log goes on; entry ", "recover", "--log", mirror, "--reason", "HARDWARE")
	refuses("nothing is to be regained", "recover", "--log", mirror, "--reason", "HARDWARE")
	if r, err = a.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
}
