package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pocket-fisherman/fisherman/feed/broker"
)

// The page has the program as it is compiled.
func TestThePageHasTheProgram(t *testing.T) {
	program, err := os.ReadFile("main.go")
	page, pageErr := os.ReadFile("../../docs/feed.md")
	if err := errors.Join(err, pageErr); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```go\n"+string(program)+"```\n") {
		t.Error("docs/feed.md has not the text of build/gateway_example/main.go")
	}
}

func TestVerdictsAreFollowed(t *testing.T) {
	server, err := broker.StartEmbedded(broker.EmbeddedOptions{Directory: t.TempDir(), Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	conn, err := nats.Connect("nats://" + server.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "qos_verdicts"})
	if err != nil {
		t.Fatal(err)
	}
	put := func(key, value string) {
		if _, err := bucket.PutString(t.Context(), key, value); err != nil {
			t.Fatal(err)
		}
	}
	put("endpoints.eth.=.a", `{"version":1,"verdict":"healthy","reason":""}`)
	ctx, cancel := context.WithCancel(t.Context())
	read, write := io.Pipe()
	var following sync.WaitGroup
	following.Go(func() { follow(ctx, js, write); write.Close() })
	lines := bufio.NewScanner(read)
	for _, want := range []string{"endpoints.eth.=.a healthy ", "these are all so far", "endpoints.eth.=.b slow its median is 412 ms", "endpoints.eth.=.a is gone"} {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("%q, not %q; %v", lines.Text(), want, lines.Err())
		}
		switch {
		case strings.HasPrefix(want, "these"):
			put("endpoints.eth.=.b", `{"version":1,"verdict":"slow","reason":"its median is 412 ms"}`)
		case strings.Contains(want, "slow"):
			if err := bucket.Delete(t.Context(), "endpoints.eth.=.a"); err != nil {
				t.Fatal(err)
			}
		}
	}
	cancel()
	following.Wait()
}
