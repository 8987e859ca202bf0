package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
)

// tolerance is the permitted loss; less is noise.
const tolerance = 0.2

type compared struct {
	Path    string  `json:"path"`
	Service string  `json:"service"`
	Bare    string  `json:"bare"`
	Ratio   float64 `json:"ratio"`
}

func (c compared) of() string { return c.Service + " / " + c.Bare }

// ratios omits the plan's design.
func ratios(table []group) []compared {
	var all []compared
	for _, g := range table {
		for _, r := range g.rows {
			if r.role != service {
				continue
			}
			for _, b := range g.bares() {
				all = append(all, compared{g.path, r.name, b.name, math.Round(r.over(b, perSecond)*1000) / 1000})
			}
		}
	}
	return all
}

type loss struct{ committed, now compared }

func (l loss) String() string {
	return fmt.Sprintf("%s is %.2f, and was %.2f: %.0f %% less", l.now.of(), l.now.Ratio, l.committed.Ratio,
		100*(1-l.now.Ratio/l.committed.Ratio))
}

// regressions reports a row on one side only as an error, so renames are noticed.
func regressions(committed, now []compared) (lost []loss, err error) {
	measured := map[string]bool{}
	var faults []error
	for _, n := range now {
		measured[n.Path] = true
		i := slices.IndexFunc(committed, func(c compared) bool { return c.of() == n.of() })
		switch {
		case i < 0:
			faults = append(faults, fmt.Errorf("%s has no committed ratio", n.of()))
		case n.Ratio < committed[i].Ratio*(1-tolerance):
			lost = append(lost, loss{committed: committed[i], now: n})
		}
	}
	for _, c := range committed {
		if measured[c.Path] && !slices.ContainsFunc(now, func(n compared) bool { return c.of() == n.of() }) {
			faults = append(faults, fmt.Errorf("%s has a committed ratio, and was not measured", c.of()))
		}
	}
	return lost, errors.Join(faults...)
}

func readRatios(file string) ([]compared, error) {
	content, err := os.ReadFile(file) //nolint:gosec // the operator names it
	if err != nil {
		return nil, fmt.Errorf("read the committed ratios: %w", err)
	}
	var all []compared
	if err := json.Unmarshal(content, &all); err != nil {
		return nil, fmt.Errorf("read the committed ratios in %s: %w", file, err)
	}
	return all, nil
}

// writeRatios keeps unmeasured paths.
func writeRatios(file string, now []compared) error {
	before, err := readRatios(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	var all []compared
	for _, path := range pathKeys {
		those := ofPath(now, path)
		if len(those) == 0 {
			those = ofPath(before, path)
		}
		all = append(all, those...)
	}
	if err := os.WriteFile(file, encodeRatios(all), 0o644); err != nil { //nolint:gosec // a file of the repository
		return fmt.Errorf("write the ratios: %w", err)
	}
	return nil
}

func ofPath(all []compared, path string) []compared {
	return slices.DeleteFunc(slices.Clone(all), func(c compared) bool { return c.Path != path })
}

func encodeRatios(all []compared) []byte {
	lines := each(all, func(c compared) []byte { return append([]byte("\t"), encode(c)...) })
	return slices.Concat([]byte("[\n"), bytes.Join(lines, []byte(",\n")), []byte("\n]\n"))
}
