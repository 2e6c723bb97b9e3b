package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/cucumber/godog"

	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// evidenceStory is the state of a story about saved evidence and a check on demand.
type evidenceStory struct {
	// saved is the file with the evidence, in a directory of the story's.
	saved string
	check struct {
		Verdict     string          `json:"verdict"`
		Explanation []string        `json:"explanation"`
		Check       api.CheckReport `json:"check"`
	}
}

func (s *story) evidenceSteps(scenario *godog.ScenarioContext) {
	scenario.When(`^the evidence of the session is saved$`, s.saveEvidence)
	scenario.When(`^one byte of the first "([a-z_]+)" in it is altered$`, s.alterEvidence)
	scenario.Then(`^it names the lying servicer as the dissenter of every piece$`, s.liarDissents)
	scenario.Then(`^the saved evidence verifies without a node$`, func() error { return s.verifyEvidence(0) })
	scenario.Then(`^the saved evidence does not verify$`, func() error { return s.verifyEvidence(12) })
	scenario.Then(`^what is proved is that two signed answers to the same question differ$`, func() error {
		return expect(strings.Contains(s.stdout, "signed its answer to the same question") && strings.Contains(s.stdout, "does not prove which of them is wrong"), "%s", s.stdout)
	})
	scenario.When(`^the fisherman is told to check (an honest|a slow|a down|a lying) servicer$`, s.checkOnDemand)
	scenario.When(`^(an honest|a down) servicer is checked at its URL by (a stranger|the application)$`, s.checkAtURL)
	scenario.Then(`^the check ends with exit code (\d+) and the verdict "([a-z]+)"$`, func(code int, verdict string) error {
		return expect(s.exit == code && s.check.Verdict == verdict, "exit code %d, verdict %q: %s %s", s.exit, s.check.Verdict, s.check.Explanation, s.stderr)
	})
	scenario.Then(`^it says "([^"]+)"$`, func(text string) error {
		return expect(strings.Contains(strings.Join(s.check.Explanation, " "), text), "%q", s.check.Explanation)
	})
	scenario.Then(`^every phase that was reached has a time$`, s.phasesAreThere)
}

// saveEvidence runs the program as a user would.
func (s *story) saveEvidence() error {
	directory, err := os.MkdirTemp("", "e2e-evidence-")
	if err != nil {
		return err
	}
	s.saved = filepath.Join(directory, "evidence.json")
	if err := s.run("fisherman", "evidence", "--node", s.network.RPCURL(), "--session", s.session().ID, "--out", s.saved); err != nil {
		return err
	}
	return expect(s.exit == 0, "exit code %d: %s", s.exit, s.stderr)
}

func (s *story) alterEvidence(field string) error {
	text, err := os.ReadFile(s.saved)
	if err != nil {
		return err
	}
	_, after, found := strings.Cut(string(text), `"`+field+`": "`)
	value := regexp.MustCompile(`^([^"\\]|\\.)*`).FindString(after)
	// A letter or digit from the middle on that no backslash is before: the file stays one of JSON.
	place := regexp.MustCompile(`[^\\][0-9A-Za-z]`).FindStringIndex(value[len(value)/2:])
	if !found || place == nil {
		return fmt.Errorf("no %s in the evidence whose byte can be altered", field)
	}
	at := len(text) - len(after) + len(value)/2 + place[1] - 1
	text[at] = map[bool]byte{true: '1', false: '0'}[text[at] == '0']
	return os.WriteFile(s.saved, text, 0o600)
}

// verifyEvidence works without any node: the program is given the address of none.
func (s *story) verifyEvidence(code int) error {
	if err := s.run("fisherman", "verify", s.saved); err != nil {
		return err
	}
	failed := strings.Contains(s.stdout, "FAILED")
	return expect(s.exit == code && failed == (code != 0), "exit code %d: %s%s", s.exit, s.stdout, s.stderr)
}

func (s *story) liarDissents() error {
	text, err := os.ReadFile(s.saved)
	if err != nil {
		return err
	}
	var file struct {
		Evidence []struct {
			Session struct{ ID string }
			Votes   []struct{ Servicer, Consistency string }
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return err
	}
	liar := s.servicerOf("a lying").Address
	for _, piece := range file.Evidence {
		for _, vote := range piece.Votes {
			if dissents := vote.Consistency == "DISAGREE"; dissents != (vote.Servicer == liar) || piece.Session.ID != s.session().ID {
				return fmt.Errorf("in session %s %s says %s", piece.Session.ID, vote.Servicer, vote.Consistency)
			}
		}
	}
	compared, err := s.settled(liar)
	if err != nil {
		return err
	}
	return expect(len(file.Evidence) == compared, "%d pieces of %d checks of settled blocks", len(file.Evidence), compared)
}

// servicerOf finds a servicer by its article and kind.
func (s *story) servicerOf(which string) localnet.Servicer {
	_, kind, _ := strings.Cut(which, " ")
	for _, servicer := range s.network.Servicers() {
		if kindOf(servicer) == kind {
			return servicer
		}
	}
	return localnet.Servicer{}
}

// checkOnDemand retries if this machine was at fault, another check was just made, or a session has just ended.
func (s *story) checkOnDemand(which string) error {
	s.servicer = s.servicerOf(which).Address
	again := time.NewTicker(500 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(patience); ; <-again.C {
		if err := s.runCheck("--node", s.network.RPCURL(), "--servicer", s.servicer); err != nil {
			return err
		}
		if s.exit != 1 && s.exit != 3 && s.exit != 4 {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.New(s.stderr)
		}
	}
}

func (s *story) checkAtURL(which, who string) error {
	servicer := s.servicerOf(which)
	s.servicer = servicer.Address
	args := []string{"--url", servicer.ServiceURL}
	if who == "the application" {
		args = append(args, "--node", s.network.RPCURL(), "--application", s.network.Application(), "--chain", "0001")
	}
	return s.runCheck(args...)
}

// runCheck runs the command and reads what it says.
func (s *story) runCheck(args ...string) error {
	s.check.Verdict, s.check.Explanation, s.check.Check = "", nil, api.CheckReport{}
	if err := s.run(append([]string{"fisherman", "check", "--output", "json"}, args...)...); err != nil || s.stdout == "" {
		return err
	}
	return json.Unmarshal([]byte(s.stdout), &s.check)
}

func (s *story) phasesAreThere() error {
	sample := s.check.Check.Sample(s.servicer)
	if sample == nil {
		return errors.New("the servicer has no sample")
	}
	reached := sample.Outcome == "OK"
	for _, phase := range []*float64{sample.Connect, sample.WriteMS, sample.TimeToFirstByte, sample.RoundTripTime} {
		if (phase != nil) != reached {
			return fmt.Errorf("outcome %s, but %+v", sample.Outcome, sample)
		}
	}
	return expect(len(s.check.Check.Samples) == len(s.network.Servicers()), "%d were asked", len(s.check.Check.Samples))
}
