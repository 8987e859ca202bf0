package main

import (
	"bytes"
	"fmt"
	"io"
	"time"
)

// measured is one round of one side.
type measured struct {
	perSecond float64
	p50, p99  time.Duration
	cpu       time.Duration // of the server, a request
	generator float64       // processors that the load took
	bodyBytes int           // of an answer
	failed    int
	failure   error
}

func measure(r result, cpu, generator time.Duration) measured {
	m := measured{
		generator: ratio(generator.Seconds(), r.took.Seconds()),
		perSecond: ratio(float64(len(r.latencies)), r.took.Seconds()),
		p50:       percentile(r.latencies, 50), p99: percentile(r.latencies, 99),
		failed: r.failed, failure: r.failure,
	}
	if n := len(r.latencies); n > 0 {
		m.cpu, m.bodyBytes = cpu/time.Duration(n), r.bodyBytes/n
	}
	return m
}

// row is one side of a path over all its rounds.
type row struct {
	name   string
	rounds []measured
}

func (r row) perSecond() float64 {
	return median(each(r.rounds, func(m measured) float64 { return m.perSecond }))
}

func (r row) p50() time.Duration {
	return median(each(r.rounds, func(m measured) time.Duration { return m.p50 }))
}

func (r row) p99() time.Duration {
	return median(each(r.rounds, func(m measured) time.Duration { return m.p99 }))
}

func (r row) cpu() time.Duration {
	return median(each(r.rounds, func(m measured) time.Duration { return m.cpu }))
}

func (r row) bodyBytes() float64 {
	return median(each(r.rounds, func(m measured) float64 { return float64(m.bodyBytes) }))
}

func (r row) failed() (sum int, first error) {
	for _, m := range r.rounds {
		sum += m.failed
		if first == nil {
			first = m.failure
		}
	}
	return sum, first
}

// over is the median of what r did in each round for one request of bare: rounds that were slow for both count alike.
func (r row) over(bare row) float64 {
	ratios := make([]float64, 0, len(r.rounds))
	for i := range min(len(r.rounds), len(bare.rounds)) {
		ratios = append(ratios, ratio(r.rounds[i].perSecond, bare.rounds[i].perSecond))
	}
	return median(ratios)
}

// writeTable prints a group of rows a path: the service, then each bare handler with the service's ratio to it.
func writeTable(w io.Writer, paths [][]row) error {
	var text bytes.Buffer
	_, _ = fmt.Fprintf(&text, "%-32s %10s %8s %8s %7s %13s %7s\n", "path", "requests/s", "p50 ms", "p99 ms", "CPU us", "service/bare", "failed")
	for _, rows := range paths {
		for i, r := range rows {
			times := "" // the service's own row
			if i > 0 {
				times = fmt.Sprintf("%.2f", rows[0].over(r))
			}
			failed, _ := r.failed()
			_, _ = fmt.Fprintf(&text, "%-32s %10.0f %8s %8s %7d %13s %7d\n",
				r.name, r.perSecond(), millis(r.p50()), millis(r.p99()), r.cpu().Microseconds(), times, failed)
		}
	}
	_, err := w.Write(text.Bytes())
	return err
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond)) }
