package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sigill/keys/command"
	"sigill/keys/statement"
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
			"server starts. With --rehearse all of it is done in a directory that is taken away again (under TMPDIR), with sigilld check\n" +
			"in the end; its exit code is then that command's.",
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
		text := told(r)
		if r.Checked != nil {
			text += checkText(r.Checked)
			if r.Checked.State != "green" {
				return r, text, errFound
			}
		}
		return r, text + "sigilld: " + done + "\n", nil
	})
}

func recoverLog() *cobra.Command {
	cmd := &cobra.Command{Use: "recover", Short: "Take the log up again where it was published, after a restore",
		Long: "A store that was put back to a backup lacks what came after it, and its witnesses know better. This takes the published log\n" +
			"up again from a copy (sigill log mirror) that none of them knows more than, names what is lost, and says so in the log, for\n" +
			"everyone to see. Decisions that are lost here still verify for who holds them. With --rehearse nothing is changed.",
		Example: "  sigilld recover --config sigilld.yaml --log /srv/mirror --rehearse\n" +
			"  sigilld recover --config sigilld.yaml --log /srv/mirror --reason HARDWARE"}
	var r server.Regain
	cmd.Flags().StringVar(&r.Log, "log", "", "`directory` with a copy of the published log")
	_ = cmd.MarkFlagRequired("log") // fails for a flag that does not exist
	_ = cmd.MarkFlagDirname("log")
	cmd.Flags().StringVar(&r.Reason, "reason", "", "`why` the store was put back: "+strings.Join(statement.RecoveryReasons, ", "))
	_ = cmd.RegisterFlagCompletionFunc("reason", cobra.FixedCompletions(statement.RecoveryReasons, cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().BoolVar(&r.Rehearse, "rehearse", false, "say what would be lost, and change nothing")
	return about(cmd, cobra.NoArgs, func(cmd *cobra.Command, c server.Config, _ []string) (any, string, error) {
		out, err := server.Recover(cmd.Context(), c, r)
		if err != nil {
			return nil, "", err
		}
		text := fmt.Sprintf("the store has %d entries of the log, %d were published\n", out.Restored, out.Regained)
		for _, kind := range slices.Sorted(maps.Keys(out.Kinds)) {
			text += fmt.Sprintf("after it    %d %s\n", out.Kinds[kind], kind)
		}
		for _, kind := range out.Again {
			text += fmt.Sprintf("publish again, as signed, before anything else: %s\n", kind)
		}
		for _, d := range out.Decisions {
			text += fmt.Sprintf("lost here   B-%04d-%06d %s\n", d.Year, d.Number, cmp.Or(string(d.Day), "of a day that the copy does not have"))
		}
		if out.Recovery != nil {
			text += fmt.Sprintf("sigilld: the log goes on; entry %d says so\n", out.Recovery.Index)
		}
		return out, text, nil
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
