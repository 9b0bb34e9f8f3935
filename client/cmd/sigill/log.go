package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/client/tiles"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/keys/proof"
	"sigill/keys/statement"
)

func (a *app) log() *cobra.Command {
	return group("log", "Read an authority's log, as anyone may", "  sigill log mirror https://sigill.example:8444 kopia --trust trust.json\n  sigill log monitor https://sigill.example:8444 --state logg.json --trust trust.json",
		a.logMirror(), a.logMonitor(), a.logProve())
}

// mirrored is what a mirror has.
type mirrored struct {
	Authority ident.Authority      `json:"authority"`
	Log       statement.Checkpoint `json:"checkpoint"`
	Witnessed bool                 `json:"witnessed"`
	Entries   uint64               `json:"new_entries"`
	Days      int                  `json:"new_days"`
}

func (a *app) logMirror() *cobra.Command {
	return &cobra.Command{
		Use: "mirror SOURCE DIR", Short: "Copy a log into a directory, and hold it against what is signed",
		Long: `Copy a log from where it is given out, a URL or another copy, into a directory, which
is made if it is not there. Every entry and every day is held against a checkpoint
that the log of the trust file has signed, and the log against what the directory has
of it. The copy is static files under the same paths: any web server gives it out
again, and it can be copied and read like the log itself.

Given again, it copies what is new; after an interruption it goes on. Who runs it says
to nobody which entries matter: all are copied. Exit code 3 if what was read is not
what the log signed, or not the log that the directory has: keep both then, since they
prove it. Nothing of that is written.`,
		Example: "  sigill log mirror https://sigill.example:8444 kopia --trust trust.json\n  sigill log mirror kopia en-till --trust trust.json",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			trust, err := a.trust()
			if err != nil {
				return err
			}
			var c client.Config
			if err := a.roots(&c); err != nil {
				return err
			}
			l, err := tiles.Open(args[0], trust.Policy, c.Roots)
			if err != nil {
				return err
			}
			m, err := l.Mirror(cmd.Context(), args[1], ident.DateOf(time.Now()))
			if err != nil {
				return keyfile.Pathless(err)
			}
			out := mirrored{m.Origin, statement.Checkpoint{Root: m.Root, Size: int64(m.Size)}, m.Witnessed, m.Entries, m.Days}
			witnessed := a.yes(out.Witnessed)
			if !out.Witnessed {
				witnessed += " (obevittnad)"
			}
			return a.emit(out, []string{a.t("authority"), string(out.Authority)}, []string{a.t("log size"), fmt.Sprint(out.Log.Size)},
				[]string{a.t("witnessed"), witnessed}, []string{a.t("new entries"), fmt.Sprint(out.Entries)}, []string{a.t("new days"), fmt.Sprint(out.Days)})
		},
	}
}

// notTheLog: what was read is not what the log of the trust file signed.
func notTheLog(err error) bool {
	for _, e := range []error{tiles.ErrDamaged, proof.ErrCheckpoint, proof.ErrInconsistent} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
