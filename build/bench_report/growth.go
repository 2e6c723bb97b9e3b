package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// Point is one measurement of how something grows.
type Point struct {
	// Curve names what grows, as in the file: "late-p99-µs of servicers".
	Curve string
	// At how many servicers or sessions.
	At float64
	// Value in the curve's unit.
	Value float64
}

// curve is what is drawn of the results of a run.
type curve struct {
	// run whose results' names end in "=N", the number that grows.
	run *Run
	// of is what grows, unit is the metric.
	of, unit string
	// title of its picture, in which a value is that of the metric times scale, and bar, which is drawn if it is above 0.
	title      string
	scale, bar float64
}

// The runs that growth is read from.
var (
	servicersGrow = &Run{Package: "fisherman", Bench: "^BenchmarkFleet$", Benchtime: "1x"}
	sessionsGrow  = &Run{Package: "node", Bench: "^BenchmarkRetained$", Benchtime: "10x"}
)

// curves in the order in which they are drawn.
var curves = []curve{
	{servicersGrow, "servicers", "cpu-µs/sample", "CPU of a sample, µs", 1, 0},
	{servicersGrow, "servicers", "late-p99-µs", "checks released late, p99, ms", 0.001, 20},
	{servicersGrow, "servicers", "descriptors/servicer", "descriptors for each servicer", 1, 1.3},
	{servicersGrow, "servicers", "RSS-MiB", "memory, MiB", 1, 238},
	{sessionsGrow, "sessions", "cpu-ms", "CPU of /v1/qos, ms", 1, 10},
	{sessionsGrow, "sessions", "running-cpu-ms", "CPU of the page's poll, ms", 1, 3},
	{sessionsGrow, "sessions", "window-cpu-ms", "CPU of a window over all sessions, ms", 1, 150},
}

func (c *curve) name() string { return c.unit + " of " + c.of }

const (
	dataFile    = "growth.csv"
	pictureFile = "growth.svg"
)

// grow measures, and writes data and picture into a directory.
func grow(ctx context.Context, directory string) error {
	results := make(map[*Run][]Result)
	for _, c := range curves {
		if _, ran := results[c.run]; ran {
			continue
		}
		measured, err := c.run.execute(ctx, c.run.Benchtime)
		if err != nil {
			return err
		}
		results[c.run] = measured
	}
	if err := save(filepath.Join(directory, dataFile), pointsOf(results)); err != nil {
		return err
	}
	return redraw(directory)
}

// redraw draws the picture of the data in a directory.
func redraw(directory string) error {
	points, err := load(filepath.Join(directory, dataFile))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(directory, pictureFile), picture(curves, points), 0o644)
}

// grown finds the number that grows at the end of a name.
var grown = regexp.MustCompile(`=(\d+)$`)

func pointsOf(results map[*Run][]Result) []Point {
	var points []Point
	for _, c := range curves {
		for _, result := range results[c.run] {
			at := grown.FindStringSubmatch(result.Name)
			value, has := result.Metrics[c.unit]
			if at == nil || !has {
				continue
			}
			number, _ := strconv.ParseFloat(at[1], 64) // digits
			points = append(points, Point{c.name(), number, value})
		}
	}
	return points
}

func save(path string, points []Point) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	table := csv.NewWriter(file)
	lines := [][]string{{"curve", "at", "value"}}
	for _, p := range points {
		lines = append(lines, []string{p.Curve, format(p.At), format(p.Value)})
	}
	return table.WriteAll(lines)
}

func format(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }

func load(path string) ([]Point, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil || len(lines) == 0 {
		return nil, errors.Join(err, fmt.Errorf("%s: no data", path))
	}
	var points []Point
	for _, line := range lines[1:] {
		at, first := strconv.ParseFloat(line[1], 64)
		value, second := strconv.ParseFloat(line[2], 64)
		if err := errors.Join(first, second); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		points = append(points, Point{line[0], at, value})
	}
	return points, nil
}

// points returns a curve's own of some points, in order.
func (c *curve) points(all []Point) []Point {
	own := slices.DeleteFunc(slices.Clone(all), func(p Point) bool { return p.Curve != c.name() })
	slices.SortFunc(own, func(a, b Point) int { return int(a.At - b.At) })
	return own
}
