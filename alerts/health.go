package alerts

import (
	"fmt"
	"strings"
	"sync"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// recentChecks is how many checks the fisherman's own health is judged by, and fewestChecks the least for a judgement.
	recentChecks = 32
	fewestChecks = 8
	// maximumChains bounds the relay chains whose newest check is remembered.
	maximumChains = 4096
)

// Health knows from the checks that were made whether the fisherman itself is well. It may be used by many goroutines at
// once.
type Health struct {
	mu sync.Mutex
	// void are the relay chains and zones of whose newest check it is not known that our own link was well.
	void map[[2]string]bool
	// causes are those of the newest checks, in a ring; unspecified for those that cannot be our own fault.
	causes [recentChecks]types.Cause
	seen   int
}

// NewHealth returns the health of a fisherman that has made no check.
func NewHealth() *Health { return &Health{void: make(map[[2]string]bool)} }

// Round takes a check that is over.
func (h *Health) Round(session *types.SessionHeader, round *types.QoSRound) {
	h.mu.Lock()
	defer h.mu.Unlock()
	cause := round.Why()
	at := [2]string{session.GetRelayChain(), session.GetGeoZone()}
	switch {
	case round.GetStatus() == types.RoundStatus_ROUND_STATUS_DONE:
		delete(h.void, at)
	case round.GetStatus() == types.RoundStatus_ROUND_STATUS_VOID && ofLink(cause) && len(h.void) < maximumChains:
		h.void[at] = true
	}
	if !ofFisherman(cause) {
		cause = types.Cause_CAUSE_UNSPECIFIED
	}
	h.causes[h.seen%recentChecks] = cause
	h.seen++
}

// LinkOut reports whether the newest check of a relay chain was void because our own link, or machine, may have failed.
func (h *Health) LinkOut(relayChain, geoZone string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.void[[2]string{relayChain, geoZone}]
}

// Illness returns why most of the newest checks say nothing about servicers, when that may be our own fault; otherwise "".
func (h *Health) Illness() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := min(h.seen, recentChecks)
	failed := 0
	var last types.Cause
	for _, cause := range h.causes[:known] {
		if cause != types.Cause_CAUSE_UNSPECIFIED {
			failed++
			last = cause
		}
	}
	if known < fewestChecks || 2*failed <= known {
		return ""
	}
	return fmt.Sprintf("%d of the newest %d checks say nothing about servicers, the last because of %s", failed, known, strings.ToLower(last.Label()))
}

// ofLink reports whether a check that is void for this cause says nothing about servicers because of our own side.
func ofLink(cause types.Cause) bool {
	switch cause {
	case types.Cause_CAUSE_OFFLINE, types.Cause_CAUSE_NO_CONTROL_PROBE, types.Cause_CAUSE_STALL, types.Cause_CAUSE_LATE, types.Cause_CAUSE_SKEW,
		types.Cause_CAUSE_STOPPED, types.Cause_CAUSE_SATURATED:
		return true
	}
	return false
}

// ofFisherman reports whether a check that failed for this cause may have failed by the fisherman's own fault.
func ofFisherman(cause types.Cause) bool {
	switch cause {
	case types.Cause_CAUSE_OFFLINE, types.Cause_CAUSE_STALL, types.Cause_CAUSE_LATE, types.Cause_CAUSE_SKEW, types.Cause_CAUSE_OVERTAKEN,
		types.Cause_CAUSE_OVERLOAD, types.Cause_CAUSE_NO_CONTROL_PROBE, types.Cause_CAUSE_SATURATED:
		return true
	}
	return false
}
