package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"sigill/client"
	"sigill/client/monitor"
	"sigill/keys/bundle"
	"sigill/keys/evidence"
	"sigill/scripts/authority"
	"sigill/scripts/devidp/devidp"
	"sigill/scripts/neighbour"
	"sigill/scripts/story"
	"sigill/server/witness"
)

// A rollback is the last act: somebody puts an older copy of the store back, and an
// outsider who follows the log sees it.
type rollback struct {
	a       *authority.Authority
	b       *neighbour.Neighbour
	sigilld string
	author  devidp.User
	text    client.Text // of each decision in it
	say     func(format string, values ...any)
	now     *authority.Running // nil while the server is stopped
}

// place is a directory or file of the authority's.
func (p *rollback) place(elem ...string) string {
	return filepath.Join(append([]string{p.a.Dir}, elem...)...)
}

// play begins and ends with the server running over the right store.
func (p *rollback) play(ctx context.Context) error {
	if err := os.Mkdir(p.place("monitor"), 0o700); err != nil {
		return err
	}
	if err := p.swap(ctx, "", p.place("monitor", "older")); err != nil {
		return err
	}
	defer os.RemoveAll(p.place("monitor", "older"))
	p.say("Servern stannas, lagret kopieras och servern startas igen, som vid en säkerhetskopia.")
	right, err := p.decide(ctx)
	if err != nil {
		return err
	}
	if err := p.grown(ctx, right.Index+1); err != nil {
		return err
	}
	l, err := p.look(ctx)
	if err != nil || l.State != monitor.StateFine {
		return wrong("the monitor", l, err)
	}
	p.say("Ett beslut till, %s. En tidning följer loggen (sigill log monitor): %d poster, utan anmärkning.", right.Number(), l.Log.Size)
	had := l.Log.Size

	if err := p.putBack(ctx); err != nil {
		return err
	}
	if l, err = p.look(ctx); err != nil || len(l.Findings) != 1 || l.Findings[0].Name != monitor.Rollback {
		return wrong("the monitor", l, err)
	}
	p.say("Med vittnet borta startar den och visar den äldre loggen. Tidningen ser det (--once slutar med 6): loggen hade %d poster och har blivit kortare.", had)
	other, err := p.decide(ctx)
	if err != nil {
		return err
	}
	if other.Number() != right.Number() {
		return fmt.Errorf("%w: the older store gives the number %s, not %s", story.ErrStory, other.Number(), right.Number())
	}
	p.say("Ett annat beslut stämplas och får samma nummer, %s. Det väntar på vittnet.", other.Number())
	return p.prove(ctx, other)
}

// wrong says what a look said instead of what it should.
func wrong(what string, l monitor.Look, err error) error {
	if err == nil {
		err = fmt.Errorf("%w: %s says %s, %v", story.ErrStory, what, l.State, l.Findings)
	}
	return err
}

// putBack has the older copy run: not as long as the witness can be asked.
func (p *rollback) putBack(ctx context.Context) error {
	err := p.swap(ctx, p.place("monitor", "older"), p.place("monitor", "newest"))
	said, unread := os.ReadFile(p.place(authority.LogFile))
	if err == nil || unread != nil || !bytes.Contains(said, []byte(witness.ErrContradicted.Error())) {
		return fmt.Errorf("%w: a server over an older store starts, or refuses otherwise: %v", story.ErrStory, errors.Join(err, unread))
	}
	p.say("Någon lägger tillbaka den äldre kopian, med kontrollpunkten bredvid. Vittnet har sett mer: servern vägrar starta.")
	p.b.Away(true)
	return p.start(ctx)
}

// until tries again until something is so.
func (p *rollback) until(ctx context.Context, try func() (bool, error)) error {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		if done, err := try(); done || err != nil {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// prove has the right store go on, and holds the other decision against its log.
func (p *rollback) prove(ctx context.Context, other *bundle.Verdict) error {
	defer os.RemoveAll(p.place("monitor", "newest"))
	p.b.Away(false)
	if err := p.swap(ctx, p.place("monitor", "newest"), ""); err != nil {
		return err
	}
	if err := p.grown(ctx, other.Checkpoint.Size); err != nil {
		return err
	}
	l, err := p.look(ctx, p.place("monitor", "other.sigill"))
	if err != nil || len(l.Findings) != 2 || l.Findings[1].Name != monitor.Fork {
		return wrong("the monitor", l, err)
	}
	file := l.Findings[1].Evidence
	b, err := os.ReadFile(p.place("monitor", file))
	if err != nil {
		return err
	}
	f, err := evidence.Verify(b, p.a.Trust)
	if err != nil || f.Kind != evidence.Fork {
		return fmt.Errorf("%w: the evidence does not verify: %w", story.ErrStory, err)
	}
	p.say("Det rätta lagret är tillbaka och går vidare, bevittnat. Tidningen jämför loggen med det andra beslutet: två historier under en nyckel.")
	p.say("Beviset (%s) kan vem som helst kontrollera med sigill verify.", file)
	return nil
}

// swap stops the server, keeps a copy of its store, has another instead, and starts it.
func (p *rollback) swap(ctx context.Context, from, to string) error {
	if p.now != nil {
		if err := p.now.Stop(); err != nil {
			return err
		}
		p.now = nil
	}
	data := p.place("data")
	if to != "" {
		if err := copied(to, data); err != nil {
			return err
		}
	}
	if from != "" {
		if err := errors.Join(os.RemoveAll(data), copied(data, from)); err != nil {
			return err
		}
	}
	return p.start(ctx)
}

// copied copies a store's directory, as the server asks it to be.
func copied(to, from string) error {
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	list, err := os.ReadDir(from)
	for _, e := range list {
		b, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, e.Name()), b, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return err
}

func (p *rollback) start(ctx context.Context) (err error) {
	p.now, err = p.a.StartBinary(ctx, p.sigilld)
	return err
}

// decide has one more decision drafted and signed, and leaves it beside the monitor.
func (p *rollback) decide(ctx context.Context) (*bundle.Verdict, error) {
	author, err := p.now.Caseworker(p.author.ID)
	if err != nil {
		return nil, err
	}
	own, err := author.Submit(ctx, p.text)
	if err != nil {
		return nil, err
	}
	director, err := p.now.Signer("direktor", p.now.Director)
	if err != nil {
		return nil, err
	}
	c, err := director.Read(ctx, own.Decision)
	if err != nil {
		return nil, err
	}
	v, raw, err := director.Sign(ctx, c)
	if err != nil {
		return nil, err
	}
	return v, os.WriteFile(p.place("monitor", "other.sigill"), raw, 0o600)
}

// grown waits until the log that is given out has so many entries, and sees to it that it
// gets them: each look at the server's figures is one.
func (p *rollback) grown(ctx context.Context, size uint64) error {
	drift, err := p.now.Session("drift")
	if err != nil {
		return err
	}
	return p.until(ctx, func() (bool, error) {
		seen, err := drift.Checkpoint(ctx, nil)
		if err != nil || uint64(seen.Size) >= size {
			return err == nil, err
		}
		_, err = drift.Board().Status(ctx)
		return false, err
	})
}

// look is what somebody outside sees, with the trust file and a file of what the log was.
func (p *rollback) look(ctx context.Context, compare ...string) (monitor.Look, error) {
	m, err := monitor.Open(monitor.Config{Source: p.now.Log, Trust: p.a.Trust, Roots: p.a.Roots, State: p.place("monitor", "logg.json"), Compare: compare})
	if err != nil {
		return monitor.Look{}, err
	}
	l, err := m.Look(ctx, time.Now())
	return l, errors.Join(err, m.Close())
}
