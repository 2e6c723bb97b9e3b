package node

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// probes makes the control probes of a fisherman.
func probes(targets map[string]string) map[string]fisherman.Probe {
	made := make(map[string]fisherman.Probe, len(targets))
	for chain, target := range targets {
		made[chain] = probe(target)
	}
	return made
}

// probe asks a node of the relay chain itself, on a connection of its own: what is tested is whether this machine can
// reach anything at all, now.
func probe(target string) fisherman.Probe {
	client := &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	return func(ctx context.Context, payload types.Payload) (fisherman.Answer, error) {
		request, err := probeRequest(ctx, target, payload)
		if err != nil {
			return fisherman.Answer{}, fmt.Errorf("build control probe: %w", err)
		}
		response, err := client.Do(request)
		if err != nil {
			return fisherman.Answer{}, fmt.Errorf("send control probe: %w", err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(io.LimitReader(response.Body, relay.MaxResponseBytes))
		if err != nil {
			return fisherman.Answer{}, fmt.Errorf("read answer of control probe: %w", err)
		}
		return fisherman.Answer{Status: uint32(response.StatusCode), Body: body}, nil
	}
}

// probeRequest is a question as a servicer would ask it of its node.
func probeRequest(ctx context.Context, target string, payload types.Payload) (*http.Request, error) {
	if payload.REST == nil {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(payload.JSONRPC))
		if err != nil {
			return nil, err
		}
		request.Header.Set("Content-Type", "application/json")
		return request, nil
	}
	base, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	address, err := relay.JoinREST(base, payload.REST.GetPath())
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, payload.REST.GetMethod(), address.String(), bytes.NewReader(payload.REST.GetBody()))
	if err != nil {
		return nil, err
	}
	for _, header := range payload.REST.GetHeaders() {
		request.Header.Set(header.GetName(), header.GetValue())
	}
	return request, nil
}
