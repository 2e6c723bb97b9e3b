package rpc

import (
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// shownBytes bounds how much of a client's text a refusal repeats.
const shownBytes = 64

// query holds the parameters of one request; each was given at most once and is not empty.
type query map[string]string

// parseQuery reads a raw query string. It refuses parameters that are not allowed, repeated or empty, so that a typing
// error never widens what is asked for.
func parseQuery(raw string, allowed []string) (query, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, badParameter("the query string is not well-formed")
	}
	parameters := make(query, len(values))
	for name, given := range values {
		switch {
		case !slices.Contains(allowed, name):
			return nil, badParameter("unknown parameter %s; %s", shown(name), list(allowed))
		case len(given) > 1:
			return nil, badParameter("%s is given %d times", name, len(given))
		case given[0] == "":
			return nil, badParameter("%s is empty; give it a value or leave it out", name)
		}
		parameters[name] = given[0]
	}
	return parameters, nil
}

// required is the value of a parameter that must be given and pass check.
func (q query) required(name string, check func(string) error) (string, error) {
	if _, given := q[name]; !given {
		return "", badParameter("%s is missing", name)
	}
	return q.optional(name, check)
}

// optional is the value of a parameter that must pass check when it is given; empty when it is not.
func (q query) optional(name string, check func(string) error) (string, error) {
	value, given := q[name]
	if !given {
		return "", nil
	}
	if len(value) > types.MaxOpaque {
		return "", badParameter("%s: %s is too long", name, shown(value))
	}
	if err := check(value); err != nil {
		return "", badParameter("%s: %v", name, err)
	}
	return value, nil
}

// integer is the value of an optional whole number within [least, most], or fallback.
func (q query) integer(name string, least, most, fallback int64) (int64, error) {
	value, given := q[name]
	if !given {
		return fallback, nil
	}
	number, err := strconv.ParseInt(value, 10, 64)
	if err != nil || number < least || number > most {
		return 0, badParameter("%s: %s is not a whole number from %d to %d", name, shown(value), least, most)
	}
	return number, nil
}

// span is the value of a parameter that says how far a window reaches.
func (q query) span(name string) (qos.Span, error) {
	span, err := qos.ParseSpan(q[name])
	if err != nil {
		return qos.Span{}, badParameter("%s: %s: %v", name, shown(q[name]), err)
	}
	return span, nil
}

// rolling is the value of an optional parameter that says how far rolling verdicts reach; zero when it is not given.
func (q query) rolling(name string) (qos.RollingSpan, error) {
	text, given := q[name]
	if !given {
		return qos.RollingSpan{}, nil
	}
	span, err := qos.ParseRolling(text)
	if err != nil {
		return qos.RollingSpan{}, badParameter("%s: %s: %v", name, shown(text), err)
	}
	return span, nil
}

// actorType is the value of the required parameter "type".
func (q query) actorType() (types.ActorType, error) {
	value, given := q["type"]
	actorType, known := types.ParseActorType(value)
	switch {
	case !given:
		return 0, badParameter("type is missing; one of application, servicer, fisherman, validator")
	case !known:
		return 0, badParameter("type: %s is not one of application, servicer, fisherman, validator", shown(value))
	}
	return actorType, nil
}

// evidence is what a request for evidence asks for, in the identifiers of a network.
func (q query) evidence(of Identifiers) (filter samples.EvidenceFilter, err error) {
	if filter.SessionID, err = q.optional("session", of.Session); err != nil {
		return filter, err
	}
	if filter.Servicer, err = q.optional("servicer", of.Servicer); err != nil {
		return filter, err
	}
	if filter.Check, err = q.check("check"); err != nil {
		return filter, err
	}
	limit, err := q.integer("limit", 1, maximumEvidence, defaultEvidence)
	if err != nil {
		return filter, err
	}
	filter.Limit = int(limit)
	session, err := q.optional("before_session", of.Session)
	if err != nil {
		return filter, err
	}
	check, err := q.check("before_check")
	if err != nil {
		return filter, err
	}
	vantage, err := q.optional("before_vantage", short(validatePlace))
	switch {
	case err != nil:
		return filter, err
	case (session == "") != (check == nil), session == "" && vantage != "":
		return filter, badParameter("before_session and before_check belong together, and before_vantage to them")
	case check != nil:
		filter.Before = &api.EvidencePlace{Session: session, Check: *check, Vantage: vantage}
	}
	return filter, nil
}

// check is the value of an optional place in a session's plan.
func (q query) check(name string) (*uint32, error) {
	if _, given := q[name]; !given {
		return nil, nil
	}
	number, err := q.integer(name, 0, math.MaxUint32, 0)
	place := uint32(number)
	return &place, err
}

func list(allowed []string) string {
	if len(allowed) == 0 {
		return "this path takes none"
	}
	return "this path takes " + strings.Join(allowed, ", ")
}

// shown quotes a client's text for a message, cut to a bounded length.
func shown(value string) string {
	if len(value) > shownBytes {
		value = value[:shownBytes] + "…"
	}
	return strconv.Quote(value)
}
