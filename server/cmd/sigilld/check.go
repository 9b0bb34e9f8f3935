package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sigill/keys/command"
	"sigill/server"
)

// finding is a line of the check, in the form of "sigill doctor".
type finding struct {
	Check string `json:"check"`
	State string `json:"state"` // ok or fail
	Note  string `json:"note,omitempty"`
}

func check() *cobra.Command {
	cmd := &cobra.Command{Use: "check", Short: "Say whether a server could start, and what is wrong if not",
		Long: "Looks at environment, trust file, keys, certificate, store, TLS and identity providers, a line for each:\n" +
			"ok, or fail and what is to be mended. A server may be running meanwhile.",
		Example: "  sigilld config check --config /etc/sigill/sigilld.yaml\n  sigilld config check --config sigilld.yaml -o json"}
	format := cmd.Flags().StringP("output", "o", "table", "`form` of the findings: table or json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return configured(cmd, func(cmd *cobra.Command, c server.Config) error {
		if *format != "table" && *format != "json" {
			return &command.Usage{Format: "the output is table or json"}
		}
		found, failed := []finding{}, 0
		for _, f := range server.Check(cmd.Context(), c) {
			one := finding{f.What, "ok", f.Note}
			if f.Err != nil {
				one.State, one.Note = "fail", f.Err.Error()
				failed++
			}
			found = append(found, one)
		}
		if err := show(cmd, *format, found); err != nil {
			return err
		}
		if failed > 0 {
			return fmt.Errorf("%d of the above would stop the server or keep everyone out", failed)
		}
		return nil
	})
}

func show(cmd *cobra.Command, format string, found []finding) error {
	if format == "json" {
		e := json.NewEncoder(cmd.OutOrStdout())
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(found)
	}
	wide := 0
	for _, f := range found {
		wide = max(wide, len([]rune(f.Check)))
	}
	for _, f := range found {
		if _, err := fmt.Fprintln(cmd.OutOrStdout(), strings.TrimRight(fmt.Sprintf("%-4s  %-*s  %s", f.State, wide, f.Check, f.Note), " ")); err != nil {
			return err
		}
	}
	return nil
}
