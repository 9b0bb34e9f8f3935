package witness

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/net/netutil"

	"sigill/keys/proof"
)

const (
	maxConnections = 128
	maxHeader      = 8 << 10
	headerTime     = 5 * time.Second
	requestTime    = 15 * time.Second
	idleTime       = 2 * time.Minute
	stopTime       = 5 * time.Second
)

// ServeHTTP answers POST /add-checkpoint, and nothing else.
func (w *Witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	var a answer
	switch {
	case r.URL.Path != "/add-checkpoint":
		a = refusal(http.StatusNotFound, "nothing is here but add-checkpoint")
	case r.Method != http.MethodPost:
		rw.Header().Set("Allow", http.MethodPost)
		a = refusal(http.StatusMethodNotAllowed, "add-checkpoint is asked with POST")
	default:
		body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, proof.MaxSubmission))
		if a = malformed; err == nil {
			a = w.add(body)
		}
	}
	h := rw.Header()
	h.Set("Content-Type", a.typ)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	rw.WriteHeader(a.status)
	io.WriteString(rw, a.body) // who does not take it asks again
}

// Serve answers on the listener until ctx ends, over TLS if a certificate is
// given, and lets what has begun end. It closes the listener, not the witness. Of who
// asks, nothing is written anywhere.
func Serve(ctx context.Context, l net.Listener, w *Witness, certificate *tls.Certificate) error {
	l = netutil.LimitListener(l, maxConnections)
	s := &http.Server{
		Handler: w, ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: requestTime,
		IdleTimeout: idleTime, MaxHeaderBytes: maxHeader, ErrorLog: log.New(io.Discard, "", 0),
	}
	if certificate != nil {
		l = tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{*certificate}})
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		if s.Shutdown(limit) != nil {
			s.Close() // what has not ended by now is cut off, and asks again
		}
	})
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-ended
	return nil
}
