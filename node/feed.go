package node

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pocket-fisherman/fisherman/feed"
	"github.com/pocket-fisherman/fisherman/feed/broker"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/secret"
	"github.com/pocket-fisherman/fisherman/shared/text"
	"github.com/pocket-fisherman/fisherman/telemetry"
)

// FeedKeyName is the file, below the data directory, of the key that a fisherman without a chain signs its feed with.
const FeedKeyName = "feed-key"

// buildFeed makes what publishes the samples in a directory; nothing without a configuration of it.
func (s *sampling) buildFeed(config *configs.Feed, directory string, key crypto.PrivateKey, network func(relayChain string) string, logger *slog.Logger) error {
	if config == nil {
		return nil
	}
	place, err := placeOf(*config)
	if err != nil {
		return err
	}
	made := feed.Config{
		Outbox: s.samples, Key: key, Network: network, Place: place, Logger: logger.With("part", "feed"),
		Broker: broker.Options{Credentials: config.Credentials, TLS: broker.TLS(config.TLS)},
		Stream: streamOf(*config),
	}
	for _, server := range config.NATS {
		made.Broker.URLs = append(made.Broker.URLs, secret.New(server.Reveal()))
	}
	if config.Embedded {
		made.Embedded = &broker.EmbeddedOptions{Directory: filepath.Join(directory, "nats"), Listen: cmp.Or(config.Listen, configs.DefaultFeedListen), MaxBytes: config.MaxBytes}
	}
	s.feed, err = feed.New(made)
	s.feedKey = key.PublicKeyHex()
	return err
}

// streamOf returns the stream that is published to.
func streamOf(config configs.Feed) broker.Stream {
	stream := broker.Stream{Name: cmp.Or(config.Stream, configs.DefaultFeedStream), Replicas: config.Replicas, MaxBytes: config.MaxBytes}
	if config.MaxAge != nil {
		stream.MaxAge = time.Duration(*config.MaxAge)
	}
	if config.Discard != "" {
		policy := jetstream.DiscardOld
		if config.Discard == configs.DiscardNew {
			policy = jetstream.DiscardNew
		}
		stream.Discard = &policy
	}
	return stream
}

// placeOf returns the name of the vantage point.
func placeOf(config configs.Feed) (string, error) {
	if config.Place != "" {
		return config.Place, nil
	}
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "", errors.New("the name of the host is not known; set feed.place")
	}
	return text.Line(name, configs.MaximumPlace), nil
}

// descriptorsOf returns how many descriptors a feed takes.
func descriptorsOf(config *configs.Feed) int {
	const connection = 2 // and its successor, while the server goes away
	switch {
	case config == nil:
		return 0
	case config.Embedded:
		return broker.EmbeddedDescriptors
	}
	return connection
}

// closeFeed ends the connection of the feed.
func (s *sampling) closeFeed() {
	if s.feed != nil {
		s.feed.Close()
	}
}

// FeedKey reads the key that a fisherman without a chain signs its feed with, or makes it.
func FeedKey(directory string) (crypto.PrivateKey, error) {
	path := filepath.Join(directory, FeedKeyName)
	written, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		var seed [ed25519.SeedSize]byte
		_, _ = rand.Read(seed[:]) // never fails
		if err := writeSecret(path, []byte(hex.EncodeToString(seed[:])+"\n")); err != nil {
			return crypto.PrivateKey{}, fmt.Errorf("write feed key: %w", err)
		}
		return crypto.KeyFromSeed(seed), nil
	}
	if err != nil {
		return crypto.PrivateKey{}, fmt.Errorf("read feed key: %w", err)
	}
	seed, err := hex.DecodeString(strings.TrimSuffix(string(written), "\n"))
	if err != nil || len(seed) != ed25519.SeedSize {
		return crypto.PrivateKey{}, fmt.Errorf("%s is no key of %d hex digits; remove it to have it made anew, and tell the collectors of the new one", path, 2*ed25519.SeedSize)
	}
	return crypto.KeyFromSeed([ed25519.SeedSize]byte(seed)), nil
}

// Names of the networks of a fisherman without a chain, in its feed.
const (
	endpointsNetwork = "endpoints"
	shannonNetwork   = "shannon"
)

// feedNetwork returns the name of the network of a group.
func feedNetwork(configured []groups.Group) func(relayChain string) string {
	chains := make(map[string]string)
	for _, group := range configured {
		if group.Shannon != nil {
			chains[group.Name] = cmp.Or(group.Shannon.ChainID, shannonNetwork)
		}
	}
	return func(relayChain string) string { return cmp.Or(chains[relayChain], endpointsNetwork) }
}

// feedState shows how publishing goes; nil without a feed.
func (s *sampling) feedState(ctx context.Context) *api.Feed {
	if s.feed == nil {
		return nil
	}
	status := s.feed.Status(ctx)
	shown := &api.Feed{
		State: api.FeedState(status.State.String()), Reason: api.Optional(status.Reason), Since: status.Since.UTC().Truncate(time.Second),
		Place: s.feed.Place(), PublicKey: s.feedKey, Stream: s.feed.Stream(), Listen: api.Optional(s.feed.Address()),
		Waiting:       api.FeedWaiting{Rounds: status.Waiting.Rounds, Sessions: status.Waiting.Sessions, Gaps: status.Waiting.Gaps},
		EvictedRounds: status.Waiting.EvictedRounds,
		Published:     status.Published, Resent: status.Resent, Refused: status.Refused, Gaps: status.Gaps, Foreign: status.Foreign,
	}
	if oldest := status.Waiting.OldestUnixNano; oldest > 0 {
		shown.Waiting.Oldest = new(time.Unix(0, oldest).UTC().Truncate(time.Second))
	}
	return shown
}

// feedMetrics tells metrics how publishing goes.
func (s *sampling) feedMetrics() telemetry.Feed {
	status := s.feed.Status(context.Background())
	told := telemetry.Feed{
		State: status.State.String(), Rounds: status.Waiting.Rounds, Sessions: status.Waiting.Sessions, Gaps: status.Waiting.Gaps, Evicted: status.Waiting.EvictedRounds,
		Published: status.Published, Resent: status.Resent, Refused: status.Refused, GapStatements: status.Counts.Gaps, Foreign: status.Foreign,
	}
	for _, state := range feed.States() {
		told.States = append(told.States, state.String())
	}
	if oldest := status.Waiting.OldestUnixNano; oldest > 0 {
		told.Oldest = max(time.Since(time.Unix(0, oldest)), 0)
	}
	return told
}
