package terminal

import (
	"slices"

	"github.com/pocket-fisherman/fisherman/app/client/observer"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// rows are the servicers that the screen shows, worst first: those of the session's relay chain and zone by their newest checks,
// whatever sessions these are of. Of a session that tab led to, those of the session.
func (s screen) rows(session observer.Session) []api.ServicerReport {
	if rolling := s.rolling(session); rolling != nil {
		rows := make([]api.ServicerReport, 0, len(rolling.Servicers))
		for _, servicer := range rolling.Servicers {
			rows = append(rows, RollingRow(servicer))
		}
		return rows
	}
	return session.Report.Servicers
}

// rolling are the newest checks where the session is; nil if the rows are the session's own.
func (s screen) rolling(session observer.Session) *api.RollingReport {
	if s.pinned {
		return nil
	}
	at := slices.IndexFunc(s.seen.Rolling, func(r api.RollingReport) bool {
		return r.RelayChain == session.Report.RelayChain && r.GeoZone == session.Report.GeoZone && len(r.Servicers) > 0
	})
	if at < 0 {
		return nil
	}
	return &s.seen.Rolling[at]
}

// inSession is a servicer's part in a session; nil for one that is no member.
func inSession(session observer.Session, servicer string) *api.ServicerReport {
	at := slices.IndexFunc(session.Report.Servicers, func(s api.ServicerReport) bool { return s.Servicer == servicer })
	if at < 0 {
		return nil
	}
	return &session.Report.Servicers[at]
}

// beside is a servicer's verdict in the session that is drawn.
func (f Form) beside(servicer string) string {
	if member := inSession(*f.session, servicer); member != nil {
		return verdictWords(member.Verdict)
	}
	return Absent
}

// besides reports whether rows are of newer and older sessions too, so that the session's verdict stands beside.
func (f Form) besides() bool { return f.rolling && f.roomy() }
