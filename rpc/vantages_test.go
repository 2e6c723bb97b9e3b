package rpc

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
)

// collected is what a collector of three vantage points reads.
type collected struct{ SampleReader }

func (collected) Report(context.Context, samples.ReportFilter) (api.Report, error) {
	return api.Report{Sessions: []api.SessionReport{}, Vantages: heardVantages(), Rolling: []api.RollingReport{{RelayChain: "0001", GeoZone: "local", Network: "pocket-1", Checks: 30,
		MaxAgeSeconds: 3600, Servicers: []api.RollingServicer{{Servicer: knownServicer, Outcomes: api.Outcomes{}, Verdict: api.VerdictHealthy, Standing: api.StandingAsked,
			Vantages: []api.RowVantage{{Place: "sydney", State: api.VantageStatePath, StateWord: "path", Verdict: api.VerdictUnknown, PathNulls: 30}}}}}}}, nil
}

func (collected) Rounds(_ context.Context, filter samples.RoundFilter) (api.RoundPage, error) {
	if filter.Vantage != "sydney" {
		return api.RoundPage{}, samples.ErrUnknownPlace
	}
	return api.RoundPage{Session: filter.SessionID, Vantage: filter.Vantage, Rounds: []api.Round{}}, nil
}

func heardVantages() []api.Vantage {
	return []api.Vantage{{Place: "sydney", Fisherman: knownFisherman, State: api.VantageStateContradicted, StateWord: "contradicted", Contradictions: []api.Contradiction{
		{RelayChain: "0001", GeoZone: "local", Servicer: knownServicer, About: api.ContradictionAboutAnswers, AboutWord: "answers"}}}}
}

// What is said of vantage points is as documented; a place that there is not is a wrong parameter.
func TestVantagesAreServed(t *testing.T) {
	readers, _, _ := readersAt(23)
	readers.Samples, readers.Vantages = collected{}, heardVantages
	server := New(Config{}, readers)
	for path, want := range map[string]string{
		"/v1/status": `"place":"sydney"`,
		"/v1/qos":    `"path_nulls":30`,
		"/v1/qos/rounds?session=" + knownSession + "&vantage=sydney": `"vantage":"sydney"`,
	} {
		answer := ask(server, http.MethodGet, path)
		documented, _, _ := strings.Cut(path, "?")
		conforms(t, documented, answer)
		if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), want) {
			t.Errorf("%s: %d, no %s in %s", path, answer.Code, want, answer.Body)
		}
	}
	for _, place := range []string{"berlin", "a%00b"} {
		if answer := ask(server, http.MethodGet, "/v1/qos/rounds?session="+knownSession+"&vantage="+place); answer.Code != http.StatusBadRequest {
			t.Errorf("%s: %d: %s", place, answer.Code, answer.Body)
		}
	}
	for _, path := range []string{"/v1/evidence?before_vantage=sydney", "/v1/evidence?before_session=" + knownSession + "&before_vantage=sydney"} {
		if answer := ask(server, http.MethodGet, path); answer.Code != http.StatusBadRequest {
			t.Errorf("%s: %d: %s", path, answer.Code, answer.Body)
		}
	}
}
