package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
)

var errUsage = errors.New("usage: k8s check DIR | k8s render DIR | k8s compose FILE [FILE ...]")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "k8s:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) < 2 || len(args) > 2 && args[0] != "compose" {
		return errUsage
	}
	switch args[0] {
	case "render":
		manifests, err := list(args[1])
		if err != nil {
			return err
		}
		_, err = os.Stdout.Write(manifests)
		return err
	case "check":
		return checkManifests(ctx, args[1])
	case "compose":
		if err := checkCompose(ctx, args[1:]...); err != nil {
			return err
		}
		fmt.Printf("%s: valid by the compose specification\n", strings.Join(args[1:], " and "))
		return nil
	}
	return errUsage
}
