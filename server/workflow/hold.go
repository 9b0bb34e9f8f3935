package workflow

import (
	"context"
	"errors"
	"time"
)

// step is far more than what an answer about nothing takes, and less than anyone notices.
const step = 10 * time.Millisecond

// Hold returns err, an operation's, when it may be answered: [ErrNotFound] only a
// whole number of steps of 10 ms after began, when the call came. What is not there and
// what is somebody else's are refused after like work (sought in act.go), so that
// neither keeps others waiting longer; what is left of a difference, some microseconds,
// goes in the step (B. Köpf, M. Dürmuth, "A Provably Secure and Efficient Countermeasure
// against Timing Attacks", CSF 2009). Any other err, and nil, returns at once, and who
// gives up gets the context's error.
func Hold(ctx context.Context, began time.Time, err error) error {
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	select {
	case <-time.After(step - time.Since(began)%step):
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
