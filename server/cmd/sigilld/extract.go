package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"sigill/server"
)

func extract() *cobra.Command {
	var c server.Copy
	var decision, out string
	cmd := &cobra.Command{
		Use: "extract", Args: cobra.NoArgs,
		Short: "Take a signed decision with its seal out of a copy of a stopped store, for review without a server",
		Example: "  sigilld extract --store backup/store.db --gate-key gate.age --passphrase-file gate.pass \\\n" +
			"      --decision 3fq2… --out decision.extract",
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := c.Extract(cmd.Context(), decision)
			if err != nil {
				return err
			}
			if err := writeNew(out, b); err != nil {
				return fmt.Errorf("writing the extract: %w", err)
			}
			return nil
		},
	}
	for name, to := range map[string]*string{"store": &c.Store, "gate-key": &c.GateKey, "passphrase-file": &c.PassphraseFile,
		"decision": &decision, "out": &out} {
		cmd.Flags().StringVar(to, name, "", map[string]string{"store": "copy of the store `file`", "gate-key": "gate key `file`",
			"passphrase-file": "`file` with its passphrase, mode 0600", "decision": "the decision's `id`", "out": "new `file` to write"}[name])
		_ = cmd.MarkFlagRequired(name) // fails for a flag that does not exist
	}
	return cmd
}

// writeNew writes a whole new file that only its owner reads, or none; an
// existing one is refused.
func writeNew(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".sigill-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}
