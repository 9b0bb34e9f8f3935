package workflow_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// bubble runs a test at a time of its own, which passes only by sleeping.
func bubble(t *testing.T, at string, run func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sleepUntil(at)
		run(t)
	})
}

func sleepUntil(at string) { time.Sleep(time.Until(must(time.Parse(time.RFC3339, at)))) }
