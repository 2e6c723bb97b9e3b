package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const printed = `goos: linux
pkg: example
BenchmarkReads/qos/identity-2         	      10	         9.5 cpu-ms	       812.5 KiB
BenchmarkReads/last=1000/identity-2   	      10	       200 cpu-ms
BenchmarkBroken-2	ten	5 cpu-ms
--- FAIL: BenchmarkOther
BenchmarkPutRound   	      15	         0.1913 least-ratio	         0.7240 ratio
PASS
`

func TestParse(t *testing.T) {
	var log bytes.Buffer
	got, err := parse(strings.NewReader(printed), &log)
	if err != nil || log.String() != printed {
		t.Fatalf("%v; copied %q", err, log.String())
	}
	want := []Result{
		{"BenchmarkReads/qos/identity", map[string]float64{"cpu-ms": 9.5, "KiB": 812.5}},
		{"BenchmarkReads/last=1000/identity", map[string]float64{"cpu-ms": 200}},
		{"BenchmarkPutRound", map[string]float64{"least-ratio": 0.1913, "ratio": 0.724}},
	}
	same := func(a, b Result) bool { return a.Name == b.Name && maps.Equal(a.Metrics, b.Metrics) }
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestMeasured(t *testing.T) {
	results, err := parse(strings.NewReader(printed), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	run := &Run{Benchtime: "1x"}
	for name, test := range map[string]struct {
		row        Row
		value      float64
		found, met bool
	}{
		"one of several":    {Row{Result: regexp.MustCompile("/qos/"), Unit: "cpu-ms", Bar: 10}, 9.5, true, true},
		"the worst":         {Row{Unit: "cpu-ms", Bar: 10}, 200, true, false},
		"the worst, least":  {Row{Unit: "cpu-ms", Bar: 10, Least: true}, 9.5, true, false},
		"at least":          {Row{Unit: "ratio", Bar: 0.7, Least: true}, 0.724, true, true},
		"no such metric":    {Row{Unit: "s", Bar: 1}, 0, false, false},
		"no such benchmark": {Row{Result: regexp.MustCompile("/none/"), Unit: "cpu-ms"}, 0, false, false},
	} {
		test.row.Run = run
		value, found := test.row.measured(results)
		if value != test.value || found != test.found || found && test.row.Met(value) != test.met {
			t.Errorf("%s: %v, %t", name, value, found)
		}
	}
	var table bytes.Buffer
	some := []Row{{Work: "a", Run: run, Unit: "ratio", Bar: 0.7, Least: true}, {Work: "b", Run: run, Unit: "none", Bar: 1}}
	if err := write(&table, some, map[*Run][]Result{run: results}, false); err != nil {
		t.Fatal(err)
	}
	if got := table.String(); !regexp.MustCompile(`(?m)^a +0\.72 +≥ 0\.70 +yes +ratio$`).MatchString(got) ||
		!regexp.MustCompile(`(?m)^b +not measured +≤ 1 +— +none$`).MatchString(got) {
		t.Errorf("%s", got)
	}
	table.Reset()
	if err := write(&table, some, nil, true); err != nil || !strings.Contains(table.String(), "left out") {
		t.Errorf("%s, %v", table.String(), err)
	}
}

// awaited are benchmarks that come with another change.
var awaited = []string{"BenchmarkReads", "BenchmarkStart"}

// Every row is read from a benchmark that there is.
func TestRowsHaveBenchmarks(t *testing.T) {
	runs := []*Run{servicersGrow, sessionsGrow}
	for _, row := range rows {
		runs = append(runs, row.Run)
	}
	for _, run := range runs {
		name, _, _ := strings.Cut(strings.TrimPrefix(run.Bench, "^"), "$")
		files, err := filepath.Glob(filepath.Join("..", "..", run.Package, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(files, func(file string) bool {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			return bytes.Contains(text, []byte("func "+name+"(b *testing.B)"))
		}) && !slices.Contains(awaited, name) {
			t.Errorf("package %s has no %s", run.Package, name)
		}
	}
}

// The picture in the documents is that of the data beside it, and well-formed.
func TestPicture(t *testing.T) {
	directory := filepath.Join("..", "..", "docs", "images")
	points, err := load(filepath.Join(directory, dataFile))
	if err != nil {
		t.Fatal(err)
	}
	want := picture(curves, points)
	if got, err := os.ReadFile(filepath.Join(directory, pictureFile)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not that of %s (go run ./build/bench_report -draw docs/images); %v", pictureFile, dataFile, err)
	}
	for decoder := xml.NewDecoder(bytes.NewReader(want)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range curves {
		if len(c.points(points)) == 0 {
			t.Errorf("no data of %s", c.name())
		}
	}
}

func TestDataIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), dataFile)
	results := map[*Run][]Result{servicersGrow: {
		{"BenchmarkFleet/servicers=240", map[string]float64{"cpu-µs/sample": 99.5}},
		{"BenchmarkFleet/servicers=24", map[string]float64{"cpu-µs/sample": 101}},
		{"BenchmarkFleet", map[string]float64{"cpu-µs/sample": 7}},
	}}
	if err := save(path, pointsOf(results)); err != nil {
		t.Fatal(err)
	}
	points, err := load(path)
	if err != nil {
		t.Fatal(err)
	}
	name := curves[0].name()
	if got := curves[0].points(points); !slices.Equal(got, []Point{{name, 24, 101}, {name, 240, 99.5}}) {
		t.Errorf("got %v", got)
	}
	if err := os.WriteFile(path, []byte("curve,at,value\na,b,c\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := load(path); err == nil {
		t.Error("read what is no data")
	}
}
