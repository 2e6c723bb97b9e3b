package localnet

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
)

// documentedAPI is a node's API, checked against the document that the node serves.
type documentedAPI struct {
	t        *testing.T
	url      string
	document *openapi3.T
	asked    map[string]bool
}

// request sends a request and checks its answer, which must not be an error.
func (d *documentedAPI) request(method, target string, body io.Reader) []byte {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), method, d.url+target, body)
	if err != nil {
		d.t.Fatal(err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/x-protobuf")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		d.t.Fatalf("%s: %d, %v: %s", target, response.StatusCode, err, content)
	}
	if d.document == nil {
		return content
	}
	path := strings.Split(target, "?")[0]
	d.asked[path] = true
	schema := d.document.Paths.Find(path).GetOperation(method).Responses.Status(http.StatusOK).Value.Content["application/json"].Schema
	d.conforms(target, schema, content)
	return content
}

func (d *documentedAPI) conforms(what string, schema *openapi3.SchemaRef, content []byte) {
	d.t.Helper()
	var value any
	if err := json.Unmarshal(content, &value); err != nil {
		d.t.Fatalf("%s: %v", what, err)
	}
	if err := schema.Value.VisitJSON(value, openapi3.MultiErrors()); err != nil {
		d.t.Errorf("%s: %.500s\n%v", what, content, err)
	}
}

// events reads the stream until every wanted kind was received.
func (d *documentedAPI) events(wanted ...string) {
	d.t.Helper()
	d.asked["/v1/qos/events"] = true
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.url+"/v1/qos/events", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	request.Header.Set("Last-Event-ID", "1") // also reports stored rounds
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer response.Body.Close()
	schemas := map[string]string{"round": "Round", "session": "SessionNotice"}
	lines, kind, told, ids := bufio.NewScanner(response.Body), "", map[string]int{}, 0
	lines.Buffer(nil, 4<<20)
	for len(told) < len(wanted) || ids == 0 {
		if !lines.Scan() {
			d.t.Fatalf("the stream ended after %v: %v", told, lines.Err())
		}
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			ids++
		case "event":
			kind = value
		case "data":
			told[kind]++
			d.conforms("event "+kind, d.document.Components.Schemas[schemas[kind]], []byte(value))
		}
	}
}

// sent submits a transaction, waits for its block, and returns its hash.
func (d *documentedAPI) sent(l *LocalNet) string {
	d.t.Helper()
	raw, err := transaction.Seal(Key(l.options.Seed, types.ActorType_ACTOR_TYPE_APPLICATION, 0), &types.Transaction{ChainId: l.ChainID(), FeeUpokt: 10_000,
		Message: &types.Transaction_Send{Send: &types.Send{Recipient: strings.Repeat("ab", 20), AmountUpokt: 1}}})
	if err != nil {
		d.t.Fatal(err)
	}
	var receipt api.Receipt
	if err := json.Unmarshal(d.request(http.MethodPost, "/v1/tx?wait=true", bytes.NewReader(raw)), &receipt); err != nil || receipt.Height == 0 {
		d.t.Fatalf("%+v, %v", receipt, err)
	}
	return receipt.Hash
}

// Every operation of a real network's API answers as its document says.
func TestAPIAnswersAsDocumented(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	l, _ := started(t, quick())
	waitForHeight(t, l, 2*l.options.BlocksPerSession)
	d := &documentedAPI{t: t, url: l.RPCURL(), asked: map[string]bool{"/v1/openapi.yaml": true}}
	document, err := openapi3.NewLoader().LoadFromData(d.request(http.MethodGet, "/v1/openapi.yaml", nil))
	if err != nil {
		t.Fatal(err)
	}
	d.document = document
	var report api.Report
	if err := json.Unmarshal(d.request(http.MethodGet, "/v1/qos", nil), &report); err != nil || len(report.Sessions) == 0 {
		t.Fatalf("%d sessions, %v", len(report.Sessions), err)
	}
	session := report.Sessions[0]
	servicer := session.Servicers[0].Address
	for _, target := range []string{
		"/v1/health", "/v1/ready", "/v1/version", "/v1/status", "/v1/params", "/v1/block", "/v1/blocks", "/v1/blocks?from=1&limit=3",
		"/v1/transaction?hash=" + d.sent(l),
		"/v1/session?relay_chain=0001&application=" + session.Application,
		"/v1/actors?type=application", "/v1/actors?type=servicer", "/v1/actors?type=fisherman", "/v1/actors?type=validator",
		"/v1/account?address=" + session.Application,
		"/v1/addresses?prefix=" + session.Application[:8],
		"/v1/qos?window=10", "/v1/qos?rolling=5,10m", "/v1/qos/history?last=1h", "/v1/qos/history?servicer=" + servicer + "&last=1h", "/v1/qos?servicer=" + servicer,
		"/v1/qos/rounds?session=" + session.ID, "/v1/qos/rounds?limit=1&session=" + session.ID + "&servicer=" + servicer,
		"/v1/evidence", "/v1/relays", "/v1/relays/session?session=" + session.ID,
	} {
		d.request(http.MethodGet, target, nil)
	}
	d.request(http.MethodPost, fmt.Sprintf("/v1/check?servicer=%s", servicer), nil)
	d.events("round", "session")
	for path := range document.Paths.Map() {
		if !d.asked[path] {
			t.Errorf("%s is documented and was not asked", path)
		}
	}
}

// A listening client receives what a LocalNet's fisherman stores.
func TestRoundsAreHeardAsTheyAreStored(t *testing.T) {
	l, _ := started(t, quick())
	waitForHeight(t, l, 2)
	node, err := client.New(l.RPCURL())
	if err != nil {
		t.Fatal(err)
	}
	defer node.Close()
	heard := make(chan client.Event, 1)
	ended := make(chan error, 1)
	enough := fmt.Errorf("enough")
	go func() {
		ended <- node.Events(t.Context(), "", nil, func(event client.Event) error {
			if event.Round == nil {
				return nil
			}
			heard <- event
			return enough
		})
	}()
	select {
	case event := <-heard:
		<-ended
		page, err := node.Rounds(t.Context(), client.RoundFilter{SessionID: event.Round.Session, From: event.Round.Index, Limit: 1})
		if err != nil || len(page.Rounds) != 1 || page.Rounds[0].Index != event.Round.Index || len(page.Rounds[0].Samples) != len(event.Round.Samples) {
			t.Errorf("heard %+v; stored %+v, %v", event.Round, page, err)
		}
	case err := <-ended:
		t.Errorf("the stream ended: %v", err)
	case <-time.After(30 * time.Second):
		t.Error("no round was heard")
	}
}
