package localnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// awaitInterval is the pause between two questions to a node that is not ready.
	awaitInterval = 500 * time.Millisecond
	// awaitAnswer bounds one question.
	awaitAnswer = 2 * time.Second
)

// ErrNotLevel is returned when a servicer of a Fleet was not level with the chain in time.
var ErrNotLevel = errors.New("a servicer is not level with the chain")

// AwaitServicers waits until all servicers of a Fleet's genesis are ready: level with the chain, so that they know its
// sessions. A node that meets the chain after it began fetches blocks for ten to twenty seconds first, and its servicer is
// truly unavailable meanwhile. home is that of any node of the Fleet. Errors: ErrHomeUnusable, ErrNotLevel when the context
// ends.
func AwaitServicers(ctx context.Context, home string) error {
	servicers, err := readyURLs(home)
	if err != nil {
		return err
	}
	asking := http.Client{Timeout: awaitAnswer}
	defer asking.CloseIdleConnections()
	ticks := time.NewTicker(awaitInterval)
	defer ticks.Stop()
	for len(servicers) > 0 {
		if ready(ctx, &asking, servicers[0]) {
			servicers = servicers[1:]
			continue
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %s does not say so, and %d more were not asked yet", ErrNotLevel, servicers[0], len(servicers)-1)
		case <-ticks.C:
		}
	}
	return nil
}

// readyURLs returns where the servicers of a home's genesis say that they are ready.
func readyURLs(home string) ([]string, error) {
	data, err := os.ReadFile(filepath.Join(home, genesisName))
	if err != nil {
		return nil, unusable("read genesis", err)
	}
	first, err := genesis.Parse(data)
	if err != nil {
		return nil, unusable("read genesis", err)
	}
	var urls []string
	for _, actor := range first.GetActors() {
		if actor.GetType() != types.ActorType_ACTOR_TYPE_SERVICER {
			continue
		}
		service, err := url.Parse(actor.GetServiceUrl())
		if err != nil {
			return nil, unusable("read a service URL", err)
		}
		urls = append(urls, httpURL(net.JoinHostPort(service.Hostname(), fleetAPIPort))+"/v1/ready")
	}
	return urls, nil
}

func ready(ctx context.Context, asking *http.Client, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := asking.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}
