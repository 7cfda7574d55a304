// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// PoolInUse returns the connections of the service's pool in use, and their limit, from its
// metrics.
func (s *Service) PoolInUse(ctx context.Context) (inUse, limit float64, err error) {
	families, err := s.metrics(ctx)
	if err != nil {
		return 0, 0, err
	}
	inUse, found := gauge(families["reporting_db_pool_connections"], "in_use")
	limit, both := gauge(families["reporting_db_pool_max_connections"], "")
	if !found || !both {
		return 0, 0, errors.New("read metrics: the service has no metrics of its pool")
	}
	return inUse, limit, nil
}

func (s *Service) metrics(ctx context.Context) (map[string]*dto.MetricFamily, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.OpsAddr+"/metrics", http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("fetch metrics: %w", err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("fetch metrics: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	return families, nil
}

// gauge returns the value of a family with a label value, or of the first series without one.
func gauge(family *dto.MetricFamily, label string) (float64, bool) {
	for _, metric := range family.GetMetric() {
		if label == "" {
			return metric.GetGauge().GetValue(), true
		}
		for _, pair := range metric.GetLabel() {
			if pair.GetValue() == label {
				return metric.GetGauge().GetValue(), true
			}
		}
	}
	return 0, false
}
