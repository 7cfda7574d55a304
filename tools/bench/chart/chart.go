// SPDX-License-Identifier: Apache-2.0

// Package chart draws the behaviour of a service under more load than it can serve. It knows no
// measurement; tools/bench imports it.
package chart

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"io"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Point is the result of one offered load. All values but the times are requests per second.
type Point struct {
	Offered, Right, Refused float64
	P50, P99                time.Duration // of correct responses; 0: none
}

const (
	width, height = 800, 640 // pixels
	margin        = 12
)

// Colours that people with colour blindness can tell apart.
var (
	blue   = color.RGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}
	orange = color.RGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff}
	grey   = color.RGBA{R: 0x99, G: 0x99, B: 0x99, A: 0xff}
	pale   = color.RGBA{R: 0xe6, G: 0xe6, B: 0xe6, A: 0xff}
)

// Overload draws two panels over the offered load: the results of the requests above, the
// duration of correct responses below.
func Overload(w io.Writer, title string, points []Point) error {
	if len(points) == 0 {
		return errors.New("draw overload: no points")
	}
	points = slices.SortedFunc(slices.Values(points), func(a, b Point) int {
		switch {
		case a.Offered < b.Offered:
			return -1
		case a.Offered > b.Offered:
			return 1
		}
		return 0
	})
	rates, err := ratePanel(title, points)
	if err != nil {
		return fmt.Errorf("draw overload: %w", err)
	}
	times, err := timePanel(points)
	if err != nil {
		return fmt.Errorf("draw overload: %w", err)
	}
	most := points[len(points)-1].Offered * 1.02
	for _, p := range []*plot.Plot{rates, times} {
		p.X.Min, p.X.Max = 0, most
	}
	// A browser pixel is 1/96 inch.
	canvas := vgsvg.New(pixels(width), pixels(height))
	whole := draw.New(canvas)
	whole.SetColor(color.White)
	whole.Fill(whole.Path())
	tiles := draw.Tiles{
		Rows: 2, Cols: 1, PadX: pixels(margin), PadY: pixels(margin),
		PadTop: pixels(margin), PadBottom: pixels(margin), PadLeft: pixels(margin), PadRight: pixels(2 * margin),
	}
	panels := [][]*plot.Plot{{rates}, {times}}
	for row, cells := range plot.Align(panels, tiles, whole) {
		panels[row][0].Draw(cells[0])
	}
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return fmt.Errorf("draw overload: %w", err)
	}
	// A viewer without this font uses a similar one.
	const named = "font-family:Liberation Sans"
	text := bytes.ReplaceAll(svg.Bytes(), []byte(named), []byte(named+",Arial,Helvetica,sans-serif"))
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("draw overload: %w", err)
	}
	return nil
}

func pixels(n float64) vg.Length { return vg.Length(n) * vg.Inch / 96 }

// panel returns an empty panel with a grid and a legend.
func panel(yLabel string) *plot.Plot {
	p := plot.New()
	sans := font.Font{Typeface: "Liberation", Variant: "Sans"}
	for _, style := range []*draw.TextStyle{&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle} {
		size := style.Font.Size
		style.Font = font.From(sans, size)
		style.Font.Size = pixels(13)
	}
	p.Title.TextStyle.Font.Size = pixels(16)
	p.Title.Padding = pixels(margin)
	p.X.Label.Text, p.Y.Label.Text = "offered calls/s", yLabel
	p.X.Tick.Marker = thousands{}
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.Padding = pixels(4)
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = pale, pale
	p.Add(grid)
	return p
}
