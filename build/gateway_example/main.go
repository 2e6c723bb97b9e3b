package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// follow writes each servicer's verdict: all that there are, then each that changes, until the context ends.
func follow(ctx context.Context, js jetstream.JetStream, out io.Writer) {
	bucket := must(js.KeyValue(ctx, "qos_verdicts"))
	for entry := range must(bucket.WatchAll(ctx)).Updates() {
		var said struct{ Verdict, Reason string }
		if entry == nil {
			fmt.Fprintln(out, "these are all so far")
		} else if json.Unmarshal(entry.Value(), &said) == nil {
			fmt.Fprintln(out, entry.Key(), said.Verdict, said.Reason)
		} else {
			fmt.Fprintln(out, entry.Key(), "is gone")
		}
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	js := must(jetstream.New(must(nats.Connect(nats.DefaultURL))))
	follow(context.Background(), js, os.Stdout)
}
