// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/oauth2/clientcredentials"

	"reporting/internal/config"
	"reporting/internal/httpapi"
	"reporting/internal/httpapi/binary"
	"reporting/internal/httpapi/orders"
	"reporting/internal/postgres"
	"reporting/internal/report"
	"reporting/internal/reports"
	"reporting/internal/reports/catalog"
	"reporting/internal/source/episode"
	"reporting/internal/source/fhirsearch"
	"reporting/internal/source/ndjson"
	"reporting/internal/source/synthetic"
	"reporting/internal/worker/queue"
)

// syntheticSeed makes the synthetic data the same in every process.
const syntheticSeed = 1

// logReports logs the source of report data, with warnings about settings without effect.
func (a *App) logReports(demo bool) {
	r := a.config.Reports
	switch {
	case demo:
	case r.Source.Kind == config.SyntheticSource:
		a.log.Warn("reports use synthetic data and do not say so: set REPORTING_SOURCE to real data", "source", r.Source.String())
	case r.On():
		a.log.Info("reports enabled", "source", r.Source.String())
	}
	switch {
	case r.Retain == 0 || r.On() && r.Workers > 0:
	case r.On():
		a.log.Info("REPORTING_RETENTION_DAYS has no effect here: only processes with workers delete old jobs")
	default:
		a.log.Warn("REPORTING_RETENTION_DAYS has no effect: only processes with workers delete old jobs, and they need REPORTING_SOURCE")
	}
}

// definitions returns the reports that the settings enable.
func (o Options) definitions(now func() time.Time) []catalog.Report {
	if !o.Config.Reports.On() {
		return nil
	}
	list := reports.All(reports.Needs{Episodes: episodes(o.Config.Reports, now), Zone: o.Config.Reports.Zone, Demo: o.Demo})
	if o.Config.Reports.FetchConcurrent == 0 {
		for i := range list {
			list[i].Modes = slices.DeleteFunc(list[i].Modes, func(m catalog.Mode) bool { return m == catalog.Fetch })
		}
	}
	return list
}

// episodes returns the source that the settings name.
func episodes(r config.Reports, now func() time.Time) episode.Source {
	switch s := r.Source; s.Kind {
	case config.FHIRServer:
		options := fhirsearch.Options{Base: s.URL, Zone: r.Zone}
		if s.TokenURL != "" {
			options.Credentials = &clientcredentials.Config{
				TokenURL: s.TokenURL, ClientID: s.ClientID, ClientSecret: string(s.ClientSecret), Scopes: s.Scopes,
			}
		}
		return fhirsearch.New(options)
	case config.Folder:
		return ndjson.New(s.Dir, r.Zone)
	case config.SyntheticSource:
		return synthetic.Source{Episodes: s.Episodes, Seed: syntheticSeed, Until: now()}
	case config.NoSource:
	}
	return nil
}

// reportEndpoints returns the operations and routes for reports, if they are enabled.
func (a *App) reportEndpoints(ctx context.Context, db database) (operations []httpapi.Operation, routes []httpapi.Route, err error) {
	if !a.config.Reports.On() {
		return nil, nil, nil
	}
	entries, err := queue.New(nil)
	if err != nil {
		return nil, nil, fmt.Errorf("enable orders: %w", err)
	}
	a.watchOrders(ctx, db.pool)
	r, base := a.config.Reports, a.config.BaseURL.String()
	binaries := postgres.NewBinaryStore(db.pool, a.config.StatementTimeout, nil)
	operations, routes = orders.Operations(orders.Options{
		Reports: a.reports, Orders: postgres.NewOrderStore(db.pool, entries, a.config.StatementTimeout, nil), Binaries: binaries,
		Night: report.DailyTime{Hour: r.NightHour, Minute: r.NightMinute, Zone: r.Zone}, Base: base, Now: a.now,
		Fetching: orders.Fetching{AtOnce: r.FetchConcurrent, Timeout: r.FetchTimeout},
	})
	return operations, append(routes, binary.Routes(binaries, base, a.now)...), nil
}
