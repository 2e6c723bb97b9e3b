package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"text/tabwriter"
	"time"
)

// mostMinutes bounds one call of go test.
const mostMinutes = 8

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	short := flag.Bool("short", false, "run the cheap benchmarks only, for less than a minute")
	growth := flag.String("growth", "", "measure growth, and write growth.csv and growth.svg into this `directory`")
	draw := flag.String("draw", "", "draw growth.svg anew from the growth.csv in this `directory`")
	flag.Parse()
	var err error
	switch {
	case *draw != "":
		err = redraw(*draw)
	case *growth != "":
		err = grow(ctx, *growth)
	default:
		err = report(ctx, *short, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench_report:", err)
		os.Exit(1)
	}
}

// report runs what rows are read from, once each, and prints the rows. The error says which benchmarks failed.
func report(ctx context.Context, short bool, to io.Writer) error {
	results := make(map[*Run][]Result)
	var failed []error
	began := time.Now()
	for _, row := range rows {
		if _, ran := results[row.Run]; ran || row.Run.time(short) == "" {
			continue
		}
		measured, err := row.Run.execute(ctx, row.Run.time(short))
		results[row.Run] = measured
		failed = append(failed, err)
	}
	if err := write(to, rows, results, short); err != nil {
		return err
	}
	fmt.Fprintf(to, "\nmeasured in %v; other work on this machine makes most of these worse\n", time.Since(began).Round(time.Second))
	return errors.Join(failed...)
}

// time is the run's benchtime; empty when it is left out.
func (r *Run) time(short bool) string {
	if short {
		return r.Short
	}
	return r.Benchtime
}

// execute runs the benchmarks and returns what they measured. What go test prints goes to the standard error.
func (r *Run) execute(ctx context.Context, benchtime string) ([]Result, error) {
	command := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", r.Bench, "-benchtime", benchtime,
		"-timeout", strconv.Itoa(mostMinutes)+"m", "./"+r.Package)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	results, read := parse(output, os.Stderr)
	if err := errors.Join(read, command.Wait()); err != nil {
		return results, fmt.Errorf("%s %s: %w", r.Package, r.Bench, err)
	}
	return results, nil
}

// write prints a table of rows.
func write(to io.Writer, rows []Row, results map[*Run][]Result, short bool) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "work\tmeasured\tbar\tmet\tmetric")
	for _, row := range rows {
		value, found := row.measured(results[row.Run])
		bar, measured, met := "≤ ", "", "no"
		if row.Least {
			bar = "≥ "
		}
		switch {
		case row.Run.time(short) == "":
			measured, met = "left out", "—"
		case !found:
			measured, met = "not measured", "—"
		default:
			measured = number(value)
			if row.Met(value) {
				met = "yes"
			}
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", row.Work, measured, bar+number(row.Bar), met, row.Unit)
	}
	return table.Flush()
}

// number has three significant digits, or more before the point.
func number(value float64) string {
	return strconv.FormatFloat(value, 'f', decimals(value), 64)
}

func decimals(value float64) int {
	switch {
	case value == float64(int64(value)) || value >= 100:
		return 0
	case value >= 10:
		return 1
	}
	return 2
}
