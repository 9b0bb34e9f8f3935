package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/client/monitor"
	"sigill/keys/ident"
)

// outcomes are what --once ends with, and what is said of it, by what a look says.
var outcomes = map[string]struct {
	exit int
	said string
}{"fine": {exitOK, "fine"}, "pending": {exitOK, "pending"}, "found": {exitBroken, "found"}, "unknown": {exitUnknown, "cannot tell"}}

// alarm is what sigill log monitor --once ends with where not all is well.
type alarm struct{ state string }

func (e *alarm) Error() string { return "the log: " + e.state }

func (a *app) logMonitor() *cobra.Command {
	var c monitor.Config
	var once bool
	var every time.Duration
	cmd := &cobra.Command{
		Use: "monitor SOURCE --state FILE", Short: "Follow a log, and say when it does what it must not",
		Long: `Follow an authority's log from where it is given out, a URL or a copy, with its trust
file: at once, and then each time that --every has passed, until interrupted. Every
entry is read and counted. What is said of each look is one line, or with -o json one
line of JSON; what is found stands under it.

fork: two histories. rollback: the log has become smaller. gap, duplicate: a decision
number is left out, or given out of its order. notice: the author of an opened record
was not told in time. openings: an opening that nobody asked for. entry: something that
is no entry. These are kept in the state file and said at every look; what a stranger
can check is written beside it, for sigill verify. To begin anew, move the state file
away: the next look then starts with the log's first entry and knows nothing of before.

succeeded: the log has more changes of trust than your trust file knows of, so that what
is said may be by old keys: sigill adopt. stall: no witness has seen the log for longer than --stall. damaged, signature: what is
given out is not what the log of the trust file signed. unreachable: no answer, or not
all of it within five minutes, or --every if that is longer. These are said while they
are so.

With --compare, what others were shown is held against it at each look: a decision, a
proof, a checkpoint, evidence, the state.json or found.json of a witness, the state of
another monitor, or another place where the log is given out.

With --once it looks once: exit code 0 if nothing is found, 6 if something is, 4 if the
log cannot be reached or is smaller than what was compared, or your trust file is old.`,
		Example: "  sigill log monitor https://sigill.example:8444 --state logg.json --trust trust.json\n" +
			"  sigill log monitor https://sigill.example:8444 --state logg.json --once -o json\n" +
			"  sigill log monitor https://sigill.example:8444 --state logg.json --once --compare decision.sigill",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			c.Within = max(every, monitor.DefaultEvery)
			if c.State == "" {
				return usage("no state: give --state")
			}
			if every <= 0 || c.Stall <= 0 {
				return usage("--every and --stall must be longer than zero")
			}
			if c.Trust, err = a.trust(); err != nil {
				return err
			}
			var roots client.Config
			if err := a.roots(&roots); err != nil {
				return err
			}
			c.Source, c.Roots = args[0], roots.Roots
			m, err := monitor.Open(c)
			if err != nil {
				return err
			}
			defer m.Close()
			told := map[string]bool{}
			if !once {
				return m.Watch(a.ctx, every, func(l monitor.Look) error { return a.look(l, told) })
			}
			l, err := m.Look(a.ctx, time.Now())
			if err != nil {
				return err
			}
			if err := a.look(l, told); err != nil {
				return err
			}
			if outcomes[l.State].exit != exitOK {
				return &alarm{l.State}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.State, "state", "", "`file` of what is remembered, which is made; evidence is written beside it")
	f.BoolVar(&once, "once", false, "look once, and say by the exit code what was found")
	f.DurationVar(&every, "every", monitor.DefaultEvery, "`time` from look to look")
	f.DurationVar(&c.Stall, "stall", monitor.DefaultStall, "`time` after which a log that no witness has seen stands still")
	f.StringArrayVar(&c.Compare, "compare", nil, "`file` or address with what others were shown; may be given again")
	return cmd
}

// look says what a look says, as data, and what to do about what is new in it.
func (a *app) look(l monitor.Look, told map[string]bool) error {
	if a.format == "json" {
		e := json.NewEncoder(a.stdout)
		e.SetEscapeHTML(false)
		return e.Encode(l)
	}
	line := []string{time.Unix(l.Time, 0).In(ident.Stockholm()).Format(time.DateTime), a.t(outcomes[l.State].said), a.t("new entries") + " " + strconv.FormatUint(l.New, 10)}
	if l.Log != nil {
		line = append(line, a.t("log size")+" "+strconv.FormatUint(l.Log.Size, 10), a.t("witnessed")+" "+a.yes(l.Witnessed))
	}
	if l.Number != nil {
		line = append(line, fmt.Sprintf("%s %d-%d", a.t("number"), l.Number.Year, l.Number.Number))
	}
	if err := a.emit(nil, line); err != nil {
		return err
	}
	if len(l.Findings) == 0 {
		return nil
	}
	rows := [][]string{a.heads("  FINDING", "WHAT", "DATE", "AT", "EVIDENCE")}
	for _, f := range l.Findings {
		c := a.words.found[f.Name]
		rows = append(rows, []string{"  " + f.Name, c.what, string(f.Day), strconv.FormatUint(f.At, 10), f.Evidence})
		if key := f.Name + strconv.FormatUint(f.At, 10); !told[key] {
			told[key] = true
			a.talk(a.words.toDo, c.do)
		}
	}
	return a.emit(nil, rows...)
}
