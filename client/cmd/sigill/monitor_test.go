package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
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
