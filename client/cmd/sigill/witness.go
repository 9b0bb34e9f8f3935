package main

import (
	"crypto/tls"
	"net"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/client/witness"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
)

func (a *app) witness() *cobra.Command {
	return group("witness", "Watch an authority's log, as somebody who does not answer to it",
		"  sigill witness init vittne --name vittne.exempelstad.example\n  sigill witness status vittne",
		a.witnessInit(), a.witnessServe(), a.witnessStatus())
}

// newWitness is what the authority needs to believe a witness.
type newWitness struct {
	Name   string   `json:"name"`
	VKeys  []string `json:"vkeys"`
	Policy []string `json:"policy"`
}

func (a *app) witnessInit() *cobra.Command {
	var name, url string
	c := &cobra.Command{
		Use: "init DIR --name NAME", Short: "Make a witness: a directory with two keys and an empty memory",
		Long: `Make a new directory with an Ed25519 and an ML-DSA-44 key under the passphrase, and
print the lines by which an authority names the witness in the policy of its trust
file: one of the two, or both in a group. NAME is a domain name of yours, with a path
or without; policies and signatures bear it for ever.

What is in DIR belongs together. It is never put back from a copy: a witness that has
forgotten what it cosigned could vouch for two histories. If it is lost, make a
new one under a new name.`,
		Example: "  sigill witness init vittne --name vittne.exempelstad.example\n  sigill witness init vittne --name ivo.example/w1 --url https://logg.ivo.example/w1/ -o json",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if name == "" {
				return usage("no name: give --name")
			}
			if url == "" {
				url = "https://" + name + "/"
			}
			if strings.ContainsFunc(url, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
				return usage("the URL holds a control character")
			}
			pass, err := a.newPassphrase()
			if err != nil {
				return err
			}
			o, err := a.work()
			if err != nil {
				return err
			}
			if o.WorkFactor > 0 && o.WorkFactor < keyfile.DefaultWorkFactor {
				a.talk(a.words.weak, o.WorkFactor)
			}
			w, err := witness.Create(args[0], name, pass, o)
			if err != nil {
				return err
			}
			lines := w.Lines(url)
			a.talk("%s", a.words.witnessMade)
			return a.emit(newWitness{w.Name, w.VKeys, lines}, []string{lines[0]}, []string{lines[1]})
		},
	}
	c.Flags().StringVar(&name, "name", "", "`name` of the witness: a domain name in lower case, with a path or without")
	c.Flags().StringVar(&url, "url", "", "`address` where logs reach it (https://NAME/)")
	return c
}

func (a *app) witnessServe() *cobra.Command {
	var logs, files []string
	var listen, cert, key string
	c := &cobra.Command{
		Use: "serve DIR", Short: "Cosign what logs show, as long as it continues what they showed before",
		Long: `Answer at /add-checkpoint (C2SP tlog-witness) until interrupted. The logs are named by
their keys: --log, a file of them (--log-file, one in each line), or logs in
DIR/witness.yaml. Nothing that is asked or answered is secret, and a witness keeps
no note of who asks; give --tls-cert and --tls-key, or let a proxy speak TLS.

Where a log shows another history, nothing of it is cosigned; what proves it is kept in
DIR/found.json and told on standard error.`,
		Example: "  sigill witness serve vittne --log-file loggar.txt --listen :8453 --tls-cert vittne.pem --tls-key vittne.key",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, file := range files {
				list, err := readLogs(file)
				if err != nil {
					return ofFile("file of log keys", err)
				}
				logs = append(logs, list...)
			}
			own, err := readCertificate(cert, key)
			if err != nil {
				return err
			}
			w, err := witness.Open(args[0], logs, a.passphrase, a.witnessNotice)
			if err != nil {
				return err
			}
			defer w.Close()
			debug.FreeOSMemory() // opening each key took 256 MiB
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return usage("the address to listen on cannot be had")
			}
			a.talk(a.words.witnessListens, l.Addr())
			return witness.Serve(a.ctx, l, w, own)
		},
	}
	f := c.Flags()
	f.StringArrayVar(&logs, "log", nil, "`key` of a log to watch; may be given again")
	f.StringArrayVar(&files, "log-file", nil, "`file` with such keys, one in each line; may be given again")
	f.StringVar(&listen, "listen", "127.0.0.1:8453", "`host:port` to listen on")
	f.StringVar(&cert, "tls-cert", "", "PEM `file` with the TLS certificate and those above it")
	f.StringVar(&key, "tls-key", "", "PEM `file` with its key, mode 0600")
	return c
}

// readLogs reads a key in each line; empty lines and those with # say nothing.
func readLogs(path string) ([]string, error) {
	b, err := client.ReadFile(path, 1<<20)
	if err != nil {
		return nil, err
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out, nil
}

func readCertificate(cert, key string) (*tls.Certificate, error) {
	if cert == "" && key == "" {
		return nil, nil
	}
	if cert == "" || key == "" {
		return nil, usage("--tls-cert and --tls-key belong together")
	}
	c, err := client.ReadFile(cert, 1<<20)
	if err != nil {
		return nil, ofFile("TLS certificate", err)
	}
	k, err := readSecret(key)
	if err != nil {
		return nil, ofFile("TLS key", err)
	}
	pair, err := tls.X509KeyPair(c, k)
	if err != nil {
		return nil, usage("the TLS certificate and key are not in PEM, or not of each other")
	}
	return &pair, nil
}

// witnessNotice tells what its keeper should hear of, while a witness goes on.
func (a *app) witnessNotice(n witness.Notice) {
	if n.Found == nil {
		what, do := a.local(n.Err)
		a.talk("sigill: %s\n"+a.words.toDo, what, do)
		return
	}
	what, do := a.words.unproved, a.words.unprovedDo
	if n.Found.Fork {
		what, do = a.words.fork, a.words.forkDo
	}
	a.talk(what+"\n"+a.words.toDo, n.Found.Origin, n.Found.Size, do)
}

// witnessed is what a witness says of a checkpoint: that it cosigned it, or why not.
type witnessed struct {
	Log     ident.Authority `json:"log"`
	Size    uint64          `json:"size"`
	Root    ident.Digest    `json:"root"`
	Day     ident.Date      `json:"day"`
	State   string          `json:"state"` // cosigned, fork, unproved
	Last    string          `json:"last,omitempty"`
	Offered string          `json:"offered,omitempty"`
}

func (a *app) witnessStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status DIR", Short: "Say what a witness has cosigned, and what it has found",
		Long: `Say of each log the last checkpoint that the witness cosigned, and each that it
refused because it showed or may show another history: fork where two checkpoints of
one size differ, which proves it; unproved where a larger one came without a proof
that it continues the last. With -o json both notes are printed, for others to
check. It asks for no passphrase, and may be run beside the witness.`,
		Example: "  sigill witness status vittne\n  sigill witness status vittne -o json",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := witness.Read(args[0])
			if err != nil {
				return err
			}
			list := []witnessed{}
			for _, l := range s.Logs {
				list = append(list, witnessed{Log: l.Origin, Size: l.Size, Root: l.Root, Day: l.Day, State: "cosigned"})
			}
			for _, f := range s.Found {
				w := witnessed{Log: f.Origin, Size: f.Size, Root: f.Root, Day: f.Day, State: "unproved", Last: string(f.Last), Offered: string(f.Offered)}
				if f.Fork {
					w.State = "fork"
				}
				list = append(list, w)
			}
			rows := [][]string{a.heads("LOG", "SIZE", "ROOT", "DATE", "STATE")}
			forks, unproved := 0, 0
			for _, w := range list {
				rows = append(rows, []string{string(w.Log), strconv.FormatUint(w.Size, 10), w.Root.String(), string(w.Day), a.t(w.State)})
				switch w.State {
				case "fork":
					forks++
				case "unproved":
					unproved++
				}
			}
			if forks > 0 {
				a.talk(a.words.toDo, a.words.forkDo)
			}
			if unproved > 0 {
				a.talk(a.words.toDo, a.words.unprovedDo)
			}
			return a.emit(list, rows...)
		},
	}
}
