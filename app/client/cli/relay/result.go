package relay

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc/api"
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
	// Answer is the upstream's JSON as it came, or other text as a JSON string; null when there is an error.
	Answer json.RawMessage `json:"answer"`
	// AnswerBase64 is an answer that is neither.
	AnswerBase64 []byte `json:"answer_base64,omitempty"`
	// Headers of a REST answer, as far as the servicer passed them on.
	Headers map[string]string `json:"headers,omitempty"`
	Error   *relayResultError `json:"error"`
}

// relayResultError is a signed refusal or failure.
type relayResultError struct {
	Code string `json:"code"`
	// CodeWord is the same in lower case.
	CodeWord string `json:"code_word"`
	Message  string `json:"message"`
}

func newRelayResult(session api.Session, sealed *relay.SealedRequest, response *types.RelayResponse, roundTrip time.Duration) *relayResult {
	result := &relayResult{
		Servicer:          sealed.Servicer,
		SessionID:         session.ID,
		RoundTripMS:       math.Round(float64(roundTrip)/float64(time.Microsecond)) / 1000,
		RequestHash:       hex.EncodeToString(sealed.BodyHash[:]),
		UpstreamStatus:    response.GetUpstreamStatus(),
		SignatureVerified: true,
	}
	if refused := response.GetError(); refused != nil {
		result.Error = &relayResultError{Code: refused.GetCode().Label(), CodeWord: api.WordOf(refused.GetCode().Label()), Message: refused.GetMessage()}
		return result
	}
	switch payload := response.GetPayload(); {
	case json.Valid(payload):
		result.Answer = payload
	case utf8.Valid(payload):
		result.Answer, _ = json.Marshal(string(payload)) // a string always can be
	default:
		result.AnswerBase64 = payload
	}
	for _, header := range response.GetHeaders() {
		if result.Headers == nil {
			result.Headers = make(map[string]string)
		}
		result.Headers[header.GetName()] = header.GetValue()
	}
	return result
}

// text says what was verified, then shows the answer.
func (r *relayResult) text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "signed by      servicer %s (verified)\n", terminal.Clean(r.Servicer))
	fmt.Fprintf(&text, "answers        request %s (verified)\n", terminal.Clean(r.RequestHash))
	fmt.Fprintf(&text, "session        %s\n", terminal.Clean(r.SessionID))
	fmt.Fprintf(&text, "round trip     %.3f ms\n", r.RoundTripMS)
	if r.Error != nil {
		fmt.Fprintf(&text, "signed error   %s: %s\n", terminal.Clean(r.Error.Code), terminal.Clean(r.Error.Message))
		return text.String()
	}
	fmt.Fprintf(&text, "upstream       HTTP status %d\n", r.UpstreamStatus)
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		fmt.Fprintf(&text, "header         %s: %s\n", terminal.Clean(name), terminal.Clean(r.Headers[name]))
	}
	if r.AnswerBase64 != nil {
		fmt.Fprintf(&text, "answer         %d bytes that are no text; --output json has them\n", len(r.AnswerBase64))
		return text.String()
	}
	text.WriteByte('\n')
	var indented bytes.Buffer
	_ = json.Indent(&indented, r.Answer, "", "  ") // the answer is JSON
	text.WriteString(command.EscapeJSON(strings.TrimRight(indented.String(), "\n")))
	text.WriteByte('\n')
	return text.String()
}
