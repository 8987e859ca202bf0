package main

import (
	"math"
	"strings"
	"testing"
	"time"
)

// Facts live 10 s: at a request every 2 s over two instances, one reading serves 2.5 more.
func TestSimulate_AgreesWithWhatCanBeReckoned(t *testing.T) {
	t.Parallel()
	s := scenario{people: 100, instances: 2, every: 2 * time.Second, length: 30 * time.Second}
	alone, err := simulate(t.Context(), s, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if requests := float64(alone.requests); math.Abs(requests-1500) > 150 {
		t.Errorf("%.0f requests were sent, want about 1500", requests)
	}
	if read := ratio(float64(alone.reads), float64(alone.requests)); math.Abs(read-1/3.5) > 0.05 {
		t.Errorf("of %d requests %.3f read a row, want about %.3f", alone.requests, read, 1/3.5)
	}
	if alone.looks != 0 || alone.verified > alone.requests/50 {
		t.Errorf("%d looks into a shared cache that is not there, %d of %d tokens unknown", alone.looks, alone.verified, alone.requests)
	}
	s.shared = true
	with, err := simulate(t.Context(), s, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if with.sharedHits == 0 || float64(with.reads) > 0.75*float64(alone.reads) {
		t.Errorf("with a shared cache %d rows were read, %d facts came from it and %d looks failed; without, %d rows", with.reads, with.sharedHits,
			with.broken, alone.reads)
	}
}

func TestSpread_Doubts(t *testing.T) {
	t.Parallel()
	s := spread{scenario: scenario{length: 15 * time.Second}, counts: counts{looks: 100, broken: 2}, took: 29 * time.Second}
	if err := s.doubt(); err != nil {
		t.Errorf("a good run is doubted: %v", err)
	}
	s.took = 31 * time.Second
	if err := s.doubt(); err == nil || !strings.Contains(err.Error(), "30s of virtual time took 31s") {
		t.Errorf("a slow run gives %v", err)
	}
	s.took, s.broken = 0, 3
	if err := s.doubt(); err == nil || !strings.Contains(err.Error(), "3 of 100 looks") {
		t.Errorf("a run with failed looks gives %v", err)
	}
}

func TestSpread_PrintsEachScenario(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	c := spreadCmd{Users: 100, Sample: 2, Instances: []int{1, 2}, Every: []time.Duration{time.Second}, Length: time.Second}
	if err := c.simulateAll(t.Context(), &out); err != nil {
		t.Log(err) // a busy machine causes doubts
	}
	if all := c.scenarios(); len(all) != 4 || all[0].people != 100 || all[1].people != 50 {
		t.Errorf("the scenarios are %v, want four, the first of all people", all)
	}
	for _, want := range []string{"100 active people", "without", "with ", "rows read/s", "looks into Redis/s"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table has no %q:\n%s", want, &out)
		}
	}
}
