package cli

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// relayResult is a verified answer as 'pocket relay' shows it.
type relayResult struct {
	Servicer    string  `json:"servicer"`
	SessionID   string  `json:"session_id"`
	RoundTripMS float64 `json:"round_trip_ms"`
	// RequestHash is the SHA-256 of the request's body, which the answer is bound to.
	RequestHash    string `json:"request_hash"`
	UpstreamStatus uint32 `json:"upstream_status"`
	// SignatureVerified is true in every result: what does not verify is an error.
	SignatureVerified bool `json:"signature_verified"`
	// Answer is the upstream's JSON as it came; null when there is an error.
	Answer json.RawMessage   `json:"answer"`
	Error  *relayResultError `json:"error"`
}

// relayResultError is a signed refusal or failure.
type relayResultError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func newRelayResult(session client.Session, sealed *relay.SealedRequest, response *types.RelayResponse, roundTrip time.Duration) *relayResult {
	result := &relayResult{
		Servicer:          sealed.Servicer,
		SessionID:         session.ID,
		RoundTripMS:       math.Round(float64(roundTrip)/float64(time.Microsecond)) / 1000,
		RequestHash:       hex.EncodeToString(sealed.BodyHash[:]),
		UpstreamStatus:    response.GetUpstreamStatus(),
		SignatureVerified: true,
	}
	if refused := response.GetError(); refused != nil {
		result.Error = &relayResultError{Code: refused.GetCode().Label(), Message: refused.GetMessage()}
	} else {
		result.Answer = response.GetPayload()
	}
	return result
}

func (r *relayResult) write(out io.Writer, output string) error {
	if output == outputJSON {
		return writeJSON(out, r)
	}
	text, err := r.text()
	if err != nil {
		return err
	}
	return writeText(out, text)
}

// text says what was verified, then shows the answer.
func (r *relayResult) text() (string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "signed by      servicer %s (verified)\n", clean(r.Servicer))
	fmt.Fprintf(&text, "answers        request %s (verified)\n", clean(r.RequestHash))
	fmt.Fprintf(&text, "session        %s\n", clean(r.SessionID))
	fmt.Fprintf(&text, "round trip     %.3f ms\n", r.RoundTripMS)
	if r.Error != nil {
		fmt.Fprintf(&text, "signed error   %s: %s\n", clean(r.Error.Code), clean(r.Error.Message))
		return text.String(), nil
	}
	fmt.Fprintf(&text, "upstream       HTTP status %d\n\n", r.UpstreamStatus)
	var indented bytes.Buffer
	if err := json.Indent(&indented, r.Answer, "", "  "); err != nil {
		return "", fmt.Errorf("indent answer: %w", err)
	}
	text.WriteString(escapeJSON(strings.TrimRight(indented.String(), "\n")))
	text.WriteByte('\n')
	return text.String(), nil
}
