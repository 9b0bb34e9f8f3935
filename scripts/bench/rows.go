package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
)

// A row is one number of one round.
type row struct {
	Group, Case, Metric string
	Value               float64
}

const limitGroup = "limit"

type table struct{ rows []row }

func (t *table) add(rows ...row) { t.rows = append(t.rows, rows...) }

func (t *table) write(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(f)
	for _, r := range t.rows {
		if err := enc.Encode(r); err != nil {
			f.Close()
			return err
		}
	}
	return f.Close()
}

// values are the rounds' numbers of one metric, in the order of the rounds.
func (t *table) values(group, name, metric string) (out []float64) {
	for _, r := range t.rows {
		if r.Group == group && r.Case == name && r.Metric == metric {
			out = append(out, r.Value)
		}
	}
	return out
}

func (t *table) median(group, name, metric string) float64 {
	return median(t.values(group, name, metric))
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(list))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// ratio is the median of the rounds' ratios: both sides of each were taken in
// turn.
func (t *table) ratio(group, name, metric string) float64 {
	ours, theirs := t.values(group, name, metric), t.values(limitGroup, name, metric)
	var out []float64
	for i := range min(len(ours), len(theirs)) {
		if theirs[i] > 0 {
			out = append(out, ours[i]/theirs[i])
		}
	}
	return median(out)
}

func (t *table) print(w io.Writer, o options) {
	conc := o.conc
	fmt.Fprintf(w, "\n%-18s %8s %12s %9s %9s %14s %12s %10s %10s %9s\n", "sealed to", "callers", "decisions/s", "p50 ms", "p99 ms",
		"server µs each", "bytes each", "RSS MiB", "own MiB", "of limit")
	for _, s := range shapes {
		for _, n := range conc {
			name := callers(n)
			m := func(metric string) float64 { return t.median(s.name, name, metric) }
			of := "–"
			if r := t.ratio(s.name, name, "per_s"); r > 0 {
				of = fmt.Sprintf("%.2f", r)
			}
			fmt.Fprintf(w, "%-18s %8d %12.0f %9.2f %9.2f %14.0f %12.0f %10.0f %10.0f %9s\n", s.name, n, m("per_s"), m("p50_ms"), m("p99_ms"),
				m("server_us"), m("bytes"), m("rss_mib"), m("own_mib"), of)
		}
	}
	for _, n := range conc {
		if v := t.median(limitGroup, callers(n), "per_s"); v > 0 {
			name := callers(n)
			fmt.Fprintf(w, "%-18s %8d %12.0f %9.2f %9.2f %14.0f\n", "the limit", n, v, t.median(limitGroup, name, "p50_ms"),
				t.median(limitGroup, name, "p99_ms"), t.median(limitGroup, name, "server_us"))
		}
	}
	for _, s := range shapes {
		m := func(s shape, metric string) float64 { return t.median(s.name, callers(1), metric) }
		if together := m(s, "p50_ms"); together > 0 {
			fmt.Fprintf(w, "sealed to %s at one caller: p50 %.1f ms on all processors, %.1f ms on one, which seals one after the other\n", s.name,
				together, m(s.alone(), "p50_ms"))
		}
	}
	for _, s := range published {
		if v := t.median(s.name, callers(conc[len(conc)-1]), "per_s"); v > 0 {
			name := callers(conc[len(conc)-1])
			fmt.Fprintf(w, "%s, %d callers: %.0f decisions/s, %.2f of those published each second without a witness\n", s.name, conc[len(conc)-1], v, t.against(s.name, shapes[0].name, name))
		}
	}
	half := func(metric string) float64 { return t.median(shapes[0].name, "half", metric) }
	fmt.Fprintf(w, "\nsealed to %s, evenly at half of that, %.0f decisions/s: p50 %.1f ms, p99 %.1f ms\n", shapes[0].name, half("per_s"), half("p50_ms"), half("p99_ms"))
	fmt.Fprintf(w, "one after the other: %.0f decisions verified, %.0f packages opened in a second\n", t.median("verify", "@1", "per_s"), t.median("open", "@1", "per_s"))
	fmt.Fprintf(w, "the program: %.1f MiB\n", t.median("program", "sigilld", "mib"))
	for _, n := range o.stores {
		m := func(metric string) float64 { return t.median("store", fmt.Sprint(n), metric) }
		fmt.Fprintf(w, "a store of %d decisions: ready in %.0f ms, %.0f bytes each, %.2f of what lies in it; %.0f checked in a second, %.2f of bare hashing, decryption and verifying\n",
			n, m("ready_ms"), m("bytes"), m("of_logical"), m("check_per_s"), m("check_of_bare"))
	}
	for _, n := range o.logs {
		m := func(metric string) float64 { return t.median("log", fmt.Sprint(n), metric) }
		fmt.Fprintf(w, "a log of %d entries: %.0f appended in a second by one, %.0f by 64; %.0f proofs, %.0f tiles over HTTP; a monitor reads %.0f entries a second (%.2f s), %.3f of bare hashing\n",
			n, m("append_per_s"), m("append64_per_s"), m("proof_per_s"), m("tile_per_s"), m("monitor_per_s"), m("monitor_s"), m("of_hashing"))
	}
}

// against is the median of the rounds' ratios of two groups' decisions in a second.
func (t *table) against(group, base, name string) float64 {
	ours, theirs := t.values(group, name, "per_s"), t.values(base, name, "per_s")
	var out []float64
	for i := range min(len(ours), len(theirs)) {
		out = append(out, ours[i]/theirs[i])
	}
	return median(out)
}

func callers(n int) string { return fmt.Sprintf("@%d", n) }
