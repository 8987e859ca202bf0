package main

import (
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	line := "42 (a (b) c) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 5 0 100 1000 200"
	if got := parseStat([]byte(line)); got != 3*time.Second {
		t.Errorf("CPU time is %s, want 3s", got)
	}
	if got := parseStat(nil); got != 0 {
		t.Errorf("CPU time of nothing is %s, want 0", got)
	}
}

func TestSplitProcessors(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]pins{
		"0":       {},
		"":        {},
		"0-1":     {"0", "1"},
		"0-3":     {"0", "1-3"},
		"2-3,8":   {"2", "3,8"},
		"1,4-5,9": {"1", "4-5,9"},
	} {
		if got := splitProcessors(list); got != want {
			t.Errorf("%q splits into %+v, want %+v", list, got, want)
		}
	}
}

func TestParsePeak(t *testing.T) {
	t.Parallel()
	if got := parsePeak([]byte("Name:\tauthd\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n")); got != 2<<20 {
		t.Errorf("the peak is %d bytes, want 2 MiB", got)
	}
	if got := parsePeak([]byte("Name:\tauthd\n")); got != 0 {
		t.Errorf("the peak of who does not say is %d, want 0", got)
	}
}
