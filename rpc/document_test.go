package rpc

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// documented is the document, read once.
var documented = sync.OnceValues(func() (*openapi3.T, error) { return openapi3.NewLoader().LoadFromData(document) })

func readDocument(t testing.TB) *openapi3.T {
	t.Helper()
	api, err := documented()
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// conforms holds an answer to a target against the document.
func conforms(t testing.TB, target string, answer *httptest.ResponseRecorder) {
	t.Helper()
	api, path := readDocument(t), strings.Split(target, "?")[0]
	media := answer.Header().Get("Content-Type")
	schema := api.Components.Schemas["Error"]
	if answer.Code == http.StatusOK {
		item := api.Paths.Find(path)
		if item == nil {
			t.Fatalf("%s is answered and not documented", path)
		}
		for _, operation := range item.Operations() {
			content := operation.Responses.Status(http.StatusOK).Value.Content[media]
			if content == nil {
				t.Fatalf("%s answers %s, which is not documented", path, media)
			}
			schema = content.Schema
		}
	}
	if media != "application/json" {
		return
	}
	var body any
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	if err := schema.Value.VisitJSON(body, openapi3.MultiErrors()); err != nil {
		t.Errorf("%s: %d %.300s\n%v", target, answer.Code, answer.Body, err)
	}
}

func TestDocumentIsValid(t *testing.T) {
	if err := readDocument(t).Validate(t.Context()); err != nil {
		t.Error(err)
	}
}

// Every object of the document is closed, so that no answer has a field that is not documented.
func TestDocumentedObjectsAreClosed(t *testing.T) {
	var walk func(place string, schema *openapi3.SchemaRef)
	walk = func(place string, schema *openapi3.SchemaRef) {
		if schema == nil || schema.Ref != "" {
			return
		}
		if s := schema.Value; s.Type.Is("object") {
			if extra := s.AdditionalProperties; extra.Schema == nil && (extra.Has == nil || *extra.Has) {
				t.Errorf("%s is open", place)
			}
			for name, property := range s.Properties {
				walk(place+"."+name, property)
			}
		}
		walk(place+"[]", schema.Value.Items)
	}
	for name, schema := range readDocument(t).Components.Schemas {
		walk(name, schema)
	}
}

// The document's enums have every value that the wire types have, and no other.
func TestEnumsAreComplete(t *testing.T) {
	documented := func(name string) (values []string) {
		for _, value := range readDocument(t).Components.Schemas[name].Value.Enum {
			values = append(values, fmt.Sprint(value))
		}
		return values
	}
	wire := func(names map[int32]string, prefix string, form func(string) string) (values []string) {
		for number, name := range names {
			if number != 0 {
				values = append(values, form(strings.TrimPrefix(name, prefix)))
			}
		}
		return values
	}
	same := func(text string) string { return text }
	for name, want := range map[string][]string{
		"Outcome":           wire(types.Outcome_name, "OUTCOME_", same),
		"Blame":             wire(types.Blame_name, "BLAME_", same),
		"Agreement":         wire(types.Consistency_name, "CONSISTENCY_", same),
		"Attempt":           wire(types.Attempt_name, "ATTEMPT_", same),
		"TimingSource":      wire(types.TimingSource_name, "TIMING_SOURCE_", same),
		"RoundStatus":       wire(types.RoundStatus_name, "ROUND_STATUS_", same),
		"Cause":             wire(types.Cause_name, "CAUSE_", same),
		"AnswerClass":       wire(types.AnswerClass_name, "ANSWER_CLASS_", same),
		"ControlFitness":    wire(types.ControlFitness_name, "CONTROL_FITNESS_", same),
		"RoundKind":         append(wire(types.RoundKind_name, "ROUND_KIND_", same), "SETTLED"),
		"CompareForm":       append(wire(types.CompareForm_name, "COMPARE_FORM_", same), "JSON"),
		"ActorType":         wire(types.ActorType_name, "ACTOR_TYPE_", strings.ToLower),
		"Standing":          append(wire(types.Standing_name, "STANDING_", strings.ToLower), "asked"),
		"TransactionResult": append(wire(types.TransactionCode_name, "TRANSACTION_CODE_", same), "OK", "PENDING"),
	} {
		if got := documented(name); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
			t.Errorf("%s: documented %v, on the wire %v", name, got, want)
		}
	}
	refusals := slices.DeleteFunc(documented("ErrorCode"), func(code string) bool { return !strings.HasPrefix(code, "transaction_") })
	want := wire(types.TransactionCode_name, "TRANSACTION_CODE_", func(text string) string { return "transaction_" + strings.ToLower(text) })
	if !slices.Equal(slices.Sorted(slices.Values(refusals)), slices.Sorted(slices.Values(want))) {
		t.Errorf("refusals of transactions: documented %v, want %v", refusals, want)
	}
}

// The server and the document know the same paths, methods and parameters.
func TestDocumentHasWhatTheServerHas(t *testing.T) {
	readers, _, _ := readersAt(23)
	server, api := New(Config{}, readers), readDocument(t)
	if got, want := slices.Sorted(maps.Keys(server.paths)), slices.Sorted(maps.Keys(api.Paths.Map())); !slices.Equal(got, want) {
		t.Errorf("paths of the server %v, of the document %v", got, want)
	}
	for path, endpoint := range server.paths {
		item := api.Paths.Find(path)
		if item == nil {
			continue
		}
		method := http.MethodGet
		if endpoint.submit != nil || endpoint.act != nil {
			method = http.MethodPost
		}
		operation := item.GetOperation(method)
		if operation == nil || len(item.Operations()) != 1 {
			t.Errorf("%s: documented methods %v, want %s", path, slices.Collect(maps.Keys(item.Operations())), method)
			continue
		}
		var parameters []string
		for _, parameter := range operation.Parameters {
			if parameter.Value.In == openapi3.ParameterInQuery {
				parameters = append(parameters, parameter.Value.Name)
			}
		}
		if !slices.Equal(slices.Sorted(slices.Values(parameters)), slices.Sorted(slices.Values(endpoint.parameters))) {
			t.Errorf("%s: documented parameters %v, of the server %v", path, parameters, endpoint.parameters)
		}
		if operation.Responses.Default() == nil {
			t.Errorf("%s: its refusals are not documented", path)
		}
	}
}

// The page for people lists the same operations.
func TestPageListsTheOperations(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for path, item := range readDocument(t).Paths.Map() {
		for method := range item.Operations() {
			want = append(want, method+" "+path)
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z]+ /[^`]+)` \\|").FindAllSubmatch(page, -1) {
		got = append(got, string(row[1]))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("docs/api.md lists %v, want %v", got, want)
	}
}

func TestDocumentIsServed(t *testing.T) {
	readers, _, _ := readersAt(23)
	answer := ask(New(Config{}, readers), http.MethodGet, "/v1/openapi.yaml")
	conforms(t, "/v1/openapi.yaml", answer)
	if answer.Code != 200 || answer.Body.String() != string(document) {
		t.Errorf("%d: %.100s", answer.Code, answer.Body)
	}
}

// goodValues are values of documented parameters with which a request is answered.
func goodValues() map[string]string {
	return map[string]string{"session": knownSession, "servicer": knownServicer, "application": knownApplication, "relay_chain": "0001",
		"type": "servicer", "address": knownServicer, "hash": hashOf(fakeTransactions()[0]), "wait": "false", "height": "7", "from": "1",
		"limit": "2", "prefix": "0000", "role": "servicer", "last": "3", "window": "10", "check": "3", "before_session": knownSession, "before_check": "3"}
}

// badValues are of the wrong type, out of range, or too long.
func badValues() []string {
	return []string{"", " ", "x", "-1", "0", "1.5", "1e3", "9223372036854775807", "9223372036854775808", "18446744073709551616",
		"99999999999999999999999999", "NaN", "null", "[]", "{}", "../..", "\x00", "\xff\xfe", "%", "<script>", strings.Repeat("a", 70000),
		strings.Repeat("0", 64), strings.Repeat("f", 40), "servicer", "0001", "24h", "-1h", "true"}
}

// TestOperationsWithstand: whatever the parameters, methods, content types and bodies, every documented operation answers
// as documented.
func TestOperationsWithstand(t *testing.T) {
	for path, item := range readDocument(t).Paths.Map() {
		for method, operation := range item.Operations() {
			t.Run(operation.OperationID, func(t *testing.T) {
				good, required, body := url.Values{}, []string{}, ""
				if operation.RequestBody != nil {
					body = "tx"
				}
				for _, parameter := range operation.Parameters {
					if parameter.Value.In == openapi3.ParameterInQuery && parameter.Value.Required {
						good.Set(parameter.Value.Name, goodValues()[parameter.Value.Name])
						required = append(required, parameter.Value.Name)
					}
				}
				if status := withstand(t, method, path, good.Encode(), "application/x-protobuf", body, ""); status != 200 {
					t.Errorf("a good request is answered %d", status)
				}
				for _, name := range required {
					without := maps.Clone(good)
					without.Del(name)
					if status := withstand(t, method, path, without.Encode(), "application/x-protobuf", body, ""); status != 400 {
						t.Errorf("without %s: %d", name, status)
					}
				}
				for _, parameter := range operation.Parameters {
					for _, value := range append(badValues(), goodValues()[parameter.Value.Name]) {
						bad := maps.Clone(good)
						bad[parameter.Value.Name] = []string{value}
						withstand(t, method, path, bad.Encode(), "application/x-protobuf", body, value)
						bad.Add(parameter.Value.Name, value)
						if status := withstand(t, method, path, bad.Encode(), "application/x-protobuf", body, ""); status != 400 {
							t.Errorf("%s twice: %d", parameter.Value.Name, status)
						}
					}
				}
				for _, other := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "X"} {
					status := withstand(t, other, path, good.Encode(), "application/x-protobuf", "", "")
					if allowed := other == method || method == "GET" && other == "HEAD"; !allowed && status != 405 {
						t.Errorf("%s: %d", other, status)
					}
				}
				for _, media := range []string{"", "application/json", "text/plain", "multipart/form-data", "application/x-protobuf; a=b", "\xff"} {
					withstand(t, method, path, good.Encode(), media, "{}", "")
				}
			})
		}
	}
}

// withstand sends one request and holds the answer against the document; a failure of the node is none.
func withstand(t testing.TB, method, path, raw, media, body, last string) int {
	t.Helper()
	readers, _, _ := readersAt(23)
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	if method == http.MethodPost || method == "X" {
		request = httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	}
	request.Method, request.URL.Path, request.URL.RawQuery = method, path, raw
	request.Header.Set("Content-Type", media)
	request.Header.Set("Last-Event-ID", last)
	answer := httptest.NewRecorder()
	New(Config{}, readers).ServeHTTP(answer, request)
	what := fmt.Sprintf("%s %q ? %.100q", method, path, raw)
	if answer.Code >= 500 && answer.Code != http.StatusServiceUnavailable {
		t.Fatalf("%s: %d: %s", what, answer.Code, answer.Body)
	}
	if answer.Code != http.StatusOK && answer.Body.Len() > 4096 {
		t.Fatalf("%s: a refusal of %d bytes", what, answer.Body.Len())
	}
	if method != http.MethodHead {
		conforms(t, path, answer)
	}
	return answer.Code
}

func FuzzOperations(f *testing.F) {
	api, err := documented()
	if err != nil {
		f.Fatal(err)
	}
	paths := slices.Sorted(maps.Keys(api.Paths.Map()))
	for place := range paths {
		f.Add(uint8(place), "GET", "session="+knownSession+"&from=1&limit=2", "", "", "")
		f.Add(uint8(place), "POST", "wait=true", transactionType, "tx", "1")
		f.Add(uint8(place), "HEAD", "height=9223372036854775808&height=1", "application/json", "{}", "-1")
	}
	f.Fuzz(func(t *testing.T, place uint8, method, raw, media, body, last string) {
		withstand(t, method, paths[int(place)%len(paths)], raw, media, body, last)
	})
}
