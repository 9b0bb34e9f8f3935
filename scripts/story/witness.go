package story

import (
	"context"
	"errors"
	"time"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/proof"
)

// pending: while the witness is away the decision is signed, and not yet witnessed.
func (p *play) pending(ctx context.Context) error {
	if _, err := bundle.Verify(p.Bundle, p.Run.Trust); !p.Verdict.Pending || !errors.Is(err, proof.ErrUnwitnessed) {
		return wrong("a decision that nobody has witnessed passes", err)
	}
	p.Say("Vittnet svarar inte: beslutet är undertecknat och väntar på vittnet. Den som kontrollerar det får veta att det inte går att säga än.")
	p.Away(false)
	err := p.until(ctx, func() (err error) {
		if p.Verdict, p.Bundle, err = p.director.Bundle(ctx, p.Verdict.Decision.Decision); err == nil && p.Verdict.Pending {
			err = proof.ErrUnwitnessed
		}
		return err
	})
	if err != nil {
		return wrong("the witness does not cosign", err)
	}
	p.Say("Vittnet är tillbaka och har skrivit under loggen: beslutet är bevittnat.")
	return nil
}

// early: a reviewer's client opens nothing before the request is witnessed.
func (p *play) early(ctx context.Context, ask func() error) error {
	if p.Away == nil {
		return ask()
	}
	p.Away(true)
	defer p.Away(false)
	if err := ask(); err != nil {
		return err
	}
	v, err := p.Run.Reviewer(1, 1)
	if err != nil {
		return err
	}
	if _, err := v.Get(ctx, p.Request.Opening); !errors.Is(err, proof.ErrUnwitnessed) {
		return wrong("a reviewer takes up a request that nobody has witnessed", err)
	}
	p.Say("Vittnet är borta igen: granskarens klient öppnar ingenting förrän begäran står i en bevittnad logg.")
	return nil
}

// until tries again for as long as the witness has not been asked.
func (p *play) until(ctx context.Context, try func() error) error {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := try()
		if !errors.Is(err, proof.ErrUnwitnessed) && client.Reason(err) != "UNWITNESSED" {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}
