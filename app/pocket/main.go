package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/pocket-fisherman/fisherman/app/client/cli"
)

func main() {
	os.Exit(run())
}

// run ends the command's context at the first signal; a second one ends the process at once.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop)
	return cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}
