package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/url"

	"sigill/server/control"
	"sigill/server/workflow"
)

// Documents gives what boards have signed and the store holds, one signed document's file
// after the other, by the running server or, if none runs, from the store itself. A trust
// file that puts another board in the place of one lists them.
func Documents(ctx context.Context, c Config) (files []byte, err error) {
	in, err := control.Ask(ctx, c.Data, "documents", nil)
	if err == nil {
		defer in.Close()
		return io.ReadAll(in)
	}
	if !errors.Is(err, control.ErrNobody) {
		return nil, err
	}
	_, k, err := c.load()
	if err != nil {
		return nil, err
	}
	s, l, err := c.readStopped(ctx, k)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return workflow.Documents(ctx, l)
}

func (s *Server) sendDocuments(ctx context.Context, _ url.Values, w io.Writer) error {
	files, err := workflow.Documents(ctx, s.ledger)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, bytes.NewReader(files))
	return err
}
