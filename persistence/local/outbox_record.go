package local

import (
	"encoding/binary"

	"github.com/pocket-fisherman/fisherman/feed/outbox"
)

// outboxForm is the form of the outbox's records.
const outboxForm = 1

// mostFlightItems bounds what is read of a flight.
const mostFlightItems = 1 << 16

func appendText(to []byte, text string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(text))), text...)
}

// record returns the outbox's state as it is stored.
func (o *outboxCounts) record() keyed {
	key := outboxKey(outboxState)
	state := append([]byte{outboxForm}, o.instance[:]...)
	for _, number := range []uint64{o.flights, o.nextGap, o.evicted} {
		state = binary.AppendUvarint(state, number)
	}
	return keyed{key, frame(key, state)}
}

// decodeOutboxState reads the outbox's state. Errors: ErrCorrupt.
func decodeOutboxState(key, record []byte) (counts outboxCounts, err error) {
	state, err := content(key, record)
	if err != nil {
		return counts, err
	}
	if len(state) < 1+outbox.InstanceSize || state[0] != outboxForm {
		return counts, corrupt(key, "not the state of an outbox")
	}
	counts.instance = [outbox.InstanceSize]byte(state[1:])
	r := fields{rest: state[1+outbox.InstanceSize:]}
	counts.flights, counts.nextGap, counts.evicted = r.number(), r.number(), r.number()
	if r.failed || len(r.rest) > 0 {
		return counts, corrupt(key, "not the state of an outbox")
	}
	return counts, nil
}

// appendItem appends an item. Without its content, that is read where it is stored.
func appendItem(to []byte, item outbox.Item) []byte {
	to = appendText(append(to, byte(item.Kind)), item.RelayChain)
	to = appendText(to, item.Session)
	to = binary.AppendUvarint(to, uint64(item.Index))
	to = binary.AppendUvarint(to, item.Rounds)
	return appendText(to, string(item.Encoded))
}

// item reads an item. One without content has none.
func (f *fields) item() (item outbox.Item) {
	item.Kind = outbox.Kind(f.number())
	item.RelayChain, item.Session = f.text(), f.text()
	item.Index, item.Rounds = uint32(f.number()), f.number()
	if text := f.text(); text != "" {
		item.Encoded = []byte(text)
	}
	return item
}

// record returns a flight as it is stored.
func (f *flight) record() keyed {
	key := outboxKey(outboxFlight)
	text := binary.AppendUvarint([]byte{outboxForm}, f.number)
	text = binary.AppendVarint(text, f.signed)
	text = appendText(text, f.place)
	text = binary.AppendUvarint(text, uint64(len(f.items)))
	for _, item := range f.items {
		text = appendItem(text, item)
	}
	return keyed{key, frame(key, text)}
}

// decodeFlight reads the flight. Errors: ErrCorrupt.
func decodeFlight(key, record []byte) (*flight, error) {
	text, err := content(key, record)
	if err != nil {
		return nil, err
	}
	if len(text) == 0 || text[0] != outboxForm {
		return nil, corrupt(key, "not a flight")
	}
	r := fields{rest: text[1:]}
	f := &flight{number: r.number(), signed: r.signed(), place: r.text(), resumed: true}
	count := r.number()
	for ; count > 0 && count <= mostFlightItems && !r.failed; count-- {
		f.items = append(f.items, r.item())
	}
	if r.failed || count > 0 || len(r.rest) > 0 {
		return nil, corrupt(key, "not a flight")
	}
	return f, nil
}

// gapRecord returns rounds that were removed as they are stored.
func gapRecord(number uint64, gap outbox.Item) keyed {
	key := outboxGapKey(number)
	return keyed{key, frame(key, appendItem([]byte{outboxForm}, gap))}
}

// decodeGap reads rounds that were removed. Errors: ErrCorrupt.
func decodeGap(key, record []byte) (number uint64, gap outbox.Item, err error) {
	text, err := content(key, record)
	if err != nil {
		return 0, gap, err
	}
	if len(key) != 3+8 || len(text) == 0 || text[0] != outboxForm {
		return 0, gap, corrupt(key, "not a gap")
	}
	r := fields{rest: text[1:]}
	gap = r.item()
	if r.failed || len(r.rest) > 0 || gap.Kind != outbox.Gap {
		return 0, gap, corrupt(key, "not a gap")
	}
	return binary.BigEndian.Uint64(key[3:]), gap, nil
}

// positionRecord returns how far a relay chain's feed has come as it is stored.
func positionRecord(relayChain string, position outbox.Position) keyed {
	key := outboxPositionKey(relayChain)
	text := binary.AppendUvarint([]byte{outboxForm}, position.Sequence)
	text = binary.AppendUvarint(append(text, position.Digest[:]...), position.Stored)
	return keyed{key, frame(key, text)}
}

// decodePosition reads how far a relay chain's feed has come. Errors: ErrCorrupt.
func decodePosition(key, record []byte) (relayChain string, position outbox.Position, err error) {
	text, err := content(key, record)
	if err != nil {
		return "", position, err
	}
	if len(text) == 0 || text[0] != outboxForm {
		return "", position, corrupt(key, "not a position")
	}
	r := fields{rest: text[1:]}
	position.Sequence = r.number()
	if r.failed || len(r.rest) < len(position.Digest) {
		return "", position, corrupt(key, "not a position")
	}
	position.Digest = [32]byte(r.rest)
	r.rest = r.rest[len(position.Digest):]
	position.Stored = r.number()
	if r.failed || len(r.rest) > 0 {
		return "", position, corrupt(key, "not a position")
	}
	return string(key[3:]), position, nil
}

// timeRecord returns when a round was stored, under the key that says that it is not published.
func timeRecord(key []byte, unixNano int64) keyed {
	return keyed{key, frame(key, binary.AppendVarint(nil, unixNano))}
}

// decodeTime reads when a round was stored. Errors: ErrCorrupt.
func decodeTime(key, record []byte) (int64, error) {
	text, err := content(key, record)
	if err != nil {
		return 0, err
	}
	r := fields{rest: text}
	unixNano := r.signed()
	if r.failed || len(r.rest) > 0 {
		return 0, corrupt(key, "not a time")
	}
	return unixNano, nil
}

// record returns what was said of a session as it is stored.
func (w waiting) record(id sessionID) keyed {
	key := outboxSessionKey(id)
	text := appendText([]byte{outboxForm, byte(w.said)}, w.relayChain)
	return keyed{key, frame(key, appendText(text, w.session))}
}

// decodeWaiting reads what was said of a session. Errors: ErrCorrupt.
func decodeWaiting(key, record []byte) (w waiting, err error) {
	text, err := content(key, record)
	if err != nil {
		return w, err
	}
	if len(text) < 2 || text[0] != outboxForm {
		return w, corrupt(key, "not what was said of a session")
	}
	r := fields{rest: text[2:]}
	w = waiting{said: said(text[1]), relayChain: r.text(), session: r.text()}
	if r.failed || len(r.rest) > 0 || w.said < saidNothing || w.said > saidAll {
		return w, corrupt(key, "not what was said of a session")
	}
	return w, nil
}
