package node

import (
	"bytes"
	"context"
	"errors"
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

const (
	// maxProbeHeaderBytes bounds the header of an answer to a control probe.
	maxProbeHeaderBytes = 64 << 10
	// maxProbeBytes bounds its body.
	maxProbeBytes = relay.MaxResponseBytes
)

// probe posts a question to a node of the relay chain itself, on a connection of its own: what is tested is whether
// this machine can reach anything at all, now. The target is the operator's choice, so it may be at a private address;
// but it is asked itself or nobody: it cannot send the probe elsewhere, and no proxy of the environment is used. Errors
// do not name the URL, which may hold an access token: they are kept with rounds, and shown.
func probe(target string) fisherman.Probe {
	transport := &http.Transport{
		Proxy:                  nil,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxProbeHeaderBytes,
	}
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(payload))
		if err != nil {
			return nil, errors.New("build control probe: its URL cannot be read")
		}
		request.Header.Set("Content-Type", "application/json")
		// The transport alone follows no redirect and keeps no cookie.
		response, err := transport.RoundTrip(request)
		if err != nil {
			return nil, fmt.Errorf("send control probe: %w", err)
		}
		defer response.Body.Close()
		answer, err := io.ReadAll(io.LimitReader(response.Body, maxProbeBytes+1))
		switch {
		case err != nil:
			return nil, fmt.Errorf("read answer of control probe: %w", err)
		case len(answer) > maxProbeBytes:
			return nil, fmt.Errorf("answer of control probe has more than %d bytes", maxProbeBytes)
		case response.StatusCode/100 == 3:
			return nil, fmt.Errorf("control probe was redirected (HTTP status %d)", response.StatusCode)
		}
		return answer, nil
	}
}
