package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"sigill/keys/command"
	"sigill/server"
)

// about adds the flags of a command that works on a configured store and says what
// came of it, as text or JSON; an error beside a result says how that is to be taken.
func about(cmd *cobra.Command, args cobra.PositionalArgs, do func(cmd *cobra.Command, c server.Config, args []string) (result any, text string, err error)) *cobra.Command {
	format := cmd.Flags().StringP("output", "o", "text", "`form` of the answer: text or json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	configured(cmd, nil)
	path := cmd.Flags().Lookup("config").Value
	cmd.Args = args
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *format != "text" && *format != "json" {
			return &command.Usage{Format: "the output is text or json"}
		}
		c, err := server.ReadConfig(path.String())
		if err != nil {
			return err
		}
		result, text, err := do(cmd, c, args)
		if result == nil {
			return err
		}
		if *format == "text" {
			_, failed := fmt.Fprint(cmd.OutOrStdout(), text)
			return errors.Join(failed, err)
		}
		e := json.NewEncoder(cmd.OutOrStdout())
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return errors.Join(e.Encode(result), err)
	}
	return cmd
}

func backup() *cobra.Command {
	cmd := &cobra.Command{Use: "backup FILE", Short: "Write a new file with the whole store, while the server runs or not",
		Long: "Writes one state of the store into a new file, of mode 0600: still encrypted under the gate key, without anything that was\n" +
			"deleted. The server goes on meanwhile; until the backup is done, the store's file grows by all that is written. A backup\n" +
			"that fails leaves nothing, and ends with 1.",
		Example: "  sigilld backup --config /etc/sigill/sigilld.yaml /var/backups/sigill/2026-11-27\n" +
			"  sigilld backup --config sigilld.yaml --output json tonight"}
	return about(cmd, cobra.ExactArgs(1), func(cmd *cobra.Command, c server.Config, args []string) (any, string, error) {
		m, err := server.Backup(cmd.Context(), c, args[0])
		if errors.Is(err, fs.ErrExist) {
			return nil, "", fmt.Errorf("%w: a backup is a new file", err)
		}
		if err != nil {
			return nil, "", err
		}
		return m, fmt.Sprintf("sigilld: backup made: %d rows, the log at %d entries\n", m.Rows, m.Size), nil
	})
}

func restore() *cobra.Command {
	cmd := &cobra.Command{Use: "restore BACKUP", Short: "Put a backup into an empty data directory, or try whether it could be",
		Long: "Verifies a backup, all of it, with the configuration's keys and trust file, and puts it into the data directory, which must\n" +
			"be empty or not there. What the log has after the backup is then to be regained with sigilld recover: before that no\n" +
			"server starts. With --rehearse all of it is done in a directory that is taken away again (under TMPDIR).",
		Example: "  sigilld restore --config sigilld.yaml --rehearse /var/backups/sigill/2026-11-27\n" +
			"  sigilld restore --config sigilld.yaml /var/backups/sigill/2026-11-27"}
	rehearse := cmd.Flags().Bool("rehearse", false, "restore into a directory that is taken away again")
	return about(cmd, cobra.ExactArgs(1), func(cmd *cobra.Command, c server.Config, args []string) (any, string, error) {
		do, done := server.Restore, "restored; now: sigilld recover"
		if *rehearse {
			do, done = server.Rehearse, "the rehearsal went well; nothing is left of it"
		}
		r, err := do(cmd.Context(), c, args[0])
		if err != nil {
			return nil, "", err
		}
		return r, told(r) + "sigilld: " + done + "\n", nil
	})
}

// told is what a backup holds, for people.
func told(r *server.Restored) string {
	h := r.Holds
	text := fmt.Sprintf("made        %s\nlog         %d entries", r.Manifest.Made.Format("2006-01-02 15:04 MST"), h.Entries)
	if h.LastDay != "" {
		text += ", the last whole day is " + string(h.LastDay)
	}
	text += fmt.Sprintf("\ndrafts      %d await a signature\ndecisions   %d\n", h.Drafts, h.Decisions)
	if n := h.Newest; n != nil {
		text += fmt.Sprintf("newest      B-%04d-%06d of %s, its sealed record opens as far as the gate key goes\n            core %s\n", n.Year, n.Number, n.Date, n.Core)
	}
	return text
}
