package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"

	"sigill/keys/ident"
	"sigill/server/rpc"
)

// jobs are what the server does by the clock, and the label values of its metrics.
var jobs = []string{"publish", "notices", "inbox", "owed", "expiry", "check"}

// A watch is what an operator sees of a server over time: metrics, and whether it
// is ready. It keeps nothing that says when an author called: no series of theirs
// but whole days that have ended, and none of the process (its CPU time and memory
// rise at each draft). All labels are from closed sets. It may be used concurrently.
type watch struct {
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	failures *prometheus.CounterVec

	mu        sync.Mutex
	failing   map[string]bool // jobs whose last run failed
	published time.Time       // the last time, or the start
}

func (s *Server) newWatch() *watch {
	w := &watch{registry: prometheus.NewRegistry(), failing: map[string]bool{}, published: time.Now()}
	w.calls = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sigilld_calls_total",
		Help: "Calls of those who are no authors, by method and code."}, []string{"method", "code"})
	w.took = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "sigilld_call_seconds",
		Help: "How long those calls took.", Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"method"})
	w.failures = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sigilld_job_failures_total",
		Help: "Runs of the server's own jobs that failed."}, []string{"job"})
	for _, j := range jobs {
		w.failures.WithLabelValues(j)
	}
	w.registry.MustRegister(w.calls, w.took, w.failures, state{s})
	return w
}

// called counts a call that leaves a log line.
func (w *watch) called(c rpc.Call) {
	w.calls.WithLabelValues(c.Method, c.Code.String()).Inc()
	if c.Code != codes.Canceled && !c.Stream {
		w.took.WithLabelValues(c.Method).Observe(c.Took.Seconds())
	}
}

// ran notes how a job went.
func (w *watch) ran(name string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failing[name] = err != nil
	if err != nil {
		w.failures.WithLabelValues(name).Inc()
	} else if name == "publish" {
		w.published = time.Now()
	}
}

// behind lists the jobs whose last run failed, in order.
func (w *watch) behind() (names []string, published time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, failing := range w.failing {
		if failing {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, w.published
}

// unready says why the server should not be called, one reason for each part of it
// that is not as it should be; none if all is.
func (s *Server) unready(now time.Time) []string {
	var why []string
	if s.stopping.Load() {
		why = append(why, "stopping")
	}
	if ledgerDone(s.ledger) {
		why = append(why, "ledger: stopped after a commit that failed")
	}
	failing, published := s.watch.behind()
	if late := now.Sub(published); late > 3*s.config.PublishEvery+time.Minute {
		why = append(why, fmt.Sprintf("publish: no checkpoint for %v", late.Round(time.Second)))
	}
	for _, name := range failing {
		why = append(why, name+": the last run failed")
	}
	if err := s.trust.Certifies(s.leaf, now); err != nil {
		why = append(why, "certificate: not in force")
	}
	return why
}

// state are the metrics that are read when they are asked for.
type state struct{ *Server }

var (
	descReady   = prometheus.NewDesc("sigilld_ready", "1 if the server is ready, 0 if not; /readyz says why.", nil, nil)
	descVersion = prometheus.NewDesc("sigilld_build_info", "1, for the version that runs.", []string{"version"}, nil)
	descLog     = prometheus.NewDesc("sigilld_published_log_entries", "Entries of the log, as published.", nil, nil)
	descPending = prometheus.NewDesc("sigilld_pending_log_entries", "Entries of the log that are not published yet: they wait for the next time, or for witnesses.", nil, nil)
	descUntil   = prometheus.NewDesc("sigilld_certificate_ends_timestamp_seconds",
		"When seals under the institutional certificate cease to count.", nil, nil)
	descAuthors = prometheus.NewDesc("sigilld_author_calls",
		"Calls of authors on the last day that ended in Sweden at least an hour ago, by method.", []string{"method"}, nil)
)

// Describe implements prometheus.Collector.
func (st state) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descReady, descVersion, descLog, descPending, descUntil, descAuthors} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (st state) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	now, ready := time.Now(), 0.0
	if len(st.unready(now)) == 0 {
		ready = 1
	}
	gauge(descReady, ready)
	gauge(descVersion, 1, Version)
	published := st.ledger.Published().Size
	gauge(descLog, float64(published))
	gauge(descPending, float64(st.ledger.Head().Size-published))
	if until := st.trust.CertifiedUntil(st.leaf); until != "" {
		gauge(descUntil, float64(until.AddDays(1).Start().Unix()))
	}
	calls, err := st.office.AuthorCalls(context.Background(), lastShown(now))
	if err != nil {
		out <- prometheus.NewInvalidMetric(descAuthors, errors.New("the day's totals cannot be read"))
		return
	}
	for method, n := range calls {
		gauge(descAuthors, float64(n), method)
	}
}

// lastShown is the last day that ended in Sweden at least an hour ago: a call that was
// received before midnight may be counted after it.
func lastShown(now time.Time) ident.Date { return ident.DateOf(now.Add(-time.Hour)).AddDays(-1) }
