package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sigill/keys/command"
	"sigill/keys/ident"
)

// TestCompletion: what can be typed next is offered, and the server hears nothing of it:
// who completes the id of a draft would tell that they have one.
func TestCompletion(t *testing.T) {
	asked := make(chan net.Conn, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(asked)
				return
			}
			asked <- c
		}
	}()
	home := filepath.Join(t.TempDir(), "home")
	matter := string(ident.NewID())
	if err := os.MkdirAll(filepath.Join(home, "matters"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "matters", matter), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SIGILL_ADDR", "http://"+l.Addr().String())
	t.Setenv("SIGILL_HOME", home)
	for line, want := range map[string]string{
		"dra":                             "draft\t",
		"draft ":                          "submit\t",
		"keys new ":                       "\nreviewer\n",
		"keys new director ":              "age\n:8",
		"request --ground ":               "\nCOURT_ORDER\n",
		"request --sections ":             "DECIDER\n",
		"request --sections DECIDER,EV":   "DECIDER,EVIDENCE\n",
		"review approve --sections ":      "EVIDENCE\n",
		"review refuse --basis ":          "AUTHENTICITY\n",
		"-o ":                             "table\njson\n:4",
		"inbox --lang ":                   "sv\nen\n:4",
		"verify ":                         "sigill\njson\n:8",
		"verify x --trust ":               "json\n:8",
		"open ":                           "package\nextract\n:8",
		"board sign ":                     "yaml\nyml\nsigned\n:8",
		"sign x --key ":                   "age\n:8",
		"draft submit ":                   ":16",
		"draft revise ":                   matter + "\n:4",
		"draft revise " + matter + " ":    ":16",
		"draft openings ":                 matter + "\n:4",
		"sign ":                           ":4",
		"review show ":                    ":4",
		"draft show " + matter + " more ": ":4",
		"man ":                            ":16",
		"log ":                            "mirror\t",
		"log mirror http://log.example/ ": ":16",
		"witness ":                        "serve\t",
		"witness serve ":                  ":16",
		"witness serve v --tls-cert ":     "crt\n:8",
		"witness serve v --log ":          ":4",
		"completion ":                     "zsh\t",
	} {
		words := strings.Split(line, " ")
		var out, talk bytes.Buffer
		if code := run(context.Background(), append([]string{"__complete"}, words...), strings.NewReader(""), &out, &talk); code != exitOK || !strings.Contains("\n"+out.String(), want) {
			t.Errorf("%q: exit %d, %q", line, code, out.String())
		}
		if strings.Contains(out.String(), "DECIDER,DECIDER") {
			t.Errorf("%q: offers a part twice", line)
		}
	}
	t.Setenv("SIGILL_HOME", filepath.Join(home, "none"))
	var out, talk bytes.Buffer
	if code := run(context.Background(), []string{"__complete", "draft", "show", ""}, strings.NewReader(""), &out, &talk); code != exitOK || strings.Contains(out.String(), matter) {
		t.Errorf("without a home: exit %d, %q", code, out.String())
	}
	if _, err := os.Lstat(filepath.Join(home, "none")); err == nil {
		t.Error("completion made a home")
	}
	l.Close()
	if c := <-asked; c != nil {
		t.Error("completion called the server")
	}
}

// TestEveryFlagIsCompleted: no flag with a value falls back to the names of files
// unless it names a new one.
func TestEveryFlagIsCompleted(t *testing.T) {
	a := &app{}
	root := a.root()
	news := map[string]bool{"out": true, "offline": true, "token-file": true, "passphrase-file": true, "bundle": true}
	command.Each(root, func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if _, ok := c.GetFlagCompletionFunc(f.Name); !ok && f.Value.Type() != "bool" && !news[f.Name] {
				t.Errorf("%s --%s is not completed", c.CommandPath(), f.Name)
			}
		})
		if c.ValidArgsFunction == nil {
			t.Errorf("%s: its arguments are not completed", c.CommandPath())
		}
	})
}
