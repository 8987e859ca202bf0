package telemetry

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

type poolCollector struct {
	stat func() *pgxpool.Stat

	count, limit, acquires, waits, waited, cancelled, opened *prometheus.Desc
}

func newPoolCollector(name string, pool *pgxpool.Pool) *poolCollector {
	desc := func(metric, help string, variable ...string) *prometheus.Desc {
		return prometheus.NewDesc("db_client_connection_"+metric, help, variable, prometheus.Labels{"db_client_connection_pool_name": name})
	}
	return &poolCollector{
		stat:      pool.Stat,
		count:     desc("count", "Connections by state.", "db_client_connection_state"),
		limit:     desc("max", "Connections that the pool may open."),
		acquires:  desc("acquires_total", "Connections taken from the pool."),
		waits:     desc("waits_total", "Takings that had to wait because no connection was free."),
		waited:    desc("wait_seconds_total", "Time spent waiting for a free connection."),
		cancelled: desc("timeouts_total", "Takings given up by their caller."),
		opened:    desc("opened_total", "Connections opened."),
	}
}

// Describe implements prometheus.Collector.
func (c *poolCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.count, c.limit, c.acquires, c.waits, c.waited, c.cancelled, c.opened} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *poolCollector) Collect(out chan<- prometheus.Metric) {
	s := c.stat()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v)
	}
	gauge(c.count, float64(s.AcquiredConns()), "used")
	gauge(c.count, float64(s.IdleConns()), "idle")
	gauge(c.count, float64(s.ConstructingConns()), "opening")
	gauge(c.limit, float64(s.MaxConns()))
	counter(c.acquires, float64(s.AcquireCount()))
	counter(c.waits, float64(s.EmptyAcquireCount()))
	counter(c.waited, s.EmptyAcquireWaitTime().Seconds())
	counter(c.cancelled, float64(s.CanceledAcquireCount()))
	counter(c.opened, float64(s.NewConnsCount()))
}
