package server_test

import (
	"errors"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"

	"sigill/client"
	"sigill/scripts/authority"
	"sigill/server"
	"sigill/server/ledger"
	"sigill/server/store/memory"
)

// TestD02_commitFails: a commit that fails stops the server at once, with an
// error, and whoever called is told to ask again.
func TestD02_commitFails(t *testing.T) {
	a, c := made(t, authority.Options{})
	disk := server.NewDisk()
	s, err := server.NewOver(t.Context(), c, quiet(), disk)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(t.Context()) }()
	r := &authority.Running{Authority: a, Addr: s.Addr().String()}
	session, err := r.Session("drift")
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if _, err := session.Board().Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	disk.Fault(1, memory.Fault{Err: syscall.EIO})
	_, err = session.Board().Status(t.Context())
	if e := (*client.Error)(nil); !errors.As(err, &e) || e.Code != codes.Unavailable {
		t.Errorf("the caller was told: %v", err)
	}
	if err := <-ended; !errors.Is(err, ledger.ErrStopped) || !errors.Is(err, syscall.EIO) {
		t.Fatalf("ended with %v", err)
	}
}
