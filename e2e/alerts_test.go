package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cucumber/godog"
)

// alertsStory is the state of a story about messages on verdicts.
type alertsStory struct {
	alerts struct {
		// stopped is whether the target that can be stopped hangs up on everybody.
		stopped atomic.Bool

		mu   sync.Mutex
		sent []alertMessage
	}
}

// alertMessage is the body of a webhook's request, as docs/alerts.md describes it.
type alertMessage struct {
	Version             int
	Status, Title, Link string
	Count               int
	Alerts              []struct {
		RelayChain string `json:"relay_chain"`
		Servicer   string
		Verdict    string
		Reason     string
	}
}

func (s *story) alertsSteps(scenario *godog.ScenarioContext) {
	scenario.Given(`^a fisherman of endpoints in front of its nodes, which tells a webhook and a receiver that hangs$`, s.startAlerting)
	scenario.When(`^target node-3 stops$`, func() error {
		s.alerts.stopped.Store(true)
		return nil
	})
	scenario.When(`^target node-3 comes back$`, func() error {
		s.alerts.stopped.Store(false)
		return nil
	})
	scenario.Then(`^the webhook is sent one message, that (\S+) is (\S+)$`, func(target, verdict string) error {
		return s.webhookIsSent(0, "firing", target, verdict)
	})
	scenario.Then(`^the webhook is sent one message more, that (\S+) is (\S+)$`, func(target, verdict string) error {
		return s.webhookIsSent(1, "resolved", target, verdict)
	})
}

func (s *story) startAlerting() error {
	if err := s.nodesAnswer(); err != nil {
		return err
	}
	var targets strings.Builder
	for _, name := range []string{"node-1", "node-2", "node-3"} {
		address, err := s.proxied(s.network.EthereumURL(), func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
			if name == "node-3" && s.alerts.stopped.Load() {
				panic(http.ErrAbortHandler) // the connection ends
			}
			pass.ServeHTTP(w, r)
		})
		if err != nil {
			return err
		}
		targets.WriteString(target(name, address))
	}
	return s.runEndpoints("  - name: ethereum\n    interval: 500ms\n    session: 10s\n    rate: 10\n    sla: 2s\n    control: node-1\n    targets:\n" + targets.String() +
		fmt.Sprintf(`alerts:
  public_url: https://fisherman.example
  group_wait: 0s
  rules: [{name: down, verdicts: [unavailable], for: 2s, resolve_after: 2s}]
  receivers:
    - {name: hook, url: %q, headers: {X-Token: "${E2E_TOKEN}"}}
    - {name: hanging, url: %q}
`, s.webhook(s.takeAlert), s.webhook(hang)))
}

// hang answers nothing until the client is gone, which a server notices once it has read the request.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// webhook serves a receiver, and returns its URL, which is a secret.
func (s *story) webhook(take http.HandlerFunc) string {
	server := httptest.NewServer(take)
	s.endpoints.proxies = append(s.endpoints.proxies, server)
	return server.URL + endpointPath
}

func (s *story) takeAlert(w http.ResponseWriter, r *http.Request) {
	var message alertMessage
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil || r.URL.Path != endpointPath || r.Header.Get("X-Token") != endpointToken {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.alerts.mu.Lock()
	defer s.alerts.mu.Unlock()
	s.alerts.sent = append(s.alerts.sent, message)
}

// received returns the messages so far.
func (s *story) received() []alertMessage {
	s.alerts.mu.Lock()
	defer s.alerts.mu.Unlock()
	return append([]alertMessage(nil), s.alerts.sent...)
}

// webhookIsSent waits for a message, which is the last.
func (s *story) webhookIsSent(index int, status, target, verdict string) error {
	if err := eventually("the webhook is sent a message", func() bool { return len(s.received()) > index }); err != nil {
		return fmt.Errorf("%w\n%s", err, s.endpoints.log.String())
	}
	sent := s.received()
	message := sent[index]
	if len(sent) != index+1 || len(message.Alerts) != 1 {
		return fmt.Errorf("%+v", sent)
	}
	alert := message.Alerts[0]
	return errors.Join(
		expect(message.Version == 1 && message.Status == status && message.Count == 1 && message.Link == "https://fisherman.example/#/servicer/"+target, "%+v", message),
		expect(alert.RelayChain == "ethereum" && alert.Servicer == target && alert.Verdict == verdict && alert.Reason != "", "%+v", alert))
}
