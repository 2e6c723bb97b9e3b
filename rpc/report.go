package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/packed"
)

// comma is between the sessions of a report.
var comma = packed.Pack([]byte(","))

// report reads a report, and reports whether there is anything in it. What is encoded already is not encoded again.
func (s *Server) report(ctx context.Context, filter samples.ReportFilter) (body any, empty bool, err error) {
	reader, encodes := s.readers.Samples.(*samples.Reader)
	if !encodes {
		report, err := s.readers.Samples.Report(ctx, filter)
		return countOutcomes(report), len(report.Sessions) == 0 && len(report.Rolling) == 0, err
	}
	report, err := reader.ReportText(ctx, filter)
	if err != nil {
		return nil, false, err
	}
	body, err = assemble(report)
	return body, len(report.Sessions) == 0 && len(report.Rolling) == 0, err
}

// assemble makes of a report what encode makes of api.Report.
func assemble(report samples.ReportText) (content, error) {
	outer, err := json.Marshal(countOutcomes(api.Report{Rolling: report.Rolling, Sessions: []api.SessionReport{}}))
	if err != nil {
		return content{}, fmt.Errorf("encode answer: %w", err)
	}
	const none = `"sessions":[]`
	before, after, found := strings.Cut(string(outer), none)
	if !found {
		return content{}, fmt.Errorf("encode answer: no sessions in %.100s", outer)
	}
	parts, digests := make([]packed.Part, 0, 2*len(report.Sessions)+2), make([][packed.DigestSize]byte, 0, 2*len(report.Sessions)+2)
	add := func(part packed.Part, digest [packed.DigestSize]byte) {
		parts, digests = append(parts, part), append(digests, digest)
	}
	begin, end := []byte(before+none[:len(none)-1]), []byte("]"+after+"\n")
	add(packed.Part{Text: begin}, packed.Digest(begin))
	for i, session := range report.Sessions {
		if i > 0 {
			add(packed.Part{Piece: &comma, Text: []byte(",")}, comma.Digest())
		}
		add(session.Part, session.Digest)
	}
	add(packed.Part{Text: end}, packed.Digest(end))
	return newContent(parts, digests), nil
}
