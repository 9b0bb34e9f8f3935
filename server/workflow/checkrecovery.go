package workflow

import (
	"bytes"

	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/statement"
)

// checkRecoveries reads which entries were taken up again after a restore, without what
// they stand for: the log itself says so.
func (c *checker) checkRecoveries() error {
	return c.w.Rows(c.r, roomRecovery, func(key, value []byte) {
		var row recoveryRow
		var said statement.Recovery
		err := decode(value, &row)
		if err == nil {
			_, _, err = jws.ReadBy(row.Statement, c.byLog, &said)
		}
		var entry proof.Entry
		if err == nil {
			entry, err = c.log.Entry(c.r, row.Index)
		}
		from, to, ok := entry.Recovery()
		err = firstOf(func() error { return err }, func() error {
			return holds(ok && bytes.Equal(key, indexKey(row.Index)) && to <= row.Index && row.Acts <= to-from &&
				said.Authority == c.trust.Authority && uint64(said.Restored.Size) == from && uint64(said.Regained.Size) == to &&
				c.had(said.Restored) && c.had(said.Regained) &&
				c.logs(loggedRow{row.Preimage, entry.Tag, row.Index}, proof.Recovery, jws.Digest(row.Statement)))
		})
		if err != nil {
			c.w.Found(roomRecovery, "how the log was taken up again is not what the log says")
			return
		}
		c.lost, c.regained = append(c.lost, [2]uint64{from, to}), c.regained+row.Acts
	})
}

// had says that a checkpoint is a head that the log had.
func (c *checker) had(s statement.Checkpoint) bool {
	return c.log.Holds(c.r, proof.Checkpoint{Origin: c.trust.Authority, Size: uint64(s.Size), Root: s.Root}) == nil
}

// isLost says whether an entry is one that was taken up again.
func (c *checker) isLost(i uint64) bool {
	for _, l := range c.lost {
		if l[0] <= i && i < l[1] {
			return true
		}
	}
	return false
}
