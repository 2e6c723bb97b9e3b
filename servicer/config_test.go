package servicer_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/servicer"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

func TestConfigValidate(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*servicer.Config)
		want   string
	}{
		{"well", func(*servicer.Config) {}, ""},
		{"upstream with path and query", func(c *servicer.Config) {
			c.Upstreams["0001"] = servicer.Upstream{URL: "https://node.example/v3?token=t"}
		}, ""},
		{"no key", func(c *servicer.Config) { c.Key = crypto.PrivateKey{} }, "key is not set"},
		{"no upstream", func(c *servicer.Config) { c.Upstreams = nil }, "none is set"},
		{"ill-formed chain", func(c *servicer.Config) { c.Upstreams["eth"] = servicer.Upstream{URL: "http://127.0.0.1"} }, `"eth"`},
		{"empty URL", func(c *servicer.Config) { c.Upstreams["0001"] = servicer.Upstream{URL: ""} }, "chain 0001"},
		{"relative URL", func(c *servicer.Config) { c.Upstreams["0001"] = servicer.Upstream{URL: "/rpc"} }, "chain 0001"},
		{"other scheme", func(c *servicer.Config) { c.Upstreams["0001"] = servicer.Upstream{URL: "file:///etc/passwd"} }, "chain 0001"},
		{"user in URL", func(c *servicer.Config) { c.Upstreams["0001"] = servicer.Upstream{URL: "http://u:secret@127.0.0.1"} }, "without user"},
		{"fragment in URL", func(c *servicer.Config) { c.Upstreams["0001"] = servicer.Upstream{URL: "http://127.0.0.1#x"} }, "fragment"},
		{"unknown kind", func(c *servicer.Config) {
			c.Upstreams["0001"] = servicer.Upstream{Kind: 7, URL: "http://127.0.0.1"}
		}, "kind 7 is not known"},
		{"no timeout", func(c *servicer.Config) { c.UpstreamTimeout = 0 }, "upstream timeout: 0s"},
		{"long timeout", func(c *servicer.Config) { c.UpstreamTimeout = time.Hour }, "upstream timeout: 1h0m0s"},
		{"no concurrency", func(c *servicer.Config) { c.MaxConcurrent = 0 }, "max concurrent: 0"},
		{"much concurrency", func(c *servicer.Config) { c.MaxConcurrent = 65537 }, "max concurrent: 65537"},
		{"no client connections", func(c *servicer.Config) { c.MaxClientConnections = 0 }, "max client connections: 0"},
		{"no descriptors", func(c *servicer.Config) { c.MaxDescriptors = -1 }, "max descriptors: -1"},
		{"no connections", func(c *servicer.Config) { c.MaxConnections = -1 }, "max connections: -1"},
		{"no nonces", func(c *servicer.Config) { c.MaxNonces = 0 }, "max nonces: 0"},
		{"no clock", func(c *servicer.Config) { c.Now = nil }, "clock"},
		{"no logger", func(c *servicer.Config) { c.Logger = nil }, "logger"},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := servicer.DefaultConfig()
			config.Key, config.Upstreams = servicerKey, map[string]servicer.Upstream{"0001": {URL: "http://127.0.0.1:26657"}}
			test.change(&config)
			_, err := servicer.New(config, newChain(1), newChain(1))
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
	if _, err := servicer.New(servicer.DefaultConfig(), newChain(1), newChain(1)); err == nil {
		t.Error("a configuration without key and upstreams was taken")
	}
	config := servicer.DefaultConfig()
	config.Key, config.Upstreams = servicerKey, map[string]servicer.Upstream{"0001": {URL: "http://127.0.0.1:26657"}}
	if _, err := servicer.New(config, nil, newChain(1)); err == nil {
		t.Error("a servicer without sessions was made")
	}
	if _, err := servicer.New(config, newChain(1), nil); err == nil {
		t.Error("a servicer without parameters was made")
	}
}
