package main

import (
	"os"
	"testing"

	"github.com/alecthomas/kong"
)

func TestUp_PortsComeFromTheEnvironment(t *testing.T) {
	for _, c := range []struct {
		port, metrics         string
		flags                 []string
		wantPort, wantMetrics int
	}{
		{"", "", nil, 3008, 9464},
		{"3018", "", nil, 3018, 9464},
		{"3018", "9474", nil, 3018, 9474},
		{"3018", "9474", []string{"--port=3028", "--metrics-port=9484"}, 3028, 9484},
	} {
		for name, value := range map[string]string{"PORT": c.port, "METRICS_PORT": c.metrics} {
			t.Setenv(name, value) // restores the variable afterwards
			if value == "" {
				_ = os.Unsetenv(name)
			}
		}
		var parsed cli
		parser, err := kong.New(&parsed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(append([]string{"up"}, c.flags...)); err != nil {
			t.Errorf("PORT=%s METRICS_PORT=%s up %v: %v", c.port, c.metrics, c.flags, err)
		}
		if parsed.Up.Port != c.wantPort || parsed.Up.MetricsPort != c.wantMetrics {
			t.Errorf("PORT=%s METRICS_PORT=%s up %v serves on %d and %d, expected %d and %d",
				c.port, c.metrics, c.flags, parsed.Up.Port, parsed.Up.MetricsPort, c.wantPort, c.wantMetrics)
		}
	}
}
