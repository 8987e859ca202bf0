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

func TestRow_OverIsTheMedianOfTheRoundsOwnRatios(t *testing.T) {
	t.Parallel()
	rounds := func(perSecond ...float64) row {
		return row{rounds: each(perSecond, func(n float64) measured { return measured{perSecond: n} })}
	}
	ours, bare := rounds(100, 10, 90), rounds(200, 20, 180)
	if got := ours.over(bare, perSecond); got != 0.5 {
		t.Errorf("the ratio is %v, want 0.5", got)
	}
	if got := ours.over(rounds(0, 0, 0), perSecond); got != 0 {
		t.Errorf("the ratio to a bare handler that answered nothing is %v, want 0", got)
	}
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	r := join([]result{
		{latencies: []time.Duration{4 * time.Millisecond, 2 * time.Millisecond}, bodyBytes: 200},
		{latencies: []time.Duration{time.Millisecond, 3 * time.Millisecond}, bodyBytes: 200, failed: 1, failure: errors.New("first")},
	}, 2*time.Second)
	m := measure(r, usage{cpu: 40 * time.Millisecond, generator: time.Second, memory: 7})
	if m.perSecond != 2 || m.p50 != 2*time.Millisecond || m.p99 != 4*time.Millisecond || m.cpu != 10*time.Millisecond ||
		m.generator != 0.5 || m.memory != 7 || m.bodyBytes != 100 || m.failed != 1 || m.failure == nil {
		t.Errorf("measured %+v", m)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	ours := row{name: "service", rounds: []measured{{bodyBytes: 400}}}
	like := row{name: "like", rounds: []measured{{bodyBytes: 390}}}
	silent := row{name: "silent", noBody: true, rounds: []measured{{}}}
	if err := judge([]group{{rows: []row{ours, like, silent}}}); err != nil {
		t.Errorf("nothing failed and both send alike, but: %v", err)
	}
	short := row{name: "short", rounds: []measured{{bodyBytes: 40}}}
	broken := row{name: "broken", rounds: []measured{{bodyBytes: 400}, {bodyBytes: 400, failed: 2, failure: errors.New("HTTP/1.1 503")}}}
	err := judge([]group{{rows: []row{ours, short, broken}}})
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

func TestTurns_GoThereAndBack(t *testing.T) {
	t.Parallel()
	if there, back := turns(0, 3), turns(1, 3); !slices.Equal(there, []int{0, 1, 2}) || !slices.Equal(back, []int{2, 1, 0}) {
		t.Errorf("the turns are %v, then %v", there, back)
	}
}

func TestWriteTable_ComparesWithEachBareHandler(t *testing.T) {
	t.Parallel()
	side := func(name string, role role, perSecond float64, p99 time.Duration) row {
		return row{name: name, role: role, rounds: []measured{{perSecond: perSecond, p99: p99, memory: 3 << 20}}}
	}
	var out strings.Builder
	err := writeTable(&out, []group{{path: "sight", rows: []row{
		side("first sight", service, 300, 20*time.Millisecond),
		side("bare: one", bareHandler, 100, 10*time.Millisecond), side("bare: two", bareHandler, 200, 40*time.Millisecond),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range [][]string{
		{"requests/s"},
		{"first sight", "300", "20.0", "3.00", "2.00", "bare: one"},
		{"1.50", "0.50", "bare: two"},
		{"bare: one", "100"},
		{"bare: two", "200"},
	} {
		if i >= len(lines) || !containsAll(lines[i], want) {
			t.Fatalf("line %d has not all of %q:\n%s", i, want, &out)
		}
	}
}

func containsAll(text string, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(w string) bool { return !strings.Contains(text, w) })
}

func TestScattered(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for _, p := range scattered(1000, 2000) {
		seen[p.email]++
		if len(p.uid) != 28 {
			t.Fatalf("the uid %q is not as long as Firebase's", p.uid)
		}
	}
	if len(seen) != 1000 {
		t.Errorf("2000 of 1000 people are %d, want all", len(seen))
	}
	first := scattered(1_000_000, 2)
	if first[0] != someone("known", 0) || first[1] != someone("known", int(stride%1_000_000)) {
		t.Errorf("the first two are %v", first)
	}
}

func TestCheckKeys(t *testing.T) {
	t.Parallel()
	if err := checkKeys([]string{"warm", "login"}); err != nil {
		t.Error(err)
	}
	if err := checkKeys([]string{"warm", "hot"}); err == nil || !strings.Contains(err.Error(), `no path "hot"`) {
		t.Errorf("an unknown path gives %v", err)
	}
}
