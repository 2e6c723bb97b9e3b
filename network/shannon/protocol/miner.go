package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
	"github.com/pocket-fisherman/fisherman/wire"
)

// RelayMiners refuse relays in two dialects. poktroll's answers HTTP 200 with an unsigned response that has a codespace
// and a code; the high-availability miner ("HA") answers an HTTP status with a JSON object. Neither is signed: anybody
// between us and the supplier could have written it.

// mostQuoted bounds a stranger's text in an error, in bytes.
const mostQuoted = 160

// mostRead bounds what is looked at of such a text, in bytes.
const mostRead = 4096

// kind is what an error of a RelayMiner speaks of.
type kind int

const (
	// ofMiner: the supplier's RelayMiner or its configuration.
	ofMiner kind = iota
	// ofBackend: the node behind it.
	ofBackend
	// ofTooLarge: the node's answer is larger than the RelayMiner passes on.
	ofTooLarge
	// ofRequest: the request itself: its session, its signature, its form. Whether we or the RelayMiner see the chain
	// wrongly is open, but the supplier is not blamed for it.
	ofRequest
	// ofUnregistered: an error without a code, such as that of a query about the session. One alone is the RelayMiner's;
	// when all have one, the request is in doubt.
	ofUnregistered
	// ofStake: the application's stake does not pay for more relays in the session.
	ofStake
)

// minerError identifies a registered error of poktroll.
type minerError struct {
	codespace string
	code      uint32
}

// kinds of the registered errors that a RelayMiner answers with (poktroll v0.1.35). Any other is the miner's.
var kinds = map[minerError]kind{
	{"relayer_proxy", 1}:  ofRequest, // invalid session
	{"relayer_proxy", 2}:  ofMiner,   // services configurations are undefined
	{"relayer_proxy", 3}:  ofMiner,   // service endpoint not handled
	{"relayer_proxy", 4}:  ofMiner,   // unsupported transport type
	{"relayer_proxy", 5}:  ofBackend, // internal error: the backend cannot be reached
	{"relayer_proxy", 6}:  ofRequest, // unknown session
	{"relayer_proxy", 7}:  ofStake,   // rate limited
	{"relayer_proxy", 8}:  ofMiner,   // failed to calculate relay cost
	{"relayer_proxy", 9}:  ofMiner,   // supplier not reachable: it is not hosted there
	{"relayer_proxy", 10}: ofBackend, // timed out
	{"relayer_proxy", 11}: ofTooLarge,
	{"relayer_proxy", 12}: ofTooLarge,
	{"relayer_proxy", 13}: ofRequest, // request too large
	{"relayer_proxy", 14}: ofRequest, // failed to unmarshal

	{"relay_authenticator", 1}: ofRequest, // invalid session
	{"relay_authenticator", 2}: ofRequest, // supplier does not belong to session
	{"relay_authenticator", 3}: ofMiner,   // undefined signer
	{"relay_authenticator", 4}: ofRequest, // invalid relay request
	{"relay_authenticator", 5}: ofMiner,   // invalid relay response
	{"relay_authenticator", 6}: ofMiner,   // its key is not hosted

	{"rings", 1}: ofRequest, // a key of the ring is not secp256k1
	{"rings", 2}: ofRequest, // invalid relay request
	{"rings", 3}: ofRequest, // invalid signature

	{"service", 1111}: ofRequest, // invalid relay request

	{"session", 1101}: ofRequest, // hydration
	{"session", 1102}: ofRequest, // application not found
	{"session", 1103}: ofRequest, // not staked for the service
	{"session", 1104}: ofRequest, // no suppliers
	{"session", 1105}: ofRequest, // invalid application address
	{"session", 1107}: ofRequest, // invalid height
	{"session", 1108}: ofRequest, // invalid session id
	{"session", 1109}: ofRequest, // application not active
}

// codespaces numbers the codespaces whose codes are kept: a kept code is the codespace's number and the code.
var codespaces = map[string]uint32{"relayer_proxy": 1, "relay_authenticator": 2, "rings": 3, "service": 4, "session": 5}

// codesPerSpace is above every code of a codespace.
const codesPerSpace = 10_000

const (
	// unregisteredSpace is the codespace of errors without a code.
	unregisteredSpace = "undefined"
	// codeOther is the code of refusals whose codespace is not kept.
	codeOther  = 1
	labelOther = "relay_miner"
	// codeHTTP is where the HTTP statuses of the HA miner begin.
	codeHTTP = 9 * codesPerSpace
)

// refused judges an unsigned error of poktroll's RelayMiner, by its codespace and code alone.
func refused(said *RelayMinerError) *types.Failure {
	id := minerError{string(said.GetCodespace()), said.GetCode()}
	what := kinds[id]
	if id.code == 0 || id.codespace == unregisteredSpace || id.codespace == "" {
		what = ofUnregistered
	}
	refusal := &types.Refusal{Code: codeOther, Label: labelOther}
	if space := codespaces[id.codespace]; space != 0 && id.code < codesPerSpace {
		refusal.Code, refusal.Label = space*codesPerSpace+id.code, fmt.Sprintf("%s/%d", id.codespace, id.code)
	}
	words := said.GetMessage()
	if len(words) == 0 {
		words = said.GetDescription()
	}
	return refusalOf(what, refusal, fmt.Errorf("%s %d, unsigned: %s", quote(said.GetCodespace()), id.code, quote(words)))
}

// refusalOf is the failure of a refusal of a kind.
func refusalOf(what kind, refusal *types.Refusal, err error) *types.Failure {
	failure := &types.Failure{Outcome: types.Outcome_OUTCOME_RELAY_ERROR, Blame: types.Blame_BLAME_SERVICER,
		Attempt: types.Attempt_ATTEMPT_OPEN_ANSWER, Refusal: refusal, Err: err}
	switch what {
	case ofBackend:
		failure.Outcome, failure.Blame = types.Outcome_OUTCOME_BACKEND_ERROR, types.Blame_BLAME_BACKEND
	case ofTooLarge:
		failure.Outcome, failure.Blame, refusal.TooLarge = types.Outcome_OUTCOME_BACKEND_ERROR, types.Blame_BLAME_BACKEND, true
	case ofUnregistered:
		refusal.DisputesRequest = true
	case ofRequest:
		failure.Outcome, failure.Blame, refusal.DisputesRequest = types.Outcome_OUTCOME_VOID, types.Blame_BLAME_UNKNOWN, true
	case ofStake:
		failure.Outcome, failure.Blame, refusal.OverAllowance = types.Outcome_OUTCOME_VOID, types.Blame_BLAME_SELF, true
	}
	return failure
}

// refusedByStatus judges an HTTP status other than 200, by the status and by the form of its body.
func refusedByStatus(answer *wire.Answer) *types.Failure {
	said := fmt.Errorf("HTTP status %d, unsigned: %s", answer.Status, quote(answer.Body))
	switch formOf(answer.Body) {
	case formRPC: // the HA miner passes on a backend's failure as it is
		return fail(types.Outcome_OUTCOME_BACKEND_ERROR, types.Blame_BLAME_BACKEND, said)
	case formHA:
		refusal := &types.Refusal{Code: codeHTTP + uint32(answer.Status), Label: fmt.Sprintf("http/%d", answer.Status)}
		return refusalOf(kindOfStatus(answer.Status), refusal, said)
	}
	if answer.Status == http.StatusTooManyRequests { // something in front of the RelayMiner
		return &types.Failure{Outcome: types.Outcome_OUTCOME_THROTTLED, Blame: types.Blame_BLAME_SELF,
			Attempt: types.Attempt_ATTEMPT_READ_ANSWER, Err: said}
	}
	return fail(types.Outcome_OUTCOME_HTTP_STATUS, types.Blame_BLAME_SERVICER, said)
}

// kindOfStatus is what the HA miner's statuses speak of.
func kindOfStatus(status int) kind {
	switch status {
	case http.StatusTooManyRequests: // the session's share of the stake is used up
		return ofStake
	case http.StatusBadRequest, http.StatusForbidden, http.StatusRequestEntityTooLarge: // its form, heights, session or ring
		return ofRequest
	case http.StatusBadGateway, http.StatusInternalServerError, http.StatusGatewayTimeout: // the backend failed, or was late
		return ofBackend
	}
	return ofMiner // 404: the service is unknown; 503: the supplier is not there, or not ready
}

// form is what the body of an unsigned answer looks like.
type form int

const (
	formOther form = iota
	// formHA is the HA miner's: an object whose member "error" is text.
	formHA
	// formRPC is a JSON-RPC error: an object whose member "error" is an object.
	formRPC
)

func formOf(body []byte) form {
	body = bytes.TrimSpace(body)
	if len(body) == 0 || len(body) > mostError || body[0] != '{' {
		return formOther
	}
	var said struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &said) != nil || len(said.Error) == 0 {
		return formOther
	}
	switch said.Error[0] {
	case '"':
		return formHA
	case '{':
		return formRPC
	}
	return formOther
}

// mostError bounds the bodies that are read for an error.
const mostError = 16 << 10

// isError reports whether a JSON-RPC answer is an error.
func isError(body []byte) bool {
	var answer struct {
		Error json.RawMessage `json:"error"`
	}
	return json.Unmarshal(body, &answer) == nil && len(answer.Error) > 0 && string(answer.Error) != "null"
}

// quote is a stranger's words as an error shows them. RelayMiners repeat their backends' URLs, in which keys may be: a word
// with one is left out.
func quote(words []byte) string {
	shown := strings.Fields(string(words[:min(len(words), mostRead)]))
	for i, word := range shown {
		if strings.Contains(word, "://") {
			shown[i] = "[URL]"
		}
	}
	return text.Line(strings.Join(shown, " "), mostQuoted)
}
