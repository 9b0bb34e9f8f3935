package tiles

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A source has files by path. What it does not have is ErrAbsent.
type source interface {
	// read returns a whole file of at most limit bytes.
	read(ctx context.Context, path string, limit int) ([]byte, error)
	has(ctx context.Context, path string) (bool, error)
}

// folder is a mirror, or whatever else lies under the same paths.
type folder string

func (f folder) read(_ context.Context, path string, limit int) ([]byte, error) {
	file, err := os.Open(filepath.Join(string(f), filepath.FromSlash(path)))
	if errors.Is(err, fs.ErrNotExist) || err == nil && isFolder(file) {
		return nil, ErrAbsent
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer file.Close()
	return bounded(file, limit)
}

func isFolder(f *os.File) bool {
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		f.Close()
		return true
	}
	return false
}

func (f folder) has(_ context.Context, path string) (bool, error) {
	_, err := os.Stat(filepath.Join(string(f), filepath.FromSlash(path)))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// resumed reads what a mirror has already, and the rest of the log itself.
type resumed struct {
	mirror folder
	source
}

func (r resumed) read(ctx context.Context, path string, limit int) ([]byte, error) {
	b, err := r.mirror.read(ctx, path, limit)
	if errors.Is(err, ErrAbsent) {
		return r.source.read(ctx, path, limit)
	}
	return b, err
}

// site is a log that is given out over HTTP.
type site struct {
	root   string
	client *http.Client
}

// within is how long a file may take; a day may be large.
const within = 5 * time.Minute

func newSite(root string, roots *x509.CertPool) site {
	return site{strings.TrimSuffix(root, "/"), &http.Client{
		Timeout: within,
		// A log is where it is said to be, and its bytes are what they are.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableCompression: true, ResponseHeaderTimeout: 30 * time.Second,
			TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: 10 * time.Second, MaxResponseHeaderBytes: 16 << 10,
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}},
	}}
}

func (s site) do(ctx context.Context, method, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.root+"/"+path, nil)
	if err != nil {
		return nil, ErrSource
	}
	req.Header.Set("User-Agent", "") // says nothing of who reads
	res, err := s.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	switch res.StatusCode {
	case http.StatusOK:
		return res, nil
	case http.StatusNotFound:
		err = ErrAbsent
	default:
		err = fmt.Errorf("%w: it answered %d", ErrUnreachable, res.StatusCode)
	}
	return nil, errors.Join(err, res.Body.Close())
}

func (s site) read(ctx context.Context, path string, limit int) ([]byte, error) {
	res, err := s.do(ctx, http.MethodGet, path)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return bounded(res.Body, limit)
}

func (s site) has(ctx context.Context, path string) (bool, error) {
	res, err := s.do(ctx, http.MethodHead, path)
	if errors.Is(err, ErrAbsent) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, res.Body.Close()
}

func bounded(r io.Reader, limit int) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if len(b) > limit {
		return nil, fmt.Errorf("%w: a file that is too large", ErrDamaged)
	}
	return b, nil
}
