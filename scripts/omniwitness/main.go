// Omniwitness is a witness as somebody else runs it: transparency-dev's, which speaks
// C2SP tlog-witness and remembers in memory alone. It is a module of its own, so that
// what it needs is linked by nothing else; server/witness builds it and asks it.
//
//	omniwitness NAME VKEY
//
// It prints its own vkey and its URL, watches the log of VKEY, and ends with its
// standard input.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/witness/persistence/inmemory"
	"github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: omniwitness NAME VKEY")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "omniwitness:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name, vkey string) error {
	log, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	skey, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return err
	}
	if public, err = f_note.VKeyToCosignatureV1(public); err != nil {
		return err
	}
	signer, err := f_note.NewSignerForCosignatureV1(skey)
	if err != nil {
		return err
	}
	w, err := witness.New(ctx, witness.Opts{Persistence: inmemory.New(), Signers: []note.Signer{signer},
		VerifierForLog: func(_ context.Context, origin string) (note.Verifier, bool, error) {
			return log, origin == log.Name(), nil
		}})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", witness.NewHTTPHandler(w).AddCheckpoint)
	s := &http.Server{Handler: mux}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		s.Close()
	}()
	fmt.Println(public)
	fmt.Println("http://" + l.Addr().String())
	if err := s.Serve(l); err != http.ErrServerClosed {
		return err
	}
	return nil
}
