package node

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/feed/broker"
	"github.com/pocket-fisherman/fisherman/feed/protocol"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/shared/secret"
)

// TestEndpointsFeed: a fisherman of endpoints with an embedded server publishes its rounds, signed by the key of its data directory.
// The keys of its endpoints are in no message.
func TestEndpointsFeed(t *testing.T) {
	directory := t.TempDir()
	e, err := NewEndpoints(EndpointsConfig{Groups: []groups.Group{endpointsGroup(t)}, Data: directory, Feed: &configs.Feed{Embedded: true, Listen: "127.0.0.1:0", Place: "here"},
		Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	key, err := FeedKey(directory)
	if err != nil {
		t.Fatal(err)
	}
	c, err := broker.Connect(broker.Options{URLs: []secret.Secret{secret.New("nats://" + e.feed.Address())}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	limit, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	subject := protocol.Subject("endpoints", "compare", key.Address())
	trusted := func(publicKey []byte) bool { return bytes.Equal(publicKey, key.PublicKey()) }
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for rounds, next := 0, uint64(1); rounds < 2; {
		select {
		case <-tick.C:
		case <-limit.Done():
			t.Fatal("nothing is published")
		}
		stream, err := c.JetStream().Stream(limit, "qos")
		if err != nil {
			continue // not made yet
		}
		message, err := stream.GetMsg(limit, next)
		if err != nil {
			continue
		}
		next++
		opened, err := protocol.Open(subject, message.Data, trusted)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(message.Data), endpointKey[:12]) {
			t.Error("a message has the key of an endpoint")
		}
		if opened.GetRound() != nil && opened.GetPlace() == "here" {
			rounds++
		}
	}
	status := e.readers("endpoints").Feed(limit)
	if status.State != api.FeedStatePublishing || status.PublicKey != key.PublicKeyHex() || status.Published == 0 || status.Listen == nil || status.Stream != "qos" {
		t.Errorf("status %+v", status)
	}
}

// TestFeedKey: the key of a data directory is made once, for its owner alone, and a file that is none is refused.
func TestFeedKey(t *testing.T) {
	directory := t.TempDir()
	made, err := FeedKey(directory)
	if err != nil {
		t.Fatal(err)
	}
	again, err := FeedKey(directory)
	if err != nil || again.PublicKeyHex() != made.PublicKeyHex() {
		t.Errorf("made again: %v", err)
	}
	path := filepath.Join(directory, FeedKeyName)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.WriteFile(path, []byte("0123\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := FeedKey(directory); err == nil || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("a short one: %v", err)
	}
}
