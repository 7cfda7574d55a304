// SPDX-License-Identifier: Apache-2.0

package telemetry

import "github.com/prometheus/client_golang/prometheus"

// descriptions returns a function that creates descriptions of metrics with a common prefix.
func descriptions(prefix string) func(name, help string, labels ...string) *prometheus.Desc {
	return func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prefix+name, help, labels, nil)
	}
}

// metricWriter sends the metrics of a collector.
type metricWriter chan<- prometheus.Metric

func (f metricWriter) gauge(d *prometheus.Desc, v float64, labels ...string) {
	f <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}
