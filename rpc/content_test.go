package rpc

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/packed"
)

// askWith asks with header fields, given as name and value in turn.
func askWith(server *Server, method, target string, fields ...string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(fields); i += 2 {
		request.Header.Add(fields[i], fields[i+1])
	}
	server.ServeHTTP(recorder, request)
	return recorder
}

// unzipped returns the text of an answer that is compressed.
func unzipped(t *testing.T, answer *httptest.ResponseRecorder) string {
	t.Helper()
	reader, err := gzip.NewReader(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Answers above a kilobyte are compressed for who asks for it, and are the same otherwise; small ones, errors and streams of
// events are not.
func TestAnswersAreCompressedWhenAskedFor(t *testing.T) {
	readers, _, measured := readersAt(9)
	readers.Samples = large{fakeQoS: measured, rounds: 3}
	server := New(Config{}, readers)
	for _, target := range []string{"/v1/qos?last=1000", "/v1/qos?window=24h", "/v1/evidence", "/v1/qos/rounds?session=" + knownSession, "/v1/openapi.yaml"} {
		plain, coded := askWith(server, http.MethodGet, target), askWith(server, http.MethodGet, target, "Accept-Encoding", "br, gzip;q=0.8")
		if plain.Header().Get("Content-Encoding") != "" || plain.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s plain: %v", target, plain.Header())
		}
		header := coded.Header()
		if header.Get("Content-Encoding") != "gzip" || header.Get("Vary") != "Accept-Encoding" || header.Get("ETag") != plain.Header().Get("ETag") ||
			header.Get("Content-Type") != plain.Header().Get("Content-Type") || header.Get("Content-Length") != strconv.Itoa(coded.Body.Len()) {
			t.Errorf("%s coded: %v, plain %v", target, header, plain.Header())
		}
		if coded.Body.Len() >= plain.Body.Len()/4 {
			t.Errorf("%s: %d bytes of %d", target, coded.Body.Len(), plain.Body.Len())
		}
		length := coded.Body.Len()
		if text := unzipped(t, coded); text != plain.Body.String() {
			t.Errorf("%s: %d bytes unzipped, %d plain", target, len(text), plain.Body.Len())
		}
		head := askWith(server, http.MethodHead, target, "Accept-Encoding", "gzip")
		if head.Body.Len() != 0 || head.Header().Get("Content-Length") != strconv.Itoa(length) || head.Header().Get("Content-Encoding") != "gzip" {
			t.Errorf("%s: HEAD %v with %d bytes, GET has %d", target, head.Header(), head.Body.Len(), length)
		}
		refused := askWith(server, http.MethodGet, target, "Accept-Encoding", "gzip;q=0, identity")
		if refused.Header().Get("Content-Encoding") != "" || refused.Body.Len() != plain.Body.Len() {
			t.Errorf("%s refused: %v", target, refused.Header())
		}
	}
	for _, target := range []string{"/v1/status", "/v1/qos?last=zero", "/nowhere"} {
		if answer := askWith(server, http.MethodGet, target, "Accept-Encoding", "gzip"); answer.Header().Get("Content-Encoding") != "" || !json.Valid(answer.Body.Bytes()) {
			t.Errorf("%s: %v", target, answer.Header())
		}
	}
	if small := askWith(server, http.MethodGet, "/v1/status", "Accept-Encoding", "gzip, identity;q=0"); small.Header().Get("Content-Encoding") != "gzip" || !json.Valid([]byte(unzipped(t, small))) {
		t.Errorf("a plain answer was refused: %v", small.Header())
	}
	if events := askWith(server, http.MethodHead, "/v1/qos/events", "Accept-Encoding", "gzip"); events.Header().Get("Content-Encoding") != "" || events.Header().Get("ETag") != "" {
		t.Errorf("events: %v", events.Header())
	}
}

// Who has an answer is told so without it, however it was coded; when it changes, its tag does.
func TestUnchangedAnswersAreNotSent(t *testing.T) {
	readers, _, measured := readersAt(9)
	server := New(Config{}, readers)
	for _, target := range []string{"/v1/qos", "/v1/status", "/v1/openapi.yaml"} {
		tag := askWith(server, http.MethodGet, target).Header().Get("ETag")
		if !strings.HasPrefix(tag, `W/"`) {
			t.Fatalf("%s: tag %q", target, tag)
		}
		for _, known := range []string{tag, strings.TrimPrefix(tag, "W/"), "*", `"x", ` + tag} {
			for _, coding := range []string{"", "gzip"} {
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					answer := askWith(server, method, target, "If-None-Match", known, "Accept-Encoding", coding)
					header := answer.Header()
					if answer.Code != http.StatusNotModified || answer.Body.Len() != 0 || header.Get("ETag") != tag || header.Get("Vary") != "Accept-Encoding" ||
						header.Get("Cache-Control") != "no-store" || header.Get("Content-Type") != "" || header.Get("Content-Length") != "" {
						t.Errorf("%s %s %s: %d, %d bytes, %v", method, target, known, answer.Code, answer.Body.Len(), header)
					}
				}
			}
		}
		for _, other := range []string{`"x"`, "", "x", tag + "x"} {
			if answer := askWith(server, http.MethodGet, target, "If-None-Match", other); answer.Code != http.StatusOK || answer.Body.Len() == 0 {
				t.Errorf("%s %q: %d", target, other, answer.Code)
			}
		}
	}
	before := askWith(server, http.MethodGet, "/v1/qos").Header().Get("ETag")
	measured.changed = true
	if answer := askWith(server, http.MethodGet, "/v1/qos", "If-None-Match", before); answer.Code != http.StatusOK || answer.Header().Get("ETag") == before {
		t.Errorf("after a change: %d, %v", answer.Code, answer.Header())
	}
	if refused := askWith(server, http.MethodGet, "/v1/qos?last=zero", "If-None-Match", "*"); refused.Code != http.StatusBadRequest || refused.Header().Get("ETag") != "" {
		t.Errorf("a refusal: %d, %v", refused.Code, refused.Header())
	}
}

// A report that is assembled of what was encoded before is byte for byte what encoding/json makes of it.
func TestAssembledReports(t *testing.T) {
	for sessions := range 4 {
		whole := api.Report{Rolling: []api.RollingReport{{RelayChain: `"sessions":[]<é>`, Servicers: []api.RollingServicer{{Servicer: "a", Outcomes: api.Outcomes{"OK": 2}}}}}, Sessions: []api.SessionReport{}}
		text := samples.ReportText{Rolling: whole.Rolling}
		for n := range sessions {
			session := api.SessionReport{ID: fmt.Sprintf("%064d", n), Servicers: []api.ServicerReport{{Servicer: "a", Reason: "<é>\u2028", Outcomes: api.Outcomes{"OK": n}}}}
			whole.Sessions = append(whole.Sessions, session)
			session.Servicers = slices.Clone(session.Servicers)
			session.Servicers[0].OutcomeCounts = session.Servicers[0].Outcomes.Counts()
			plain, err := json.Marshal(session)
			if err != nil {
				t.Fatal(err)
			}
			part := packed.Part{Text: plain}
			if piece := packed.Pack(plain); n%2 == 0 {
				part = packed.Part{Piece: &piece}
			}
			text.Sessions = append(text.Sessions, samples.EncodedSession{Part: part, Digest: packed.Digest(plain)})
		}
		made, err := assemble(text)
		if err != nil {
			t.Fatal(err)
		}
		whole.Sessions = altered(whole.Sessions, func(session *api.SessionReport) {
			session.Servicers = altered(session.Servicers, func(row *api.ServicerReport) { row.OutcomeCounts = row.Outcomes.Counts() })
		})
		want, err := encode(countOutcomes(whole))
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := made.plain()(func(part []byte) error { _, err := got.Write(part); return err }); err != nil || !bytes.Equal(got.Bytes(), want) || made.size != len(want) {
			t.Errorf("%d sessions, %v\n%s\nwant\n%s", sessions, err, got.Bytes(), want)
		}
		stream, _ := packed.Join(made.parts)
		reader, err := gzip.NewReader(bytes.NewReader(bytes.Join(stream, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := io.ReadAll(reader); err != nil || !bytes.Equal(again, want) {
			t.Errorf("%d sessions zipped, %v\n%s", sessions, err, again)
		}
	}
}
