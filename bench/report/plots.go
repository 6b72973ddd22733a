package report

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/onetoken-go/onetoken/bench/peers"
	"github.com/onetoken-go/onetoken/bench/results"
)

// gonum/plot draws: of the libraries that write SVG it has error bars and logarithmic
// axes, both needed here, is kept by the Gonum authors under BSD-3, and brings few
// modules along.

// plots returns the pictures by the names that performance.md has for them.
func plots(f *results.File) (map[string][]byte, error) {
	files := map[string][]byte{}
	for name, picture := range map[string]func(*results.File) (*plot.Plot, error){
		"performance/fresh.svg":    freshPlot,
		"performance/herd.svg":     herdPlot,
		"performance/takeover.svg": takeoverPlot,
	} {
		p, err := picture(f)
		if err != nil {
			return nil, fmt.Errorf("report: %s: %w", name, err)
		}
		if files[name], err = svg(p); err != nil {
			return nil, fmt.Errorf("report: %s: %w", name, err)
		}
	}
	return files, nil
}

func svg(p *plot.Plot) ([]byte, error) {
	canvas := vgsvg.New(18*vg.Centimeter, 10*vg.Centimeter)
	p.BackgroundColor = color.White // for readers with dark pages
	p.Draw(draw.New(canvas))
	var out bytes.Buffer
	_, err := canvas.WriteTo(&out)
	return out.Bytes(), err
}

// colors of the ways, ours first, told apart by most people with any sight.
var colors = []color.Color{
	color.RGBA{R: 213, G: 94, A: 255},
	color.Gray{Y: 90},
	color.RGBA{G: 114, B: 178, A: 255},
	color.RGBA{G: 158, B: 115, A: 255},
	color.RGBA{R: 204, G: 121, B: 167, A: 255},
	color.RGBA{R: 230, G: 159, A: 255},
	color.RGBA{R: 86, G: 180, B: 233, A: 255},
}

// points are medians with their spread, at places on the axis of x.
type points struct {
	plotter.XYs
	plotter.YErrors
}

func (p *points) add(x float64, s results.Sample) {
	p.XYs = append(p.XYs, plotter.XY{X: x, Y: s.Median()})
	p.YErrors = append(p.YErrors, struct{ Low, High float64 }{s.Median() - s.Min(), s.Max() - s.Median()})
}

// freshPlot is a group of bars for each setting.
func freshPlot(f *results.File) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = "A fresh Get: times the floor"
	p.Y.Min = 0
	p.Legend.Top, p.Legend.Left = true, true
	groups := settings(f.Fresh)
	names := make([]string, len(groups))
	const width, apart = 14, 0.125 // points, and in groups
	for i, way := range groups[0].Rows {
		var bars plotter.Values
		var spreads points
		left := apart * (float64(i) - float64(len(groups[0].Rows)-1)/2)
		for j, g := range groups {
			names[j] = strings.Replace(g.Title, " on all cores", "\non all cores", 1)
			bars = append(bars, g.Rows[i].TimesFloor.Median())
			spreads.add(float64(j)+left, g.Rows[i].TimesFloor)
		}
		bar, err := plotter.NewBarChart(bars, vg.Points(width))
		if err != nil {
			return nil, err
		}
		whiskers, err := plotter.NewYErrorBars(spreads)
		if err != nil {
			return nil, err
		}
		bar.XMin, bar.Color, bar.LineStyle.Width = left, colorOf(way.Name, i), 0
		p.Add(bar, whiskers)
		p.Legend.Add(way.Name, bar)
	}
	p.NominalX(names...)
	p.Y.Max *= 1.2 // room for the legend
	return p, nil
}

// herdPlot is a line for each way, over the number of replicas.
func herdPlot(f *results.File) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = "A cold herd: the 99th percentile of the waits beyond the issuer's time"
	p.X.Label.Text, p.Y.Label.Text = "replicas", "ms"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.Y.Tick.Marker = plot.LogTicks{Prec: -1}
	p.Legend.Top, p.Legend.Left = true, true
	groups := sizes(f.Herds)
	var ticks []plot.Tick
	for _, g := range groups {
		ticks = append(ticks, plot.Tick{Value: float64(g.Replicas), Label: strconv.Itoa(g.Replicas)})
	}
	p.X.Tick.Marker = plot.ConstantTicks(ticks)
	highest := 0.0
	for i, way := range groups[0].Rows {
		var at points
		for _, g := range groups {
			at.add(float64(g.Replicas), g.Rows[i].P99)
			highest = max(highest, g.Rows[i].P99.Max())
		}
		line, dots, err := plotter.NewLinePoints(at.XYs)
		if err != nil {
			return nil, err
		}
		bars, err := plotter.NewYErrorBars(at)
		if err != nil {
			return nil, err
		}
		line.Color = colorOf(way.Name, i)
		dots.Color, bars.Color = line.Color, line.Color
		if way.Name == peers.Onetoken {
			line.Width = vg.Points(3)
		}
		p.Add(line, dots, bars)
		p.Legend.Add(way.Name, line)
	}
	p.Y.Max = math.Max(p.Y.Max, 100*highest) // room for the legend
	return p, nil
}

// takeoverPlot is how many of the locks were taken over by when.
func takeoverPlot(f *results.File) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = "Locks of a killed process: taken over by then"
	p.X.Label.Text, p.Y.Label.Text = "seconds after the kill", "%"
	p.X.Min, p.Y.Min, p.Y.Max = 0, 0, 100
	var steps plotter.XYs
	sorted := slices.Sorted(slices.Values(f.Takeover.Seconds))
	for i, at := range sorted {
		steps = append(steps, plotter.XY{X: at, Y: 100 * float64(i+1) / float64(len(sorted))})
	}
	line, err := plotter.NewLine(steps)
	if err != nil {
		return nil, err
	}
	line.StepStyle, line.Color, line.Width = plotter.PreStep, colors[0], vg.Points(2)
	p.Add(plotter.NewGrid(), line)
	return p, nil
}

func colorOf(name string, i int) color.Color {
	if name == peers.Onetoken {
		return colors[0]
	}
	return colors[1+i%(len(colors)-1)]
}
