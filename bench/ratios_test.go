package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func tableOf(byPath map[string]float64) []group {
	var table []group
	for _, path := range pathKeys {
		if ratio, measuredToo := byPath[path]; measuredToo {
			rounds := func(perSecond float64) []measured { return []measured{{perSecond: perSecond}} }
			table = append(table, group{path: path, rows: []row{
				{name: path, rounds: rounds(100 * ratio)},
				{name: "bare", role: bareHandler, rounds: rounds(100)},
				{name: "the plan's design", role: plansDesign, rounds: rounds(10)},
			}})
		}
	}
	return table
}

func TestRegressions(t *testing.T) {
	t.Parallel()
	committed := []compared{{"warm", "warm", "bare", 1}, {"cold", "cold", "bare", 1.5}, {"login", "login", "bare", 0.9}}
	lost, err := regressions(committed, ratios(tableOf(map[string]float64{"warm": 0.81, "cold": 1.19})))
	if err != nil || len(lost) != 1 || !containsAll(lost[0].String(), []string{"cold / bare", "1.19", "1.50", "21 % less"}) {
		t.Errorf("lost are %v, %v; want cold alone: a fifth may be lost, and what was not measured says nothing", lost, err)
	}
	if lost, err := regressions(committed, ratios(tableOf(map[string]float64{"warm": 3, "cold": 1.21}))); err != nil || len(lost) != 0 {
		t.Errorf("lost are %v, %v; want none", lost, err)
	}
}

func TestRegressions_NameWhatOnlyOneSideKnows(t *testing.T) {
	t.Parallel()
	_, err := regressions([]compared{{"warm", "once warm", "bare", 1}}, []compared{{"warm", "warm", "bare", 1}})
	if err == nil || !containsAll(err.Error(), []string{"warm / bare has no committed ratio", "once warm / bare has a committed ratio, and was not measured"}) {
		t.Errorf("the answer is %v", err)
	}
}

func TestWriteRatios_KeepsWhatWasNotMeasured(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ratios.json")
	for _, run := range []map[string]float64{{"cold": 1, "login": 0.5}, {"warm": 1.1234, "cold": 2}} {
		if err := writeRatios(file, ratios(tableOf(run))); err != nil {
			t.Fatal(err)
		}
	}
	got, err := readRatios(file)
	want := []compared{{"warm", "warm", "bare", 1.123}, {"cold", "cold", "bare", 2}, {"login", "login", "bare", 0.5}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("the file has %v, %v; want %v", got, err, want)
	}
}

func TestCommittedRatios(t *testing.T) {
	t.Parallel()
	committed, err := readRatios("ratios.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range pathKeys {
		if !slices.ContainsFunc(committed, func(c compared) bool { return c.Path == path && c.Ratio > 0 }) {
			t.Errorf("ratios.json keeps nothing of %s", path)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ratios.json")
	if err := writeRatios(file, ratios(tableOf(map[string]float64{"warm": 1, "cold": 1}))); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		first, second map[string]float64
		want          string // "" means no loss
	}{
		"all is well":                     {first: map[string]float64{"warm": 1, "cold": 0.9}},
		"a busy minute is no regression":  {first: map[string]float64{"warm": 0.5, "cold": 1}, second: map[string]float64{"warm": 0.95}},
		"what lost twice is a regression": {map[string]float64{"warm": 1, "cold": 0.5}, map[string]float64{"cold": 0.6}, "cold / bare is 0.60, and was 1.00: 40 % less"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tables := [][]group{tableOf(c.first), tableOf(c.second)}
			measure := func(_ context.Context, o Options, _ io.Writer) ([]group, error) {
				table := tables[0]
				tables = tables[1:]
				if o.Pins != choosePins() {
					t.Errorf("the processors are %v, want those from before the first run", o.Pins)
				}
				if len(tables) == 0 && len(o.Only) != len(table) {
					t.Errorf("the second time, %v is measured, want what lost alone", o.Only)
				}
				return table, nil
			}
			err := check(t.Context(), Options{Pin: true}, file, io.Discard, measure)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("the check says %v, want %q", err, c.want)
			}
		})
	}
}

func TestCheck_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	broken := errors.New("a request failed")
	measure := func(context.Context, Options, io.Writer) ([]group, error) { return nil, broken }
	file := filepath.Join(t.TempDir(), "ratios.json")
	if err := check(t.Context(), Options{}, file, io.Discard, measure); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without ratios the check says %v", err)
	}
	if err := writeRatios(file, nil); err != nil {
		t.Fatal(err)
	}
	if err := check(t.Context(), Options{}, file, io.Discard, measure); !errors.Is(err, broken) {
		t.Errorf("where the run fails the check says %v", err)
	}
}
