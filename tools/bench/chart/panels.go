// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"image/color"
	"math"
	"strconv"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"reporting/tools/bench/figures"
)

// ratePanel shows the results of the requests, beside the line of all correct.
func ratePanel(title string, points []Point) (*plot.Plot, error) {
	p := panel("calls/s")
	p.Title.Text = title
	p.Y.Min, p.Y.Tick.Marker = 0, thousands{}
	all, err := plotter.NewLine(xys(points, func(pt Point) float64 { return pt.Offered }))
	if err != nil {
		return nil, err
	}
	all.Color, all.Dashes = grey, []vg.Length{pixels(6), pixels(4)}
	p.Add(all)
	p.Legend.Add("offered", all)
	if err := curve(p, "answered right", blue, draw.CircleGlyph{}, xys(points, func(pt Point) float64 { return pt.Right })); err != nil {
		return nil, err
	}
	return p, curve(p, "refused (429, 503)", orange, draw.SquareGlyph{}, xys(points, func(pt Point) float64 { return pt.Refused }))
}

// timePanel shows the duration of correct responses on a logarithmic axis.
func timePanel(points []Point) (*plot.Plot, error) {
	p := panel("ms since the call was due")
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, decades{}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	var answered []Point
	least, most := math.Inf(1), 0.0
	for _, pt := range points {
		if pt.P50 <= 0 || pt.P99 <= 0 {
			continue // no correct response
		}
		answered = append(answered, pt)
		least, most = min(least, ms(pt.P50)), max(most, ms(pt.P99))
	}
	p.Y.Min, p.Y.Max = 1, 10
	if len(answered) == 0 {
		return p, nil
	}
	if err := curve(p, "p99 of right answers", orange, draw.SquareGlyph{}, xys(answered, func(pt Point) float64 { return ms(pt.P99) })); err != nil {
		return nil, err
	}
	if err := curve(p, "p50", blue, draw.CircleGlyph{}, xys(answered, func(pt Point) float64 { return ms(pt.P50) })); err != nil {
		return nil, err
	}
	// Whole decades, so that every tick has a label.
	p.Y.Min, p.Y.Max = math.Pow(10, math.Floor(math.Log10(least))), math.Pow(10, math.Ceil(math.Log10(most)+0.001))
	return p, nil
}

func curve(p *plot.Plot, name string, shade color.Color, shape draw.GlyphDrawer, at plotter.XYs) error {
	line, dots, err := plotter.NewLinePoints(at)
	if err != nil {
		return err
	}
	line.Color, line.Width = shade, pixels(2)
	dots.Color, dots.Shape, dots.Radius = shade, shape, pixels(4)
	p.Add(line, dots)
	p.Legend.Add(name, line, dots)
	return nil
}

func xys(points []Point, y func(Point) float64) plotter.XYs {
	var at plotter.XYs
	for _, p := range points {
		at = append(at, plotter.XY{X: p.Offered, Y: y(p)})
	}
	return at
}

// thousands labels an axis from zero with up to ten round numbers.
type thousands struct{}

// Ticks implements plot.Ticker.
func (thousands) Ticks(_, most float64) []plot.Tick {
	const enough = 10
	distance := 1.0
	for n := 0; distance*enough < most; n++ {
		distance *= []float64{2, 2.5, 2}[n%3] // 1, 2, 5, 10
	}
	var ticks []plot.Tick
	for at := 0.0; at <= most; at += distance {
		ticks = append(ticks, plot.Tick{Value: at, Label: figures.Count(at)})
	}
	return ticks
}

// decades labels the powers of ten of a logarithmic axis without exponents.
type decades struct{}

// Ticks implements plot.Ticker.
func (decades) Ticks(least, most float64) []plot.Tick {
	var ticks []plot.Tick
	for decade := math.Pow(10, math.Floor(math.Log10(least))); decade <= most; decade *= 10 {
		for n := 1.0; n < 10; n++ {
			tick := plot.Tick{Value: n * decade}
			if n == 1 {
				tick.Label = strconv.FormatFloat(decade, 'f', -1, 64)
				if decade >= 1 {
					tick.Label = figures.Count(decade)
				}
			}
			if tick.Value >= least*0.999 && tick.Value <= most*1.001 {
				ticks = append(ticks, tick)
			}
		}
	}
	return ticks
}
