package samples

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// VantageStream tells listeners what became durable of several vantage points. It never waits for one of them.
type VantageStream struct {
	stream   *Stream
	vantages *Vantages
}

// NewVantageStream makes a stream that reads from the stores of vantage points what a listener missed.
func NewVantageStream(vantages *Vantages, logger *slog.Logger) *VantageStream {
	return &VantageStream{stream: NewStream(nil, logger), vantages: vantages}
}

// Round tells the listeners of a round of a place that is durable. It returns at once and changes nothing.
func (s *VantageStream) Round(place string, round *types.QoSRound) {
	s.stream.publish(api.EventKindRound, func() any { return placedRound(s.vantages.tag(place), round) })
}

// Session tells the listeners of a session of a place that is durable. It returns at once and changes nothing.
func (s *VantageStream) Session(place string, session *types.QoSSession) {
	s.stream.publish(api.EventKindSession, func() any { return placedNotice(s.vantages.tag(place), session) })
}

// Listen tells what comes from now on, as Stream.Listen does. What was missed comes place by place. Errors:
// ErrTooManyListeners.
func (s *VantageStream) Listen(ctx context.Context, after int64) ([]Event, <-chan Event, error) {
	_, coming, err := s.stream.Listen(ctx, 0)
	if err != nil || after == 0 {
		return nil, coming, err
	}
	var all []Event
	for _, p := range s.vantages.points {
		missed, err := missedOf(ctx, p.Store, s.vantages.tag(p.Place), after)
		if err != nil {
			return nil, nil, fmt.Errorf("read what was missed of %s: %w", p.Place, err)
		}
		all = append(all, missed...)
	}
	return all, coming, nil
}

// tag is what a place's sessions and rounds are marked with: nothing while there is one vantage point.
func (v *Vantages) tag(place string) string {
	if v.several() {
		return place
	}
	return ""
}

func placedRound(place string, round *types.QoSRound) api.Round {
	shown := Round(round)
	shown.Vantage = place
	return shown
}

func placedNotice(place string, session *types.QoSSession) api.SessionNotice {
	notice := Notice(session)
	notice.Vantage = place
	return notice
}
