package samples

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

func TestReportAdmitsWhatTheFilterSays(t *testing.T) {
	reader := NewReader(sampled(), NewRolling(), Prover{})
	for _, test := range []struct {
		name      string
		filter    ReportFilter
		want      string
		servicers int
		err       error
	}{
		{name: "all, oldest first", want: "abc", servicers: 4},
		{name: "one session", filter: ReportFilter{SessionID: id("b")}, want: "b", servicers: 1},
		{name: "unknown session", filter: ReportFilter{SessionID: id("d")}, err: modules.ErrUnknownSession},
		{name: "a session that the servicer is not in", filter: ReportFilter{SessionID: id("b"), Servicer: late}},
		{name: "one servicer", filter: ReportFilter{Servicer: late}, want: "c", servicers: 1},
		{name: "the newest", filter: ReportFilter{Last: 2}, want: "bc", servicers: 3},
		{name: "more than there are", filter: ReportFilter{Last: 9}, want: "abc", servicers: 4},
		{name: "newest of a servicer", filter: ReportFilter{Servicer: always, Last: 1}, want: "c", servicers: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			report, err := reader.Report(t.Context(), test.filter)
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			got, servicers := "", 0
			for _, session := range report.Sessions {
				got += session.ID[:1]
				servicers += len(session.Servicers)
			}
			if got != test.want || servicers != test.servicers {
				t.Errorf("sessions %q with %d servicers, want %q with %d", got, servicers, test.want, test.servicers)
			}
		})
	}
}

func TestReportLeavesOutWhatCannotBeRead(t *testing.T) {
	store := sampled()
	store.broken[id("b")] = errCorrupt
	reader := NewReader(store, NewRolling(), Prover{})
	store.close(t, "a", always)
	store.close(t, "b", always)
	report, err := reader.Report(t.Context(), ReportFilter{})
	if err != nil || len(report.Sessions) != 2 || report.Sessions[0].ID != id("a") || report.Sessions[1].ID != id("c") {
		t.Errorf("got %d sessions, %v; want a and c", len(report.Sessions), err)
	}
	if _, err := reader.Report(t.Context(), ReportFilter{SessionID: id("b")}); !errors.Is(err, errCorrupt) {
		t.Errorf("asked for the unreadable session: %v", err)
	}
	windows, err := reader.Windows(t.Context(), WindowFilter{Span: qos.Span{Starts: 9}})
	if err != nil || len(windows.Windows) != 1 || windows.Windows[0].Sessions != 1 || windows.Windows[0].SessionsLeftOut != 2 {
		t.Errorf("windows %+v, %v; want a, without b that cannot be read and c that is not over", windows.Windows, err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := reader.Report(stopped, ReportFilter{}); !errors.Is(err, context.Canceled) {
		t.Errorf("asked in vain: %v", err)
	}
}

func TestWindowsMergeCompleteSessions(t *testing.T) {
	store := sampled()
	reader := NewReader(store, NewRolling(), Prover{})
	store.close(t, "b", always)
	store.close(t, "c", always, late)
	for _, test := range []struct {
		name   string
		filter WindowFilter
		want   string
	}{
		{"all", WindowFilter{Span: qos.Span{Starts: 9}}, "2 sessions, 0 left out: always 2, late 1"},
		{"the newest", WindowFilter{Span: qos.Span{Starts: 1}}, "1 sessions, 0 left out: always 1, late 1"},
		{"the last hour", WindowFilter{Span: qos.Span{Age: time.Hour}}, "2 sessions, 0 left out: always 2, late 1"},
		{"one servicer", WindowFilter{Span: qos.Span{Starts: 9}, Servicer: late}, "2 sessions, 0 left out: late 1"},
		{"nobody's servicer", WindowFilter{Span: qos.Span{Starts: 9}, Servicer: liar}, ""},
	} {
		for _, asked := range []string{"first", "kept"} {
			report, err := reader.Windows(t.Context(), test.filter)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, window := range report.Windows {
				var rows []string
				for _, row := range window.Servicers {
					rows = append(rows, fmt.Sprintf("%s %d", map[string]string{always: "always", late: "late"}[row.Servicer], row.Samples))
				}
				slices.Sort(rows)
				got += fmt.Sprintf("%d sessions, %d left out: %s", window.Sessions, window.SessionsLeftOut, strings.Join(rows, ", "))
			}
			if got != test.want || report.Window != test.filter.Span.String() || report.RelativeError != qos.RelativeError {
				t.Errorf("%s, %s: %q of %s, want %q", test.name, asked, got, report.Window, test.want)
			}
		}
	}
}

func TestClosedSessionsAreReadOnceAndStayWhole(t *testing.T) {
	store := sampled()
	reader := NewReader(store, NewRolling(), Prover{})
	servicersOf := func(filter ReportFilter) (rows, samples int) {
		report, err := reader.Report(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		for _, session := range report.Sessions {
			for _, row := range session.Servicers {
				rows, samples = rows+1, samples+row.Samples
			}
		}
		return rows, samples
	}
	ofC := ReportFilter{SessionID: id("c")}
	if rows, samples := servicersOf(ofC); rows != 2 || samples != 0 || len(reader.digests.closed.entries) != 0 {
		t.Fatalf("running: %d rows, %d samples, %d kept", rows, samples, len(reader.digests.closed.entries))
	}
	store.close(t, "c", always, late)
	if rows, samples := servicersOf(ofC); rows != 2 || samples != 2 || len(reader.digests.closed.entries) != 1 {
		t.Fatalf("closed: %d rows, %d samples, %d kept", rows, samples, len(reader.digests.closed.entries))
	}
	if rows, _ := servicersOf(ReportFilter{SessionID: id("c"), Servicer: late}); rows != 1 {
		t.Fatalf("%d rows of one servicer", rows)
	}
	if rows, samples := servicersOf(ofC); rows != 2 || samples != 2 {
		t.Fatalf("kept: %d rows, %d samples", rows, samples)
	}
}

// Requests share the digests of closed sessions; the race detector watches that none is changed.
func TestRequestsShareDigests(t *testing.T) {
	store := sampled()
	reader := NewReader(store, NewRolling(), Prover{})
	store.close(t, "b", always)
	store.close(t, "c", always, late)
	var requests sync.WaitGroup
	for range 8 {
		requests.Go(func() {
			report, err := reader.Windows(t.Context(), WindowFilter{Span: qos.Span{Starts: 2}})
			if err != nil || report.Windows[0].Sessions != 2 || report.Windows[0].Servicers[0].RoundTripTimes.P50 == nil {
				t.Errorf("windows %+v, %v", report, err)
			}
		})
		requests.Go(func() {
			report, err := reader.Report(t.Context(), ReportFilter{Servicer: late})
			if err != nil || len(report.Sessions) != 1 || len(report.Sessions[0].Servicers) != 1 {
				t.Errorf("report %+v, %v", report, err)
			}
		})
	}
	requests.Wait()
}

// The digests of all closed sessions are kept, however many there are, and go with their sessions.
func TestDigestsAreThoseOfWhatIsStored(t *testing.T) {
	store := newMemory()
	for i := range 400 {
		header := &types.SessionHeader{Id: fmt.Sprintf("%064x", i), StartHeight: int64(10 * i), RelayChain: "0001", GeoZone: "local"}
		store.sessions = append(store.sessions, &types.QoSSession{Header: header, Closed: true, ChecksPlanned: 1, JoinedHeight: int64(10 * i)})
	}
	reader := NewReader(store, NewRolling(), Prover{})
	read := func() int {
		store.read = nil
		report, err := reader.Report(t.Context(), ReportFilter{})
		if err != nil || len(report.Sessions) != len(store.sessions) {
			t.Fatalf("%d sessions of %d, %v", len(report.Sessions), len(store.sessions), err)
		}
		return len(store.read)
	}
	if first, second := read(), read(); first != 400 || second != 0 {
		t.Errorf("the first report read the rounds of %d sessions, the second those of %d", first, second)
	}
	if windows, err := reader.Windows(t.Context(), WindowFilter{Span: qos.Span{Starts: 400}}); err != nil || windows.Windows[0].Sessions != 400 || len(store.read) != 0 {
		t.Errorf("a window read the rounds of %d sessions, %v", len(store.read), err)
	}
	store.sessions = store.sessions[300:]
	if again := read(); again != 0 || len(reader.digests.closed.entries) != 100 {
		t.Errorf("after pruning: the rounds of %d sessions read, %d digests kept of 100 sessions", again, len(reader.digests.closed.entries))
	}
}

func TestMembersBeginWithAPrefix(t *testing.T) {
	reader := NewReader(sampled(), NewRolling(), Prover{})
	all, err := reader.Members(t.Context(), "", 10)
	if err != nil || !slices.Contains(all.Servicers, late) || !slices.Contains(all.Servicers, always) || !slices.IsSorted(all.Servicers) || len(all.Applications) == 0 {
		t.Errorf("%+v, %v", all, err)
	}
	if some, err := reader.Members(t.Context(), late, 10); err != nil || !slices.Equal(some.Servicers, []string{late}) || some.Applications != nil && some.Applications[0] != late {
		t.Errorf("%+v, %v", some, err)
	}
	if one, err := reader.Members(t.Context(), "", 1); err != nil || len(one.Servicers) != 1 || one.Servicers[0] != all.Servicers[0] {
		t.Errorf("%+v, %v", one, err)
	}
}
