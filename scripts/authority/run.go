package authority

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"

	"sigill/client"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/scripts/devidp/devidp"
	"sigill/server"
	"sigill/server/rpc"
)

// Running is an authority whose server runs.
type Running struct {
	*Authority
	Addr     string       // of the server, host:port
	Log      string       // where it gives out its log, a URL
	stop     func() error // once
	mu       sync.Mutex   // guards sessions
	sessions []*client.Session
	pid      int
}

// PID is the server's process; this one, if it runs in process.
func (r *Running) PID() int { return r.pid }

// LogFile has what the server prints, in the authority's directory.
const LogFile = "log/sigilld.log"

func (a *Authority) openLog() (*os.File, error) {
	return os.OpenFile(a.path(LogFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
}

// Start runs the server in this process, as sigilld's main would.
func (a *Authority) Start(ctx context.Context) (*Running, error) {
	rpc.UseBuffers()
	log, err := a.openLog()
	if err != nil {
		return nil, err
	}
	c, err := server.ReadConfig(a.path(ConfigFile))
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	s, err := server.New(ctx, c, server.NewLog(log))
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	addr, open, err := a.ready(s.Ready())
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return &Running{Authority: a, Addr: addr, Log: open, pid: os.Getpid(), stop: sync.OnceValue(func() error {
		cancel()
		return errors.Join(<-done, log.Close())
	})}, nil
}

// StartBinary runs a built sigilld, and waits until it says that it is ready. All
// that it prints goes to [LogFile].
func (a *Authority) StartBinary(ctx context.Context, path string) (*Running, error) {
	log, err := a.openLog()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, "serve", "--config", a.path(ConfigFile))
	cmd.Stderr = log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting sigilld: %w", err), log.Close())
	}
	printed := bufio.NewReader(io.TeeReader(out, log))
	line, _ := printed.ReadString('\n')
	rest := make(chan error, 1)
	go func() { // until it ends, and so before Wait
		_, err := io.Copy(io.Discard, printed)
		rest <- err
	}()
	end := func() error { return errors.Join(<-rest, cmd.Wait(), log.Close()) }
	addr, open, err := a.ready(strings.TrimSpace(line))
	if err != nil {
		return nil, errors.Join(err, end())
	}
	return &Running{Authority: a, Addr: addr, Log: open, pid: cmd.Process.Pid, stop: sync.OnceValue(func() error {
		return errors.Join(cmd.Process.Signal(syscall.SIGTERM), end())
	})}, nil
}

// ready reads where a server listens and where it gives out its log.
func (a *Authority) ready(line string) (addr, open string, err error) {
	rest, ok := strings.CutPrefix(line, server.ReadyPrefix)
	addr, open, found := strings.Cut(rest, server.ReadyLog)
	if !ok || !found {
		return "", "", fmt.Errorf("sigilld did not start: %s", a.lastLine())
	}
	if a.Roots != nil {
		return addr, "https://" + open, nil
	}
	return addr, "http://" + open, nil
}

// lastLine is what the server printed last: who removes the authority can still
// say why.
func (a *Authority) lastLine() string {
	b, err := os.ReadFile(a.path(LogFile))
	if err != nil || len(b) == 0 {
		return "it printed nothing"
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}

// Stop ends the sessions and the server, and returns how it ended; the second
// time it only says so again.
func (r *Running) Stop() error {
	r.mu.Lock()
	for _, s := range r.sessions {
		s.Close()
	}
	r.mu.Unlock()
	return r.stop()
}

// login is a user's day: one key and one token.
type login struct {
	day   *jws.Signer
	token string
}

// login gives a user's token for the day, bound to a day key or not.
func (a *Authority) login(user string, bound bool) (login, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := fmt.Sprint(user, bound)
	if l, ok := a.logins[key]; ok {
		return l, nil
	}
	var l login
	var jkt *ident.Digest
	var err error
	if bound {
		if l.day, _, err = jws.Generate(jws.ES256); err != nil {
			return l, err
		}
		t := l.day.Public().Thumbprint()
		jkt = &t
	}
	if l.token, err = a.IDP.Issue(user, jkt, 0); err != nil {
		return l, fmt.Errorf("login of %s: %w", user, err)
	}
	a.logins[key] = l
	return l, nil
}

// Login is a user's token for the day and the key that it is bound to, for who
// makes calls without a session.
func (a *Authority) Login(user string) (*jws.Signer, string, error) {
	l, err := a.login(user, true)
	return l.day, l.token, err
}

// Session is a user's, by id, with a token bound to a day key. Without a user it
// makes public calls alone.
func (r *Running) Session(user string) (*client.Session, error) { return r.session(user, true) }

// BearerSession is a user's with an unbound token.
func (r *Running) BearerSession(user string) (*client.Session, error) { return r.session(user, false) }

func (r *Running) session(user string, bound bool) (*client.Session, error) {
	c := client.Config{Addr: r.Addr, Origin: Origin, Trust: r.Trust, Plain: r.Roots == nil, Roots: r.Roots}
	if r.options.Dial != nil {
		c.Options = r.options.Dial(user)
	}
	if user != "" {
		l, err := r.login(user, bound)
		if err != nil {
			return nil, err
		}
		c.Day = l.day
		c.Token = func(context.Context) (string, error) { return l.token, nil }
	}
	s, err := client.Dial(c)
	if err == nil {
		r.mu.Lock()
		r.sessions = append(r.sessions, s)
		r.mu.Unlock()
	}
	return s, err
}

// Caseworker is a user who drafts.
func (r *Running) Caseworker(user string) (*client.Caseworker, error) {
	s, err := r.Session(user)
	if err != nil {
		return nil, err
	}
	l, err := r.login(user, true)
	if err != nil {
		return nil, err
	}
	me, err := r.Identity(user, l.token)
	return s.Caseworker(me), err
}

// Identity is what a token of a user's says of them.
func (a *Authority) Identity(user, accessToken string) (client.Identity, error) {
	for _, u := range append(People(), a.options.Users...) {
		if u.ID != user {
			continue
		}
		at, err := authTime(accessToken)
		return client.Identity{Issuer: a.IDP.Issuer(), Subject: u.Subject, Name: u.Name, Email: u.Email, Phone: u.Phone,
			UserID: u.Username, HSAID: u.HSAID, ACR: devidp.LOA3, AuthTime: at, Token: accessToken}, err
	}
	return client.Identity{}, devidp.ErrUser
}

func authTime(accessToken string) (int64, error) {
	var claims struct {
		AuthTime int64 `json:"auth_time"`
	}
	parts := strings.Split(accessToken, ".")
	if len(parts) != 3 {
		return 0, devidp.ErrConfig
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return 0, err
	}
	return claims.AuthTime, json.Unmarshal(b, &claims)
}

// Signer is the director (user "direktor") or another officer by key.
func (r *Running) Signer(user string, key *jws.Signer) (*client.Signer, error) {
	s, err := r.Session(user)
	if err != nil {
		return nil, err
	}
	name := ""
	for _, u := range People() {
		if u.ID == user {
			name = u.Name
		}
	}
	return s.Signer(key, name), nil
}

// Reviewer is one who has pinned the court; group and index count from 1.
func (r *Running) Reviewer(group, index int) (*client.Reviewer, error) {
	s, err := r.Session(fmt.Sprintf("granskare-%d-%d", group, index))
	if err != nil {
		return nil, err
	}
	k := r.Reviewers[group-1][index-1]
	return s.Reviewer(k.Sign, k.Open, map[ident.ID]ident.Digest{r.CourtID: r.Court.Public().Thumbprint()}), nil
}

// AsCourt is the registered court.
func (r *Running) AsCourt() (*client.Requester, error) {
	s, err := r.Session("domstol")
	if err != nil {
		return nil, err
	}
	return s.Requester(r.Court), nil
}

// Publish has the administrator deliver what the board signed.
func (r *Running) Publish(ctx context.Context) error {
	s, err := r.Session("drift")
	if err != nil {
		return err
	}
	b := s.Board()
	for _, d := range []struct {
		doc  order.Document
		send func(context.Context, []string) error
	}{{r.Set, b.PublishReviewerSet}, {r.Order, b.PublishDelegationOrder}, {r.Requester, b.RegisterRequester}} {
		signed, err := r.sign(d.doc)
		if err != nil {
			return err
		}
		if err := d.send(ctx, signed); err != nil {
			return fmt.Errorf("%s: %w", d.doc.Typ(), err)
		}
	}
	return nil
}
