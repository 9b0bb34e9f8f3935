// Devidp serves the development identity provider (package devidp beside it) on
// loopback until it is interrupted:
//
//	go run ./scripts/devidp -listen 127.0.0.1:8081 -audience sigill
//	curl -d grant_type=urn:sigill:dev:user -d user=asa http://127.0.0.1:8081/token
//
// Without -users or -user it speaks for the invented people of users.json.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"sigill/scripts/devidp/devidp"
)

//go:embed users.json
var invented []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "devidp:", err)
		os.Exit(1)
	}
}

// run prints the issuer as its only line on stdout once it answers.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var users []devidp.User
	flags := flag.NewFlagSet("devidp", flag.ContinueOnError)
	flags.SetOutput(stderr)
	listen := flags.String("listen", "127.0.0.1:8081", "loopback `address` to answer on; port 0 is any")
	audience := flags.String("audience", "sigill", "aud of the tokens")
	client := flags.String("client", "sigill-dev", "client_id of the tokens")
	lifetime := flags.Duration("lifetime", 8*time.Hour, "lifetime of the tokens")
	flags.Func("users", "JSON `file` with a list of users, as users.json beside the source", func(name string) error {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		more, err := devidp.ParseUsers(f)
		users = append(users, more...)
		return err
	})
	flags.Func("user", "one user as a JSON `object`; may be given often", func(s string) error {
		more, err := devidp.ParseUsers(strings.NewReader("[" + s + "]"))
		users = append(users, more...)
		return err
	})
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	case flags.NArg() != 0:
		return errors.New("takes flags only")
	}
	if users == nil {
		var err error
		if users, err = devidp.ParseUsers(bytes.NewReader(invented)); err != nil {
			return err
		}
	}
	l, err := devidp.Listen(*listen)
	if err != nil {
		return err
	}
	defer l.Close()
	p, err := devidp.New(devidp.Config{
		Issuer: "http://" + l.Addr().String(), Audience: *audience, ClientID: *client, Lifetime: *lifetime, Users: users,
	})
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: p.Handler(), ReadHeaderTimeout: 5 * time.Second}
	defer context.AfterFunc(ctx, func() { srv.Close() })()
	fmt.Fprintln(stdout, p.Issuer())
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
