package statement

import (
	"slices"

	"sigill/keys/ident"
	"sigill/keys/jws"
)

// TypRecovery is the typ of a [Recovery].
const TypRecovery = "sigill-recovery+jws"

// RecoveryReasons are why a store may have been put back to a backup: a closed list, since
// words could name somebody.
var RecoveryReasons = []string{"HARDWARE", "DAMAGE", "MISTAKE", "INTRUSION", "MOVE", "OTHER"}

// Recovery is the log key's word, in a log that goes on after its store was put back to
// a backup, of how far the backup went and up to where the published log was taken up
// again: what the entries between stand for, the authority has lost.
type Recovery struct {
	Authority ident.Authority `json:"authority"`
	Date      ident.Date      `json:"date"`
	Reason    string          `json:"reason"` // one of [RecoveryReasons]
	Regained  Checkpoint      `json:"regained"`
	Restored  Checkpoint      `json:"restored"`
}

// Typ implements [jws.Statement].
func (*Recovery) Typ() string { return TypRecovery }

// Check implements [jws.Statement].
func (r *Recovery) Check() error {
	if err := missing("authority", r.Authority == ""); err != nil {
		return err
	}
	if err := missing("date", r.Date == ""); err != nil {
		return err
	}
	if !slices.Contains(RecoveryReasons, r.Reason) {
		return jws.Field("reason", jws.ErrValue)
	}
	for _, c := range []struct {
		field string
		Checkpoint
	}{{"regained", r.Regained}, {"restored", r.Restored}} {
		if c.check() != nil {
			return jws.Field(c.field, jws.ErrValue)
		}
	}
	if r.Regained.Size < r.Restored.Size || r.Regained.Size == r.Restored.Size && r.Regained.Root != r.Restored.Root {
		return jws.Field("regained", jws.ErrValue)
	}
	return nil
}
