package main

import (
	"testing"
	"time"
)

// TestLogs: a log is measured at each size, and each number is one.
func TestLogs(t *testing.T) {
	var said []string
	rows, err := logs(t.Context(), t.TempDir(), []int{300, 10}, 20*time.Millisecond, func(s string) { said = append(said, s) })
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]map[string]float64{"10": {}, "300": {}}
	for _, r := range rows {
		got[r.Case][r.Metric] = r.Value
	}
	for size, metrics := range got {
		for _, m := range []string{"append_per_s", "append64_per_s", "proof_per_s", "tile_per_s", "monitor_per_s", "monitor_s", "of_hashing"} {
			if metrics[m] <= 0 {
				t.Errorf("%s: %s is %v", size, m, metrics[m])
			}
		}
	}
	if len(said) != 2 || said[0] != "a log of 10 entries" {
		t.Errorf("%q", said)
	}
}
