package samples

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/packed"
)

// sessionText is the report of a session as JSON. Nobody changes it once it is made.
type sessionText struct {
	// plain is the whole text; nil of a session that is closed, of which there is a piece.
	plain []byte
	piece *packed.Piece
	// digest of the text.
	digest [packed.DigestSize]byte
	// servicers of the rows, in their order, and where in the text each row ends; the first one begins at begin.
	servicers []string
	begin     int
	ends      []int32
}

// textOf encodes a report, with the counts by word.
func textOf(report api.SessionReport) (*sessionText, error) {
	rows := report.Servicers
	report.Servicers = []api.ServicerReport{}
	outer, err := json.Marshal(report)
	if err != nil {
		return nil, fmt.Errorf("encode report: %w", err)
	}
	const none = `"servicers":[]`
	before, after, found := strings.Cut(string(outer), none)
	if !found {
		return nil, fmt.Errorf("encode report: no servicers in %.100s", outer)
	}
	made := &sessionText{begin: len(before) + len(none) - 1, servicers: make([]string, 0, len(rows)), ends: make([]int32, 0, len(rows))}
	made.plain = append(append(made.plain, before...), none[:len(none)-1]...)
	for i, row := range rows {
		row.OutcomeCounts = row.Outcomes.Counts()
		text, err := json.Marshal(row)
		if err != nil {
			return nil, fmt.Errorf("encode report: %w", err)
		}
		if i > 0 {
			made.plain = append(made.plain, ',')
		}
		made.plain = append(made.plain, text...)
		made.servicers, made.ends = append(made.servicers, row.Servicer), append(made.ends, int32(len(made.plain)))
	}
	made.plain = slices.Clip(append(append(made.plain, ']'), after...))
	made.digest = packed.Digest(made.plain)
	return made, nil
}

// closed returns the same text in less memory, and the plain text.
func (t *sessionText) closed() (_ *sessionText, plain []byte) {
	piece := packed.Pack(t.plain)
	made := *t
	made.plain, made.piece = nil, &piece
	return &made, t.plain
}

// bytes returns about how much memory the text takes.
func (t *sessionText) bytes() int {
	bytes := 160 + len(t.plain) + 20*len(t.ends)
	if t.piece != nil {
		bytes += t.piece.Bytes() + 80
	}
	return bytes
}

// only returns the text with the rows of one servicer.
func (t *sessionText) only(plain []byte, servicer string) []byte {
	text := slices.Clone(plain[:t.begin])
	begin, shown := t.begin, false
	for i, end := range t.ends {
		if t.servicers[i] == servicer {
			if shown {
				text = append(text, ',')
			}
			text, shown = append(text, plain[begin:end]...), true
		}
		begin = int(end) + 1 // after the comma
	}
	last := t.begin
	if len(t.ends) > 0 {
		last = int(t.ends[len(t.ends)-1])
	}
	return append(text, plain[last:]...)
}

// ReportText is a report whose sessions are encoded already.
type ReportText struct {
	Rolling []api.RollingReport
	// Sessions are api.SessionReport as JSON, with the counts by word, oldest first.
	Sessions []EncodedSession
}

// EncodedSession is a session's report as JSON.
type EncodedSession struct {
	packed.Part
	// Digest of the text.
	Digest [packed.DigestSize]byte
}
