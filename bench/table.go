package main

import (
	"bytes"
	"fmt"
	"io"
	"time"
)

type measured struct {
	perSecond float64
	p50, p99  time.Duration
	cpu       time.Duration // a request
	memory    int64         // peak in bytes
	generator float64       // processors
	bodyBytes int
	failed    int
	failure   error
}

type usage struct {
	cpu, generator time.Duration
	memory         int64
}

func measure(r result, u usage) measured {
	m := measured{
		generator: ratio(u.generator.Seconds(), r.took.Seconds()),
		perSecond: ratio(float64(len(r.latencies)), r.took.Seconds()),
		p50:       percentile(r.latencies, 50), p99: percentile(r.latencies, 99),
		memory: u.memory, failed: r.failed, failure: r.failure,
	}
	if n := len(r.latencies); n > 0 {
		m.cpu, m.bodyBytes = u.cpu/time.Duration(n), r.bodyBytes/n
	}
	return m
}

type row struct {
	name   string
	role   role
	noBody bool
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

func (r row) memory() (peak int64) {
	for _, m := range r.rounds {
		peak = max(peak, m.memory)
	}
	return peak
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

// over is the median of the rounds' ratios.
func (r row) over(bare row, figure func(measured) float64) float64 {
	ratios := make([]float64, 0, len(r.rounds))
	for i := range min(len(r.rounds), len(bare.rounds)) {
		ratios = append(ratios, ratio(figure(r.rounds[i]), figure(bare.rounds[i])))
	}
	return median(ratios)
}

func perSecond(m measured) float64 { return m.perSecond }
func p99(m measured) float64       { return float64(m.p99) }

type group struct {
	path string
	rows []row
}

func (g group) bares() []row {
	var bares []row
	for _, r := range g.rows {
		if r.role == bareHandler {
			bares = append(bares, r)
		}
	}
	return bares
}

// writeTable compares each side with each bare handler.
func writeTable(w io.Writer, table []group) error {
	var text bytes.Buffer
	_, _ = fmt.Fprintf(&text, "%-30s %10s %7s %7s %7s %7s %7s   %6s %10s  %s\n",
		"path", "requests/s", "p50 ms", "p99 ms", "CPU us", "RSS MB", "failed", "x bare", "x its p99", "which is")
	for _, g := range table {
		for _, r := range g.rows {
			failed, _ := r.failed()
			_, _ = fmt.Fprintf(&text, "%-30s %10.0f %7s %7s %7d %7d %7d", r.name, r.perSecond(), millis(r.p50()), millis(r.p99()),
				r.cpu().Microseconds(), r.memory()>>20, failed)
			writeComparisons(&text, r, g.bares())
		}
	}
	_, err := w.Write(text.Bytes())
	return err
}

func writeComparisons(text *bytes.Buffer, r row, bares []row) {
	if r.role == bareHandler || len(bares) == 0 {
		_ = text.WriteByte('\n')
		return
	}
	for i, b := range bares {
		if i > 0 {
			_, _ = fmt.Fprintf(text, "%81s", "")
		}
		_, _ = fmt.Fprintf(text, "   %6.2f %10.2f  %s\n", r.over(b, perSecond), r.over(b, p99), b.name)
	}
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond)) }
