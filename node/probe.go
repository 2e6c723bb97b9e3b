package node

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/relay"
)

// probes makes the control probes of a fisherman.
func probes(targets map[string]string) map[string]fisherman.Probe {
	made := make(map[string]fisherman.Probe, len(targets))
	for chain, target := range targets {
		made[chain] = probe(target)
	}
	return made
}

// probe posts a question to a node of the relay chain itself, on a connection of its own: what is tested is whether
// this machine can reach anything at all, now.
func probe(target string) fisherman.Probe {
	client := &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(payload))
		if err != nil {
			return nil, fmt.Errorf("build control probe: %w", err)
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := client.Do(request)
		if err != nil {
			return nil, fmt.Errorf("send control probe: %w", err)
		}
		defer response.Body.Close()
		answer, err := io.ReadAll(io.LimitReader(response.Body, relay.MaxResponseBytes))
		if err != nil {
			return nil, fmt.Errorf("read answer of control probe: %w", err)
		}
		return answer, nil
	}
}
