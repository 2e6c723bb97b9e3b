package protocol

import (
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Content is what a statement says.
type Content struct {
	field protowire.Number
	body  []byte
	// id is the content's part of the message id.
	id               string
	withoutEnvelopes bool
}

// Fields of Statement.what.
const (
	fieldSession protowire.Number = 10
	fieldRound   protowire.Number = 11
	fieldGap     protowire.Number = 12
)

// SessionContent returns a session as content: an encoded QoSSession. version counts what is said of the session.
func SessionContent(sessionID string, version uint64, encoded []byte) Content {
	return Content{field: fieldSession, body: encoded, id: sessionID + "/s" + strconv.FormatUint(version, 10)}
}

// RoundContent returns a round as content: an encoded QoSRound. If it has more than MaxContent bytes, its samples' envelopes
// are left out. It reports false if it has more bytes without them too, or cannot be read: such a round cannot be said.
func RoundContent(sessionID string, index uint32, encoded []byte) (Content, bool) {
	content := Content{field: fieldRound, body: encoded, id: sessionID + "/" + strconv.FormatUint(uint64(index), 10)}
	if len(encoded) <= MaxContent {
		return content, true
	}
	rest, ok := withoutFields(encoded, isSamples, func(sample []byte) ([]byte, bool) {
		return withoutFields(sample, isEnvelope, nil)
	})
	content.body, content.withoutEnvelopes = rest, true
	return content, ok && len(rest) <= MaxContent
}

// GapContent returns a gap as content. from is the lowest index of the rounds; version counts what is said of gaps.
func GapContent(gap *Gap, version uint64) Content {
	var body []byte
	if gap.GetSessionId() != "" {
		body = protowire.AppendTag(body, 1, protowire.BytesType)
		body = protowire.AppendString(body, gap.GetSessionId())
	}
	body = appendVarint(body, 2, uint64(gap.GetFromIndex()))
	body = appendVarint(body, 3, gap.GetRounds())
	return Content{field: fieldGap, body: body, id: gap.GetSessionId() + "/g" + strconv.FormatUint(version, 10)}
}

// isSamples reports whether a field of QoSRound is its samples.
func isSamples(number protowire.Number) bool { return number == 9 }

// isEnvelope reports whether a field of QoSSample is an envelope.
func isEnvelope(number protowire.Number) bool { return number == 17 || number == 18 }

// withoutFields returns an encoded message, in the bytes that it has, with each chosen field replaced by what change returns
// for it; without change they are left out. It reports false if the message cannot be read.
func withoutFields(encoded []byte, chosen func(protowire.Number) bool, change func([]byte) ([]byte, bool)) ([]byte, bool) {
	var rest []byte
	for len(encoded) > 0 {
		number, kind, tag := protowire.ConsumeTag(encoded)
		if tag < 0 {
			return nil, false
		}
		value := protowire.ConsumeFieldValue(number, kind, encoded[tag:])
		if value < 0 {
			return nil, false
		}
		field := encoded[:tag+value]
		encoded = encoded[tag+value:]
		switch {
		case !chosen(number) || kind != protowire.BytesType:
			rest = append(rest, field...)
		case change != nil:
			inner, _ := protowire.ConsumeBytes(field[tag:])
			changed, ok := change(inner)
			if !ok {
				return nil, false
			}
			rest = protowire.AppendBytes(append(rest, field[:tag]...), changed)
		}
	}
	return rest, true
}

// session returns the session that a statement is about, which is empty for a gap over several.
func (s *Statement) session() string {
	switch what := s.GetWhat().(type) {
	case *Statement_Session:
		return what.Session.GetHeader().GetId()
	case *Statement_Round:
		return what.Round.GetSessionId()
	case *Statement_Gap:
		return what.Gap.GetSessionId()
	}
	return ""
}

// sayable reports whether a statement says something, of a session that has an identifier.
func (s *Statement) sayable() bool {
	gap := s.GetGap()
	if gap != nil && gap.GetRounds() == 0 || s.GetWhat() == nil {
		return false
	}
	return gap != nil && s.session() == "" || types.ValidateOpaque(s.session()) == nil
}
