package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigill/client/monitor"
)

// TestMonitorGoesOn: as a service it says a line for each look, in JSON or not; it goes on
// while the log is down, and ends well when it is told to.
func TestMonitorGoesOn(t *testing.T) {
	r := ward(t, false)
	as(t, r, "domstol")
	for _, format := range []string{"json", "table"} {
		ctx, stop := context.WithCancel(t.Context())
		out, printed := io.Pipe()
		ended := make(chan int, 1)
		state := filepath.Join(t.TempDir(), "logg.json")
		var talk strings.Builder
		go func() {
			args := []string{"log", "monitor", r.Log, "--state", state, "--every", "20ms", "-o", format}
			ended <- run(ctx, args, strings.NewReader(""), printed, &talk)
			printed.Close()
		}()
		lines := bufio.NewScanner(out)
		next := func() string {
			if !lines.Scan() {
				t.Fatal("it has ended")
			}
			return lines.Text()
		}
		until := func(what string) {
			for {
				line := next()
				if strings.Contains(line, what) {
					return
				}
				if format == "json" {
					var l monitor.Look
					if err := json.Unmarshal([]byte(line), &l); err != nil || l.Typ != "sigill-monitor-look" || l.Log == nil {
						t.Fatalf("%v: %s", err, line)
					}
				}
			}
		}
		fine, away := "  fine  ", "  cannot tell  "
		if format == "json" {
			fine, away = `"state":"fine"`, `"state":"unknown"`
		}
		until(fine)
		until(fine)
		if format == "table" { // the server is started once
			if err := r.Stop(); err != nil {
				t.Fatal(err)
			}
			until(away)
			until(away)
		}
		stop()
		go io.Copy(io.Discard, out) // whatever it was about to say
		if code := <-ended; code != exitOK {
			t.Errorf("%s: exit %d", format, code)
		}
		if advice := strings.Count(talk.String(), "What to do: "); (advice == 1) != (format == "table") {
			t.Errorf("%s: advice is given %d times: %s", format, advice, talk.String())
		}
	}
}

// TestProven: of every kind of evidence a sentence says in both languages what it proves.
func TestProven(t *testing.T) {
	dir := t.TempDir()
	golden := func(name string) string {
		b, err := os.ReadFile(filepath.Join("..", "..", "..", "keys", "evidence", "testdata", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), bytes.TrimSuffix(b, []byte("\n")), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	trust := golden("trust.json")
	for kind, says := range map[string][2]string{
		"fork":     {"två historier: en med 9 poster, och en med 14", "two histories: one of 9 entries, and one of 14"},
		"rollback": {"hade 9 poster den 2026-11-20, och senare bevittnades den med 3", "had 9 entries on 2026-11-20, and later its witnesses cosigned it with 3"},
		"numbers":  {"gav numret B-2026-000003 närmast efter B-2026-000001", "gave the number B-2026-000003 next after B-2026-000001"},
		"entry":    {"på plats 6, som inte är någon av dess poster", "at index 6, that is none of its entries"},
		"promise":  {"2026-11-20", "2026-11-20"},
	} {
		for i, lang := range []string{"sv", "en"} {
			var out, talk bytes.Buffer
			args := []string{"verify", golden(kind + ".json"), "--trust", trust, "--lang", lang}
			code := run(t.Context(), args, strings.NewReader(""), &out, &talk)
			if code != exitBroken || !strings.Contains(out.String(), says[i]) || strings.Contains(out.String(), "%!") {
				t.Errorf("%s, %s: exit %d, %s%s", kind, lang, code, out.String(), talk.String())
			}
			out.Reset()
			if run(t.Context(), append(args, "-o", "json"), strings.NewReader(""), &out, &talk); strings.Contains(out.String(), `"number"`) != (kind == "numbers") {
				t.Errorf("%s: %s", kind, out.String())
			}
		}
	}
}

// TestWhere: what a finding's number means is said with it, or it has none.
func TestWhere(t *testing.T) {
	for name, want := range map[string]string{monitor.Fork: "7 poster", monitor.Rollback: "7 poster", monitor.Ahead: "7 poster", monitor.Gap: "post 7",
		monitor.Duplicate: "post 7", monitor.Entry: "post 7", monitor.Openings: "post 7", monitor.Notice: "1970-01-08",
		monitor.Stall: "sedan 1970-01-01 01:00:07", monitor.Damaged: "", monitor.Signature: "", monitor.Unreachable: ""} {
		if got := (&app{words: swedish}).where(monitor.Finding{Name: name, At: 7}); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		if swedish.found[name].what == "" {
			t.Errorf("%s is no finding", name)
		}
	}
}
