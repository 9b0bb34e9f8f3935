package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"go.etcd.io/bbolt"

	"sigill/scripts/authority"
)

// The exit codes of sigilld check.
const (
	green    = 0
	findings = 3
)

// tampered has somebody with the run of the server's disk delete the decision in a copy
// of the store, which sigilld check finds; the store itself is whole.
func tampered(ctx context.Context, a *authority.Authority, sigilld string, say func(string, ...any)) error {
	copied := filepath.Join(a.Dir, "copy")
	config := filepath.Join(a.Dir, "copy.yaml")
	defer os.RemoveAll(copied)
	defer os.Remove(config)
	text, err := os.ReadFile(filepath.Join(a.Dir, authority.ConfigFile))
	if err != nil {
		return err
	}
	err = errors.Join(os.Mkdir(copied, 0o700),
		os.WriteFile(config, []byte(strings.Replace(string(text), "data: data\n", "data: copy\n", 1)), 0o600))
	if err != nil {
		return err
	}
	backup := exec.CommandContext(ctx, sigilld, "backup", "--config", filepath.Join(a.Dir, authority.ConfigFile), filepath.Join(copied, "store.db"))
	if out, err := backup.CombinedOutput(); err != nil {
		return fmt.Errorf("sigilld backup: %s: %w", out, err)
	}
	if err := deleteDecision(filepath.Join(copied, "store.db")); err != nil {
		return err
	}
	list, err := checked(ctx, sigilld, config, findings)
	if err != nil {
		return err
	}
	say("En chef raderar beslutet i en kopia av serverns lager. sigilld check hittar det: %s.", about(list, "a decision's row is missing"))
	list, err = checked(ctx, sigilld, filepath.Join(a.Dir, authority.ConfigFile), green)
	if err != nil {
		return err
	}
	say("I det riktiga lagret är allt som det skrevs: %s.", list[len(list)-1])
	return nil
}

// about is the line that has a word in it.
func about(list []string, word string) string {
	for _, line := range list {
		if strings.Contains(line, word) {
			return line
		}
	}
	return ""
}

func deleteDecision(path string) error {
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		room := tx.Bucket([]byte("decision"))
		key, _ := room.Cursor().First()
		return room.DeleteBucket(key)
	})
	return errors.Join(err, db.Close())
}

// checked is what sigilld check says, which must end as it should.
func checked(ctx context.Context, sigilld, config string, want int) ([]string, error) {
	cmd := exec.CommandContext(ctx, sigilld, "check", "--config", config)
	out, err := cmd.Output()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != want {
		return nil, errors.Join(fmt.Errorf("sigilld check: %s", out), err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n"), nil
}
