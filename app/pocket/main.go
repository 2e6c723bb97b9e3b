package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/cli"
)

func main() {
	os.Exit(run())
}

// sameSignal is the time within which a second signal is taken for the first.
const sameSignal = 250 * time.Millisecond

// run ends the command's context at the first signal; a second one ends the process at once. Package command sees to SIGHUP.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// What interrupts a program and its group sends two signals at once, which are meant as one.
	context.AfterFunc(ctx, func() { time.AfterFunc(sameSignal, stop) })
	return cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}
