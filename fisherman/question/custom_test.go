package question_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
)

// templates of each kind of placeholder.
func templates() (rpc, rest []question.Template) {
	rpc = []question.Template{
		{Method: "eth_getBlockByNumber", Params: []byte(`[ "{height_hex}", false ]`)},
		{Method: "eth_getLogs", Params: []byte(`[{"fromBlock": "{from_hex}", "toBlock": "{height_hex}", "topics": [null]}]`), Range: 5},
		{Method: "getBlock", Params: []byte(`["{height_number}", {"encoding": "json"}]`)},
		{Method: "getBlocks", Params: []byte(`["{from_number}","{height_number}"]`), Range: 3},
		{Method: "block", Params: []byte(`["at {height} of \"{height}\""]`)},
		{Method: "eth_chainId"},
	}
	rest = []question.Template{
		{Path: "/block?height={height}"},
		{Path: "/blocks/{from}/{height}", Range: 10},
		{Path: "/eth/v1/blocks/{height_hex}", Headers: map[string]string{"Accept": "application/json"}},
		{Path: "/state", Headers: map[string]string{"X-Height": "{height}", "X-About": "a b"}},
		{Path: "/genesis"},
	}
	return rpc, rest
}

func custom(t testing.TB, templates []question.Template) question.Catalogue {
	t.Helper()
	made, err := question.Custom(templates, 2)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestCustomQuestionsAreGolden(t *testing.T) {
	var got strings.Builder
	rpc, rest := templates()
	for _, list := range [][]question.Template{rpc, rest} {
		for _, head := range []int64{3, 1000, 1 << 40} {
			for n := range uint64(10) {
				asked, err := draw(custom(t, list), n, head, nil)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&got, "head %d seed %d\t%s\t%s%s", head, n, asked.Label, asked.Payload.JSONRPC, asked.Payload.REST.GetPath())
				for _, header := range asked.Payload.REST.GetHeaders() {
					fmt.Fprintf(&got, "\t%s: %s", header.GetName(), header.GetValue())
				}
				got.WriteByte('\n')
			}
		}
	}
	golden(t, "custom.golden", got.String())
}

// A session never repeats one, and its ranges lie within what is settled.
func TestCustomQuestions(t *testing.T) {
	rpc, _ := templates()
	catalogue := custom(t, rpc)
	rapid.Check(t, func(t *rapid.T) {
		head := rapid.Int64Range(3, 200).Draw(t, "head")
		asked := make(map[string]bool)
		first := rapid.Uint64Range(0, 1<<60).Draw(t, "seed")
		for n := range uint64(rapid.IntRange(1, 30).Draw(t, "checks")) {
			drawn, err := catalogue.Draw(seed(first+n), question.Client{}, head, asked)
			if err != nil { // a young chain has few questions: at height h at most 3h + 2h + 2h + h + 1
				if int64(len(asked)) < 3*(head-2)+1 {
					t.Fatalf("%d questions at head %d: %v", len(asked), head, err)
				}
				return
			}
			if asked[drawn.Label] {
				t.Fatalf("%s again", drawn.Label)
			}
			asked[drawn.Label] = true
			var request struct {
				Method string
				Params []any
			}
			if err := json.Unmarshal(drawn.Payload.JSONRPC, &request); err != nil {
				t.Fatalf("%s: %v", drawn.Payload.JSONRPC, err)
			}
			if request.Method == "getBlocks" {
				from, to := int64(request.Params[0].(float64)), int64(request.Params[1].(float64))
				if from < 1 || from > to || to-from > 2 || to > head-2 {
					t.Fatalf("%s at head %d", drawn.Payload.JSONRPC, head)
				}
			}
		}
	})
}

func TestCustomRefuses(t *testing.T) {
	many := make([]question.Template, question.MostTemplates+1)
	for name, test := range map[string]struct {
		list []question.Template
		says string
	}{
		"none":              {nil, "questions is 0 of them; allowed: 1 to 256"},
		"too many":          {many, "questions is 257 of them"},
		"empty":             {[]question.Template{{Path: "/a"}, {}}, "questions[1]: exactly one of method (JSON-RPC) and path (REST)"},
		"both":              {[]question.Template{{Method: "a", Path: "/a"}}, "exactly one of"},
		"method":            {[]question.Template{{Method: "a b"}}, `method "a b" is not 1 to 64 letters`},
		"long method":       {[]question.Template{{Method: strings.Repeat("a", 65)}}, "is not 1 to 64"},
		"params of REST":    {[]question.Template{{Path: "/a", Params: []byte("[]")}}, "params are for JSON-RPC"},
		"headers of RPC":    {[]question.Template{{Method: "a", Headers: map[string]string{"A": "b"}}}, "headers are for REST"},
		"not JSON":          {[]question.Template{{Method: "a", Params: []byte("[")}}, "params is not JSON"},
		"not UTF-8":         {[]question.Template{{Method: "a", Params: []byte("[\"\xff\"]")}}, "not JSON in UTF-8"},
		"a value":           {[]question.Template{{Method: "a", Params: []byte(`"{height}"`)}}, "neither a JSON array nor an object"},
		"long params":       {[]question.Template{{Method: "a", Params: []byte(`["` + strings.Repeat("a", 4096) + `"]`)}}, "more than 4096"},
		"unknown":           {[]question.Template{{Method: "a", Params: []byte(`["{hight}"]`)}}, "unknown placeholder {hight}; there are {height}, {height_hex}"},
		"unknown in path":   {[]question.Template{{Path: "/a/{block}"}}, "path: unknown placeholder {block}"},
		"unknown in header": {[]question.Template{{Path: "/a", Headers: map[string]string{"A": "{block}"}}}, "header A: unknown placeholder {block}"},
		"brace":             {[]question.Template{{Path: "/a/{height"}}, "a brace is not part of a placeholder"},
		"closing brace":     {[]question.Template{{Path: "/a/height}"}}, "a brace is not"},
		"number in text":    {[]question.Template{{Method: "a", Params: []byte(`["at {height_number}"]`)}}, "{height_number} is more than a part of a text"},
		"number in path":    {[]question.Template{{Path: "/a/{from_number}"}}, "{from_number} is more than"},
		"relative":          {[]question.Template{{Path: "a"}}, `path "a" does not begin with one "/"`},
		"other host":        {[]question.Template{{Path: "//evil/a"}}, "does not begin with one"},
		"space":             {[]question.Template{{Path: "/a b"}}, "percent-encoded"},
		"long path":         {[]question.Template{{Path: "/" + strings.Repeat("a", 1024)}}, "more than 1024 bytes"},
		"header name":       {[]question.Template{{Path: "/a", Headers: map[string]string{"A b": "c"}}}, `header "A b"`},
		"header value":      {[]question.Template{{Path: "/a", Headers: map[string]string{"A": "c\n"}}}, `header "A"`},
		"header twice":      {[]question.Template{{Path: "/a", Headers: map[string]string{"A": "1", "a": "2"}}}, `header "a" is given twice`},
		"headers": {[]question.Template{{Path: "/a", Headers: map[string]string{
			"A": "1", "B": "1", "C": "1", "D": "1", "E": "1", "F": "1", "G": "1", "H": "1", "I": "1"}}}, "headers is 9 of them"},
		"from without range": {[]question.Template{{Path: "/{from}/{height}"}}, "range is 0; allowed: 2 to 10000 blocks"},
		"range without from": {[]question.Template{{Path: "/{height}", Range: 5}}, "a range has a {from} and a {height}"},
		"range without end":  {[]question.Template{{Path: "/{from}", Range: 5}}, "a range has a {from} and a {height}"},
		"long range":         {[]question.Template{{Path: "/{from}/{height}", Range: 10_001}}, "range is 10001"},
		"negative range":     {[]question.Template{{Path: "/{height}", Range: -1}}, "range is -1"},
		"twice":              {[]question.Template{{Path: "/a"}, {Path: "/b"}, {Path: "/a"}}, "questions[2] is the same as questions[0]"},
		"twice but for spacing": {[]question.Template{{Method: "a", Params: []byte(`[1, 2]`)}, {Method: "a", Params: []byte(`[1,2]`)}},
			"questions[1] is the same as questions[0]"},
		"mixed": {[]question.Template{{Path: "/a"}, {Method: "a"}}, "questions[1]: JSON-RPC and REST are mixed"},
		"many errors": {[]question.Template{{Method: "b"}, {Method: "a", Errors: make([]int64, question.MostErrors+1)}},
			"questions[1]: errors is 17 codes; allowed: at most 16"},
		"a success":          {[]question.Template{{Path: "/a", Errors: []int64{404, 200}}}, "questions[0]: errors[1] is 200; allowed: HTTP statuses from 400 to 500"},
		"a JSON-RPC code":    {[]question.Template{{Path: "/a", Errors: []int64{-32007}}}, "errors[0] is -32007; allowed: HTTP statuses"},
		"too many requests":  {[]question.Template{{Path: "/a", Errors: []int64{429}}}, "errors[0] is 429; allowed: HTTP statuses"},
		"a gateway's status": {[]question.Template{{Path: "/a", Errors: []int64{502}}}, "errors[0] is 502; allowed: HTTP statuses"},
	} {
		_, err := question.Custom(test.list, 2)
		if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 512 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What can be the truth of a custom question goes with it.
func TestCustomTruths(t *testing.T) {
	full := make([]int64, question.MostErrors)
	for name, test := range map[string]struct {
		template question.Template
		nothing  bool
		errors   []int64
	}{
		"none":           {question.Template{Method: "a"}, false, nil},
		"nothing":        {question.Template{Method: "a", Nothing: true}, true, nil},
		"errors":         {question.Template{Method: "a", Errors: []int64{-32007, -32009}}, false, []int64{-32007, -32009}},
		"widest":         {question.Template{Method: "a", Errors: []int64{math.MinInt64, math.MaxInt64}}, false, []int64{math.MinInt64, math.MaxInt64}},
		"most":           {question.Template{Method: "a", Errors: full}, false, full},
		"not found":      {question.Template{Method: "a", Errors: []int64{-32001}}, false, []int64{-32001}},
		"404 of RPC":     {question.Template{Method: "a", Errors: []int64{404}}, false, []int64{404}},
		"404":            {question.Template{Path: "/a", Errors: []int64{404}}, false, []int64{404}},
		"statuses":       {question.Template{Path: "/a", Errors: []int64{400, 410, 500}}, false, []int64{400, 410, 500}},
		"nothing by GET": {question.Template{Path: "/a", Nothing: true}, true, nil},
	} {
		drawn, err := draw(custom(t, []question.Template{test.template}), 1, 100, nil)
		if err != nil || drawn.Nothing != test.nothing || !slices.Equal(drawn.Errors, test.errors) || !slices.Equal(drawn.Denials, test.errors) {
			t.Errorf("%s: %+v, %v", name, drawn, err)
		}
	}
	// It makes no other question of one.
	if _, err := question.Custom([]question.Template{{Method: "a"}, {Method: "a", Nothing: true, Errors: []int64{1}}}, 2); err == nil ||
		!strings.Contains(err.Error(), "questions[1] is the same as questions[0]") {
		t.Error(err)
	}
}

func TestCustomHead(t *testing.T) {
	for name, test := range map[string]struct {
		template question.Template
		pointer  string
		answer   string
		want     int64
		says     string
	}{
		"hex":           {question.Template{Method: "eth_blockNumber"}, "/result", `{"result":"0x1b4"}`, 436, ""},
		"decimal":       {question.Template{Path: "/status"}, "/a/0/b~1c", `{"a":[{"b/c":"7"}]}`, 7, ""},
		"number":        {question.Template{Path: "/height"}, "", `7`, 7, ""},
		"fraction":      {question.Template{Path: "/height"}, "", `7.5`, -1, ""},
		"nothing there": {question.Template{Path: "/height"}, "/a/1", `{"a":[1]}`, -1, ""},
		"leads on":      {question.Template{Path: "/height"}, "/a/b", `{"a":1}`, -1, ""},
		"placeholder":   {question.Template{Path: "/{height}"}, "/a", "", 0, "head: the question for the newest height has a placeholder"},
		"pointer":       {question.Template{Path: "/"}, "a", "", 0, `head: height "a" is not a JSON pointer`},
		"bad question":  {question.Template{}, "/a", "", 0, "head: exactly one of"},
	} {
		head, err := question.CustomHead(test.template, test.pointer)
		if test.says != "" {
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := head.Read([]byte(test.answer)); test.want < 0 && err == nil || test.want >= 0 && (err != nil || got != test.want) {
			t.Errorf("%s: %d, %v", name, got, err)
		}
	}
	head, err := question.CustomHead(question.Template{Method: "eth_blockNumber"}, "/result")
	if err != nil || string(head.Payload().JSONRPC) != `{"jsonrpc":"2.0","id":0,"method":"eth_blockNumber","params":[]}` {
		t.Errorf("%s, %v", head.Payload().JSONRPC, err)
	}
}

// Whatever a user writes is refused, or makes requests that are well-formed and the same each time.
func FuzzCustom(f *testing.F) {
	rpc, rest := templates()
	for _, each := range append(rpc, rest...) {
		f.Add(each.Method, each.Params, each.Path, "X-Height", "{height}", each.Range)
	}
	f.Fuzz(func(t *testing.T, method string, params []byte, path, name, value string, blocks int64) {
		template := question.Template{Method: method, Params: params, Path: path, Range: blocks}
		if path != "" {
			template.Headers = map[string]string{name: value}
		}
		catalogue, err := question.Custom([]question.Template{template}, 2)
		if err != nil {
			if strings.Contains(err.Error(), "\n") || len(err.Error()) > 1024 {
				t.Errorf("%q", err)
			}
			return
		}
		drawn, err := draw(catalogue, 1, 1000, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := draw(catalogue, 1, 1000, nil)
		if err != nil || again.Label != drawn.Label || string(again.Payload.JSONRPC) != string(drawn.Payload.JSONRPC) {
			t.Errorf("%s, then %s, %v", drawn.Label, again.Label, err)
		}
		var request struct{ Method string }
		switch {
		case path != "":
			if !strings.HasPrefix(drawn.Payload.REST.GetPath(), "/") || strings.ContainsAny(drawn.Payload.REST.GetPath(), " \r\n{}") {
				t.Errorf("%q", drawn.Payload.REST.GetPath())
			}
		case json.Unmarshal(drawn.Payload.JSONRPC, &request) != nil || request.Method != method:
			t.Errorf("%s", drawn.Payload.JSONRPC)
		}
	})
}
