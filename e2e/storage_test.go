package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/cucumber/godog"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// storageStory is the state of a story about relays that a servicer should keep.
type storageStory struct {
	// made are the request hashes of the relays that were made, and the sessions that they were made in.
	made map[string]string
}

func (s *story) storageSteps(scenario *godog.ScenarioContext) {
	scenario.When(`^the application makes (\d+) relays to an honest servicer$`, s.makeRelays)
	scenario.Then(`^the program shows that the servicer has stored relays, and dropped and failed none$`, s.storedNoneLost)
	scenario.Then(`^it shows those (\d+) relays in their sessions, each with both signatures$`, s.madeAreKept)
	scenario.Then(`^the signatures of every relay that is kept of these sessions fit$`, s.allKeptVerify)
}

func (s *story) makeRelays(count int) error {
	s.made = map[string]string{}
	for range count {
		if err := s.relayTo("the application", "block", 1, "an honest"); err != nil {
			return err
		}
		var result struct {
			RequestHash string `json:"request_hash"`
			Session     string `json:"session_id"`
		}
		if err := json.Unmarshal([]byte(s.stdout), &result); err != nil || s.exit != 0 || result.Session == "" {
			return fmt.Errorf("relay: exit code %d, %s %s (%v)", s.exit, s.stdout, s.stderr, err)
		}
		s.made[result.RequestHash] = result.Session
	}
	return expect(len(s.made) == count, "%d relays of %d have a hash of their own", len(s.made), count)
}

func (s *story) storedNoneLost() error {
	return eventually("the relays are stored", func() bool {
		var kept api.KeptRelays
		if s.told(&kept, "servicer", "relays", "--node", s.network.RPCURL(), "--output", "json") != nil {
			return false
		}
		at := slices.IndexFunc(kept.Servicers, func(r api.ServicerRelays) bool { return r.Address == s.servicer })
		return at >= 0 && kept.Servicers[at].Stored >= uint64(len(s.made)) && kept.Servicers[at].Dropped+kept.Servicers[at].Failed == 0 &&
			kept.Store.Relays >= len(s.made)
	})
}

// keptOf reads all relays that are kept of a session, page by page.
func (s *story) keptOf(session string) (relays []api.KeptRelay, err error) {
	for from, more := int64(0), true; more; {
		var page api.RelayPage
		err := s.told(&page, "servicer", "relays", "--node", s.network.RPCURL(), "--session", session, "--from", fmt.Sprint(from),
			"--limit", "5", "--output", "json")
		if err != nil {
			return nil, err
		}
		relays = append(relays, page.Relays...)
		if more = page.Next != nil; more {
			from = *page.Next
		}
	}
	return relays, nil
}

// madeAreKept waits for the relays, which are written a moment after they were answered.
func (s *story) madeAreKept(count int) error {
	found := 0
	for hash, session := range s.made {
		var relays []api.KeptRelay
		at := -1
		if err := eventually("relay "+hash+" is kept", func() bool {
			relays, _ = s.keptOf(session)
			at = slices.IndexFunc(relays, func(r api.KeptRelay) bool { return r.RequestHash == hash })
			return at >= 0
		}); err != nil {
			return err
		}
		opened, err := relay.OpenExchanged(relays[at].Request, relays[at].Response)
		if err != nil {
			return err
		}
		if opened.Signer != s.network.Application() || opened.Request.GetServicer() != s.servicer ||
			!bytes.Equal(opened.Request.GetJsonRpc().GetBody(), []byte(s.payload)) || time.Since(relays[at].Received).Abs() > patience {
			return fmt.Errorf("relay %s is kept as %v, signed by %s", hash, opened.Request, opened.Signer)
		}
		found++
	}
	return expect(found == count, "%d relays were found", found)
}

func (s *story) allKeptVerify() error {
	for _, session := range s.made {
		relays, err := s.keptOf(session)
		if err != nil {
			return err
		}
		for i, kept := range relays {
			opened, err := relay.OpenExchanged(kept.Request, kept.Response)
			if err != nil {
				return fmt.Errorf("relay %d of session %s: %w", i, session, err)
			}
			if opened.Request.GetSession().GetId() != session || kept.Place != int64(i) {
				return fmt.Errorf("place %d of session %s has place %d of %s", i, session, kept.Place, opened.Request.GetSession().GetId())
			}
		}
	}
	return nil
}
