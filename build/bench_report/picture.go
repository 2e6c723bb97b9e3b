package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
)

// Measures of the picture, in pixels.
const (
	columns      = 2
	panelWidth   = 440
	panelHeight  = 220
	marginLeft   = 60
	marginRight  = 40
	marginTop    = 40
	marginBottom = 40
	headroom     = 1.15 // of the largest value
)

// style is readable on light and on dark: the colours follow the reader's preference.
const style = `
  text { font: 12px sans-serif; fill: #24292f }
  .title { font-weight: 600 }
  .axis { stroke: #8c959f; fill: none }
  .curve { stroke: #0969da; stroke-width: 2; fill: none }
  .point { fill: #0969da }
  .bar { stroke: #bc4c00; stroke-dasharray: 5 4; fill: none }
  .of-bar { fill: #bc4c00 }
  .ground { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .axis { stroke: #7d8590 }
    .curve { stroke: #4493f8 }
    .point { fill: #4493f8 }
    .bar { stroke: #f0883e }
    .of-bar { fill: #f0883e }
    .ground { fill: #0d1117 }
  }
`

// picture draws a panel for each curve that has points: the number that grows to the right, by its logarithm, and the value
// upwards from 0.
func picture(curves []curve, points []Point) []byte {
	var drawn []curve
	for _, c := range curves {
		if len(c.points(points)) > 0 {
			drawn = append(drawn, c)
		}
	}
	width, height := columns*panelWidth, (len(drawn)+columns-1)/columns*panelHeight
	var svg bytes.Buffer
	fmt.Fprintf(&svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">\n", width, height, width, height)
	fmt.Fprintf(&svg, "<title>How cost grows with servicers and with sessions</title>\n<style>%s</style>\n", style)
	fmt.Fprintf(&svg, "<rect class=\"ground\" width=\"%d\" height=\"%d\"/>\n", width, height)
	for i, c := range drawn {
		fmt.Fprintf(&svg, "<g transform=\"translate(%d,%d)\">\n", i%columns*panelWidth, i/columns*panelHeight)
		c.draw(&svg, c.scaled(points))
		svg.WriteString("</g>\n")
	}
	svg.WriteString("</svg>\n")
	return svg.Bytes()
}

// scaled returns a curve's points as they are drawn.
func (c *curve) scaled(all []Point) []Point {
	points := c.points(all)
	for i := range points {
		points[i].Value *= c.scale
	}
	return points
}

// draw draws one panel.
func (c *curve) draw(svg *bytes.Buffer, points []Point) {
	const left, right, top, bottom = marginLeft, panelWidth - marginRight, marginTop, panelHeight - marginBottom
	most := c.bar
	for _, p := range points {
		most = max(most, p.Value)
	}
	most *= headroom
	first, last := math.Log(points[0].At), math.Log(points[len(points)-1].At)
	x := func(at float64) float64 {
		if last == first {
			return (left + right) / 2
		}
		return left + (right-left)*(math.Log(at)-first)/(last-first)
	}
	y := func(value float64) float64 {
		if most == 0 {
			return bottom
		}
		return bottom - (bottom-top)*value/most
	}
	fmt.Fprintf(svg, "<text class=\"title\" x=\"%d\" y=\"%d\">%s</text>\n", left, top-16, html.EscapeString(c.title))
	fmt.Fprintf(svg, "<path class=\"axis\" d=\"M%d %dV%dH%d\"/>\n", left, top, bottom, right)
	if c.bar > 0 {
		fmt.Fprintf(svg, "<path class=\"bar\" d=\"M%d %.1fH%d\"/>\n", left, y(c.bar), right)
		fmt.Fprintf(svg, "<text class=\"of-bar\" text-anchor=\"end\" x=\"%d\" y=\"%.1f\">%s</text>\n", left-6, y(c.bar)+4, number(c.bar))
	}
	var path bytes.Buffer
	for i, p := range points {
		fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(i, 1)], x(p.At), y(p.Value))
		fmt.Fprintf(svg, "<circle class=\"point\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n", x(p.At), y(p.Value))
		fmt.Fprintf(svg, "<text text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", x(p.At), y(p.Value)-8, number(p.Value))
		fmt.Fprintf(svg, "<text text-anchor=\"middle\" x=\"%.1f\" y=\"%d\">%s</text>\n", x(p.At), bottom+16, number(p.At))
	}
	fmt.Fprintf(svg, "<path class=\"curve\" d=\"%s\"/>\n", path.String())
	fmt.Fprintf(svg, "<text text-anchor=\"end\" x=\"%d\" y=\"%d\">%s</text>\n", right, bottom+32, html.EscapeString(c.of))
}
