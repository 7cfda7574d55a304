// SPDX-License-Identifier: Apache-2.0

package telemetry

import "github.com/prometheus/client_golang/prometheus"

// descriptions makes descriptions of metrics whose names begin alike.
func descriptions(prefix string) func(name, help string, labels ...string) *prometheus.Desc {
	return func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prefix+name, help, labels, nil)
	}
}

// figures is where a collector puts what it has read.
type metricWriter chan<- prometheus.Metric

func (f metricWriter) gauge(d *prometheus.Desc, v float64, labels ...string) {
	f <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (f metricWriter) counter(d *prometheus.Desc, v float64, labels ...string) {
	f <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
}
