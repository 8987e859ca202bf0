package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{7}, 7},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		before := slices.Clone(c.values)
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.values, got, c.want)
		}
		if !slices.Equal(before, c.values) {
			t.Errorf("median changed the order of %v", before)
		}
	}
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	hundred := make([]time.Duration, 0, 100)
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	for _, c := range []struct {
		sorted []time.Duration
		p      int
		want   time.Duration
	}{
		{nil, 50, 0},
		{[]time.Duration{3}, 99, 3},
		{[]time.Duration{1, 2}, 50, 1},
		{[]time.Duration{1, 2, 3}, 50, 2},
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 100, 100},
		{hundred, 0, 1},
	} {
		if got := percentile(c.sorted, c.p); got != c.want {
			t.Errorf("p%d of %d values is %v, want %v", c.p, len(c.sorted), got, c.want)
		}
	}
}

// A round in which the machine was slow for both sides must not move the ratio.
func TestRow_OverIsTheMedianOfTheRoundsOwnRatios(t *testing.T) {
	t.Parallel()
	rounds := func(perSecond ...float64) row {
		return row{rounds: each(perSecond, func(n float64) measured { return measured{perSecond: n} })}
	}
	service, bare := rounds(100, 10, 90), rounds(200, 20, 180)
	if got := service.over(bare); got != 0.5 {
		t.Errorf("the ratio is %v, want 0.5", got)
	}
	if got := service.over(rounds(0, 0, 0)); got != 0 {
		t.Errorf("the ratio to a bare handler that answered nothing is %v, want 0", got)
	}
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	r := join([]result{
		{latencies: []time.Duration{4 * time.Millisecond, 2 * time.Millisecond}, bodyBytes: 200},
		{latencies: []time.Duration{time.Millisecond, 3 * time.Millisecond}, bodyBytes: 200, failed: 1, failure: errors.New("first")},
	}, 2*time.Second)
	m := measure(r, 40*time.Millisecond, time.Second)
	if m.perSecond != 2 || m.p50 != 2*time.Millisecond || m.p99 != 4*time.Millisecond || m.cpu != 10*time.Millisecond ||
		m.generator != 0.5 || m.bodyBytes != 100 || m.failed != 1 || m.failure == nil {
		t.Errorf("measured %+v", m)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	service := row{name: "service", rounds: []measured{{bodyBytes: 400}}}
	like := row{name: "like", rounds: []measured{{bodyBytes: 390}}}
	if err := judge([][]row{{service, like}}); err != nil {
		t.Errorf("nothing failed and both send alike, but: %v", err)
	}
	short := row{name: "short", rounds: []measured{{bodyBytes: 40}}}
	broken := row{name: "broken", rounds: []measured{{bodyBytes: 400}, {bodyBytes: 400, failed: 2, failure: errors.New("HTTP/1.1 503")}}}
	err := judge([][]row{{service, short, broken}})
	for _, want := range []string{"short answers 40 bytes", "broken: 2 requests failed", "503"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the verdict is %v, want %q in it", err, want)
		}
	}
}

func TestSide_RoundsShareWhatMayBeSentOnce(t *testing.T) {
	t.Parallel()
	s := side{requests: [][]byte{{1}, {2}, {3}, {4}, {5}}}
	if got := s.round(1, 2, true); len(got) != 2 || got[0][0] != 3 {
		t.Errorf("the second of two rounds sends %v, want 3 and 4", got)
	}
	if got := s.round(1, 2, false); len(got) != 5 {
		t.Errorf("a round that may repeat sends %v, want all", got)
	}
}
