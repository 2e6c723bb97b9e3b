package pocket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/upstream"
)

const (
	// maxProbeHeaderBytes bounds the header of an answer to a control probe.
	maxProbeHeaderBytes = 64 << 10
	// maxProbeBytes bounds its body.
	maxProbeBytes = relay.MaxResponseBytes
)

// Control returns a control probe that asks a node of the relay chain directly, on a connection of its own: what is tested
// is whether this machine can reach anything at all, now. Its own header fields are sent with every question. The target is the operator's choice, so it may be at a private
// address; but it cannot send the probe elsewhere, and no proxy of the environment is used. Errors do not name the URL,
// which may hold an access token: they are kept with rounds, and shown.
func Control(target string, own http.Header) fisherman.Probe {
	transport := &http.Transport{
		Proxy:                  nil,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxProbeHeaderBytes,
	}
	return func(ctx context.Context, payload types.Payload) (fisherman.Answer, error) {
		request, err := probeRequest(ctx, target, own, payload)
		if err != nil {
			return fisherman.Answer{}, err
		}
		// The transport alone follows no redirect and keeps no cookie.
		response, err := transport.RoundTrip(request)
		if err != nil {
			return fisherman.Answer{}, &probeError{"send control probe", err}
		}
		upstream.Decode(response, maxProbeBytes)
		defer response.Body.Close()
		body, err := upstream.ReadBody(response, maxProbeBytes)
		switch {
		case errors.Is(err, upstream.ErrTooLarge):
			return fisherman.Answer{}, fmt.Errorf("answer of control probe has more than %d bytes: %w", maxProbeBytes, fisherman.ErrTooLarge)
		case err != nil:
			return fisherman.Answer{}, &probeError{"answer of control probe", err}
		case response.StatusCode/100 == 3:
			return fisherman.Answer{}, fmt.Errorf("control probe was redirected (HTTP status %d)", response.StatusCode)
		}
		return fisherman.Answer{Status: uint32(response.StatusCode), Body: body}, nil
	}
}

// probeError is a failed exchange with a control probe's target. It names no host and no address.
type probeError struct {
	doing string
	cause error
}

func (e *probeError) Error() string { return e.doing + ": " + upstream.Reason(e.cause) }
func (e *probeError) Unwrap() error { return e.cause }

var (
	errProbeURL  = errors.New("build control probe: its URL cannot be read")
	errProbePath = errors.New("build control probe: the question's path does not fit its URL")
)

// probeRequest is a question as a servicer would ask it of its node.
func probeRequest(ctx context.Context, target string, own http.Header, payload types.Payload) (*http.Request, error) {
	base, err := url.Parse(target)
	if err != nil {
		return nil, errProbeURL
	}
	header := make(http.Header)
	for _, given := range payload.REST.GetHeaders() {
		header.Set(given.GetName(), given.GetValue())
	}
	upstream.SetHeader(header, own)
	request, err := upstream.NewRequest(ctx, base, payload, header)
	if err != nil {
		return nil, errProbePath
	}
	return request, nil
}
