package main

import (
	"bufio"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// Result is what one benchmark has measured.
type Result struct {
	// Name without the number of processors.
	Name string
	// Metrics by unit.
	Metrics map[string]float64
}

// processors is what go test puts behind a name.
var processors = regexp.MustCompile(`-\d+$`)

// parse reads the results in the output of go test, and copies the output. The form of a line is that of
// golang.org/design/14313-benchmark-format: a name, a count, then values with their units.
func parse(output io.Reader, log io.Writer) ([]Result, error) {
	var results []Result
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if _, err := io.WriteString(log, lines.Text()+"\n"); err != nil {
			return results, err
		}
		if result, ok := parseLine(lines.Text()); ok {
			results = append(results, result)
		}
	}
	return results, lines.Err()
}

func parseLine(line string) (Result, bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 || len(fields)%2 != 0 || !strings.HasPrefix(fields[0], "Benchmark") {
		return Result{}, false
	}
	if _, err := strconv.Atoi(fields[1]); err != nil {
		return Result{}, false
	}
	result := Result{Name: processors.ReplaceAllString(fields[0], ""), Metrics: make(map[string]float64)}
	for i := 2; i < len(fields); i += 2 {
		value, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return Result{}, false
		}
		result.Metrics[fields[i+1]] = value
	}
	return result, true
}

// measured returns a row's metric; false when no result has it.
func (r *Row) measured(results []Result) (value float64, found bool) {
	for _, result := range results {
		one, has := result.Metrics[r.Unit]
		if !has || r.Result != nil && !r.Result.MatchString(result.Name) {
			continue
		}
		if !found || r.worse(one, value) {
			value, found = one, true
		}
	}
	return value, found
}
