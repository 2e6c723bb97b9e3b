package verify_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	inJSON    = types.CompareForm_COMPARE_FORM_JSON
	hexNumber = types.CompareForm_COMPARE_FORM_HEX_NUMBER
	hexData   = types.CompareForm_COMPARE_FORM_HEX_DATA
)

// withError is an answer with an error.
func withError(signalled string) string { return `{"jsonrpc":"2.0","id":7,"error":` + signalled + `}` }

// coded is an answer with an error of a code.
func coded(code string) string { return withError(`{"code":` + code + `,"message":"words"}`) }

// What nodes answer, by HTTP status and payload: status 0 is that of a servicer which says none.
func TestClasses(t *testing.T) {
	for name, test := range map[string]struct {
		status  uint32
		payload string
		want    verify.Class
		code    int64
	}{
		"a value":           {200, answer(`"0x1"`), verify.Value, 0},
		"false":             {200, answer(`false`), verify.Value, 0},
		"zero":              {200, answer(`0`), verify.Value, 0},
		"list of nothing":   {200, answer(`[null]`), verify.Value, 0},
		"created":           {201, answer(`1`), verify.Value, 0},
		"null":              {200, answer(`null`), verify.Absence, 0},
		"null, spaced":      {200, answer("\n null "), verify.Absence, 0},
		"empty list":        {200, answer(`[ ]`), verify.Empty, 0},
		"empty object":      {200, answer(`{ }`), verify.Empty, 0},
		"empty text":        {200, answer(`""`), verify.Empty, 0},
		"the word null":     {200, answer(`"null"`), verify.Value, 0},
		"null, 1.0 style":   {200, `{"result":null,"error":null,"id":7}`, verify.Absence, 0},
		"value, 1.0 style":  {200, `{"result":"00ab","error":null,"id":7}`, verify.Value, 0},
		"value, status 500": {500, answer(`1`), verify.Failure, 500},
		"value, status 404": {404, answer(`1`), verify.Failure, 404},
		"value, status 400": {400, answer(`1`), verify.Failure, 400},
		"value, redirected": {302, answer(`1`), verify.Failure, 302},
		"value, status 100": {100, answer(`1`), verify.Failure, 100},
		"null, status 503":  {503, answer(`null`), verify.Failure, 503},

		// Versions: what is written by some version, or by none when the id fits.
		"no version":               {200, `{"id":7,"result":1}`, verify.Value, 0},
		"version null":             {200, `{"jsonrpc":null,"id":7,"result":1}`, verify.Value, 0},
		"version empty":            {200, `{"jsonrpc":"","id":7,"result":1}`, verify.Value, 0},
		"version 1.0":              {200, `{"jsonrpc":"1.0","id":7,"result":1}`, verify.Value, 0},
		"version 1.1":              {200, `{"jsonrpc":"1.1","id":7,"result":1}`, verify.Value, 0},
		"version 3.0":              {200, `{"jsonrpc":"3.0","id":7,"result":1}`, verify.Malformed, 0},
		"version 2":                {200, `{"jsonrpc":2,"id":7,"result":1}`, verify.Malformed, 0},
		"version false":            {200, `{"jsonrpc":false,"id":7,"result":1}`, verify.Malformed, 0},
		"no version, foreign id":   {200, `{"id":8,"result":1}`, verify.Malformed, 0},
		"no version, no id":        {200, `{"result":1}`, verify.Malformed, 0},
		"no version, an error":     {200, `{"id":7,"error":{"code":-5,"message":"Block not found"}}`, verify.Claim, -5},
		"version 3.0, an error":    {200, `{"jsonrpc":"3.0","id":7,"error":{"code":1}}`, verify.Malformed, 0},
		"version 3.0, status 500":  {500, `{"jsonrpc":"3.0","id":7,"error":{"code":1}}`, verify.Failure, 500},
		"some JSON":                {200, `{"message":"hello"}`, verify.Malformed, 0},
		"some JSON that has an id": {200, `{"id":7,"status":"ok"}`, verify.Malformed, 0},

		// Codes.
		"not found":              {200, coded("-32001"), verify.Absence, -32001},
		"reverted":               {200, coded("3"), verify.Claim, 3},
		"slot skipped":           {200, coded("-32007"), verify.Claim, -32007},
		"server error":           {200, coded("-32000"), verify.Claim, -32000},
		"invalid params":         {200, coded("-32602"), verify.Claim, -32602},
		"code 0":                 {200, coded("0"), verify.Claim, 0},
		"parse error":            {200, coded("-32700"), verify.Failure, -32700},
		"invalid request":        {200, coded("-32600"), verify.Failure, -32600},
		"no such method":         {200, coded("-32601"), verify.Failure, -32601},
		"internal":               {200, coded("-32603"), verify.Failure, -32603},
		"unavailable":            {200, coded("-32002"), verify.Failure, -32002},
		"unsupported":            {200, coded("-32004"), verify.Failure, -32004},
		"limit":                  {200, coded("-32005"), verify.Failure, -32005},
		"history is pruned":      {200, coded("4444"), verify.Failure, 4444},
		"429 as code":            {200, coded("429"), verify.Failure, 429},
		"503 as code":            {200, coded("503"), verify.Failure, 503},
		"code in text":           {200, coded(`"-32007"`), verify.Claim, -32007},
		"code with a fraction":   {200, coded("-32007.0"), verify.Claim, -32007},
		"code with an exponent":  {200, coded("1e3"), verify.Claim, 1000},
		"half a code":            {200, coded("1.5"), verify.Failure, 0},
		"code too large":         {200, coded("1e30"), verify.Failure, 0},
		"code beyond a double":   {200, coded("1e400"), verify.Failure, 0},
		"code of 64 bits":        {200, coded("9223372036854775807"), verify.Claim, 9223372036854775807},
		"code of 65 bits":        {200, coded("9223372036854775808"), verify.Failure, 0},
		"code is a word":         {200, coded(`"NOT_FOUND"`), verify.Failure, 0},
		"code is hex":            {200, coded(`"0x3"`), verify.Failure, 0},
		"code is null":           {200, coded(`null`), verify.Failure, 0},
		"code is a list":         {200, coded(`[3]`), verify.Failure, 0},
		"no code":                {200, withError(`{"message":"words"}`), verify.Failure, 0},
		"code in another case":   {200, withError(`{"Code":3}`), verify.Failure, 0},
		"two codes":              {200, withError(`{"code":3,"CODE":4}`), verify.Failure, 0},
		"no message":             {200, withError(`{"code":3}`), verify.Claim, 3},
		"message is an object":   {200, withError(`{"code":3,"message":{"a":[]}}`), verify.Claim, 3},
		"error is text":          {200, withError(`"too many requests"`), verify.Failure, 0},
		"error is a number":      {200, withError(`3`), verify.Claim, 3},
		"error is a number, 429": {200, withError(`429`), verify.Failure, 429},
		"error is digits":        {200, withError(`"-32007"`), verify.Claim, -32007},
		"error is true":          {200, withError(`true`), verify.Failure, 0},
		"error is a list":        {200, withError(`["busy"]`), verify.Failure, 0},
		"error is a list of one": {200, withError(`[{"code":3}]`), verify.Failure, 0},
		"error is {}":            {200, withError(`{}`), verify.Failure, 0},
		"error is []":            {200, withError(`[ ]`), verify.Failure, 0},
		"error is 0":             {200, withError(`0`), verify.Malformed, 0},
		"error is false":         {200, withError(`false`), verify.Malformed, 0},
		"error is null":          {200, withError(`null`), verify.Malformed, 0},
		"error is empty text":    {200, withError(`""`), verify.Malformed, 0},

		// A result and an error together.
		"null beside data":        {200, `{"id":7,"result":1,"error":null}`, verify.Value, 0},
		"false beside data":       {200, `{"id":7,"result":1,"error":false}`, verify.Value, 0},
		"0 beside data":           {200, `{"id":7,"result":1,"error":0}`, verify.Value, 0},
		"blank text beside data":  {200, `{"id":7,"result":1,"error":" "}`, verify.Value, 0},
		"{} beside data":          {200, `{"id":7,"result":1,"error":{ }}`, verify.Value, 0},
		"[] beside data":          {200, `{"id":7,"result":1,"error":[]}`, verify.Value, 0},
		"no words beside data":    {200, `{"id":7,"result":1,"error":{"code":0,"message":"","data":null}}`, verify.Value, 0},
		"false beside null":       {200, `{"id":7,"result":null,"error":false}`, verify.Absence, 0},
		"{} beside null":          {200, `{"id":7,"result":null,"error":{}}`, verify.Failure, 0},
		"no words beside null":    {200, `{"id":7,"result":null,"error":{"code":0,"message":""}}`, verify.Claim, 0},
		"an error beside data":    {200, `{"id":7,"result":1,"error":{"code":3,"message":""}}`, verify.Claim, 3},
		"text beside data":        {200, `{"id":7,"result":1,"error":"busy"}`, verify.Failure, 0},
		"huge error beside data":  {200, `{"id":7,"result":1,"error":1e400}`, verify.Failure, 0},
		"words without code":      {200, `{"id":7,"result":1,"error":{"code":0,"message":"busy"}}`, verify.Claim, 0},
		"an error and 1.0 result": {200, `{"id":7,"result":null,"error":{"code":-8,"message":"out of range"}}`, verify.Claim, -8},

		// Ids of errors: absent or null when a node could not tell them; with another's, nothing follows about this question.
		"claim without id":         {200, `{"jsonrpc":"2.0","error":{"code":3}}`, verify.Claim, 3},
		"claim with id null":       {200, `{"jsonrpc":"2.0","id":null,"error":{"code":3}}`, verify.Claim, 3},
		"claim with foreign id":    {200, `{"jsonrpc":"2.0","id":1,"error":{"code":3}}`, verify.Failure, 3},
		"absence with foreign id":  {200, `{"jsonrpc":"2.0","id":1,"error":{"code":-32001}}`, verify.Failure, -32001},
		"claim with id as text":    {200, `{"jsonrpc":"2.0","id":"7","error":{"code":3}}`, verify.Claim, 3},
		"limit with foreign id":    {200, `{"jsonrpc":"2.0","id":1,"error":{"code":-32005}}`, verify.Failure, -32005},
		"internal, of another id":  {200, `{"jsonrpc":"2.0","id":1,"error":{"code":-32603}}`, verify.Failure, -32603},
		"null result, id null":     {200, `{"jsonrpc":"2.0","id":null,"result":null}`, verify.Malformed, 0},
		"null result, foreign id":  {200, `{"jsonrpc":"2.0","id":1,"result":null}`, verify.Malformed, 0},
		"a list of one answer":     {200, "[" + answer("1") + "]", verify.Malformed, 0},
		"a list, too many asked":   {429, "[" + answer("1") + "]", verify.Failure, 429},
		"repeated, too many asked": {429, `{"id":7,"id":7,"result":1}`, verify.Failure, 429},

		// Too many requests, whatever the words.
		"429, code 429":      {429, `{"error":{"code":429,"message":"slow down"}}`, verify.Failure, 429},
		"429, code 3":        {429, coded("3"), verify.Failure, 3},
		"429, not found":     {429, coded("-32001"), verify.Failure, -32001},
		"429, limit":         {429, coded("-32005"), verify.Failure, -32005},
		"429, a value":       {429, answer("1"), verify.Failure, 429},
		"429, null":          {429, answer("null"), verify.Failure, 429},
		"429, foreign id":    {429, `{"jsonrpc":"2.0","id":8,"error":{"code":3}}`, verify.Failure, 3},
		"429, foreign JSON":  {429, `{"message":"API rate limit exceeded"}`, verify.Failure, 429},
		"429, text as error": {429, `{"error":"rate limited"}`, verify.Failure, 0},
		"429, a number":      {429, `429`, verify.Failure, 429},
		"429, text":          {429, `Too Many Requests`, verify.Failure, 429},
		"429, HTML":          {429, "<html>\n<h1>429</h1>", verify.Failure, 429},
		"429, empty":         {429, "", verify.Failure, 429},
		"429, not UTF-8":     {429, "\xff\x00", verify.Failure, 429},

		// Other statuses. Bitcoin's nodes send 500 with every error, and 404 with a method that they do not know.
		"500, coded":          {500, `{"result":null,"error":{"code":-8,"message":"Block height out of range"},"id":7}`, verify.Claim, -8},
		"500, not found":      {500, coded("-32001"), verify.Absence, -32001},
		"500, foreign id":     {500, `{"id":8,"error":{"code":-8}}`, verify.Failure, -8},
		"500, without a code": {500, withError(`{"message":"x"}`), verify.Failure, 0},
		"500, HTML":           {500, "<html>", verify.Failure, 500},
		"502, coded":          {502, coded("-8"), verify.Failure, -8},
		"503, not found":      {503, coded("-32001"), verify.Failure, -32001},
		"504, empty":          {504, "", verify.Failure, 504},
		"401, coded":          {401, coded("-32000"), verify.Failure, -32000},
		"403, coded":          {403, coded("-32000"), verify.Failure, -32000},
		"403, HTML":           {403, "<html>", verify.Failure, 403},
		"408, coded":          {408, coded("3"), verify.Failure, 3},
		"400, coded":          {400, coded("3"), verify.Claim, 3},
		"404, no such method": {404, coded("-32601"), verify.Failure, -32601},
		"404, HTML":           {404, "<html>", verify.Failure, 404},
		"404, a slot":         {404, coded("-32007"), verify.Claim, -32007},
		"301, empty":          {301, "", verify.Failure, 301},
		"302, HTML":           {302, "<html>", verify.Failure, 302},
		"204, empty":          {204, "", verify.Malformed, 0},
		"200, HTML":           {200, "<html>", verify.Malformed, 0},
		"unknown, HTML":       {0, "<html>", verify.Malformed, 0},
		"unknown, coded":      {0, coded("3"), verify.Claim, 3},
		"unknown, a value":    {0, answer("1"), verify.Value, 0},
	} {
		got := verify.Read([]byte(question), test.status, []byte(test.payload), inJSON)
		if got.Class != test.want || got.Code != test.code {
			t.Errorf("%s: %+v", name, got)
		}
		mustBeWhole(t, got)
	}
}

// mustBeWhole checks what holds of every reading.
func mustBeWhole(t rapid.TB, got verify.Reading) {
	t.Helper()
	if (got.Class == verify.Value || got.Class == verify.Empty) != got.Data() || got.Data() != (got.Err == nil) {
		t.Fatalf("data or not: %+v", got)
	}
	if digested := got.Digest != (verify.Digest{}); !digested && (got.Data() || got.Class == verify.Absence || got.Class == verify.Claim) || digested && got.Class == verify.Malformed {
		t.Fatalf("digest: %+v", got)
	}
	if got.Code != 0 && (got.Data() || got.Class == verify.Malformed) {
		t.Fatalf("code: %+v", got)
	}
	if got.Err != nil {
		text := got.Err.Error()
		if len(text) > 512 || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q", text)
		}
	}
}

func TestREST(t *testing.T) {
	const body = `{"height":"5"}`
	for name, test := range map[string]struct {
		status uint32
		body   string
		want   verify.Class
		code   int64
	}{
		"a value":          {200, body, verify.Value, 0},
		"null":             {200, " null\n", verify.Absence, 0},
		"empty list":       {200, "[]", verify.Empty, 0},
		"empty object":     {200, "{}", verify.Empty, 0},
		"empty text":       {200, `""`, verify.Empty, 0},
		"a page":           {200, "<html>", verify.Malformed, 0},
		"nothing":          {200, "", verify.Malformed, 0},
		"not found":        {404, `{"code":5}`, verify.Absence, 404},
		"not found, HTML":  {404, "<html>", verify.Absence, 404},
		"not found, empty": {404, "", verify.Absence, 404},
		"not found, data":  {404, body, verify.Absence, 404},
		"bad request":      {400, `{"code":3}`, verify.Claim, 400},
		"gone":             {410, "", verify.Claim, 410},
		"unprocessable":    {422, body, verify.Claim, 422},
		"unauthorized":     {401, "", verify.Failure, 401},
		"not paid":         {402, "", verify.Failure, 402},
		"forbidden":        {403, body, verify.Failure, 403},
		"timeout":          {408, "", verify.Failure, 408},
		"too many":         {429, body, verify.Failure, 429},
		"too many, HTML":   {429, "<html>", verify.Failure, 429},
		"too many, empty":  {429, "", verify.Failure, 429},
		"internal":         {500, `{"code":2}`, verify.Failure, 500},
		"bad gateway":      {502, "<html>", verify.Failure, 502},
		"unavailable":      {503, body, verify.Failure, 503},
		"beyond":           {4_000_000_000, body, verify.Failure, 4_000_000_000},
		"created":          {201, body, verify.Failure, 201},
		"no content":       {204, "", verify.Failure, 204},
		"partial":          {206, body, verify.Failure, 206},
		"redirect":         {301, body, verify.Failure, 301},
		"informational":    {100, body, verify.Failure, 100},
		"no status":        {0, body, verify.Failure, 0},
	} {
		got := verify.ReadREST(test.status, []byte(test.body), inJSON)
		if got.Class != test.want || got.Code != test.code {
			t.Errorf("%s: %+v", name, got)
		}
		mustBeWhole(t, got)
	}
}

// The digest of an absence is the same however it is said; those of claims differ by code, and are of no data.
func TestDigestsOfErrors(t *testing.T) {
	absent := reading(answer("null")).Digest
	for _, payload := range []string{coded("-32001"), `{"id":7,"result":null}`} {
		if got := reading(payload).Digest; got != absent {
			t.Errorf("%s: %x", payload, got)
		}
	}
	for _, rest := range []verify.Reading{verify.ReadREST(404, nil, inJSON), verify.ReadREST(200, []byte("null"), hexNumber)} {
		if rest.Digest != absent {
			t.Errorf("%+v", rest)
		}
	}
	if reading(coded("3")).Digest != reading(`{"id":7,"error":{"code":"3.0","message":"other words","data":[1]}}`).Digest {
		t.Error("the words of an error count")
	}
	seen := map[verify.Digest]string{absent: "absence"}
	for _, code := range []string{"0", "1", "3", "-3", "-32000", "-32007", "32007", "400", "404"} {
		digest := reading(coded(code)).Digest
		if other, known := seen[digest]; known {
			t.Errorf("code %s and %s have one digest", code, other)
		}
		seen[digest] = code
	}
	rapid.Check(t, func(t *rapid.T) {
		text := encoded(t, rapid.OneOf(value(2), rapid.SampledFrom([]any{"error 3", "null", "error -32007", "0x", "0x3"})).Draw(t, "data"))
		form := rapid.SampledFrom([]types.CompareForm{inJSON, hexNumber, hexData}).Draw(t, "form")
		got := verify.Read([]byte(question), 200, []byte(answer(text)), form)
		if other, known := seen[got.Digest]; known && got.Class != verify.Absence {
			t.Fatalf("%s has the digest of %s", text, other)
		}
	})
}

// A code with which a chain's nodes deny having something is a claim there, but not behind a status that says otherwise.
func TestAdmitted(t *testing.T) {
	denials := []int64{-32603, 500, 429}
	for name, test := range map[string]struct {
		reading verify.Reading
		want    verify.Class
	}{
		"a denial":           {reading(coded("-32603")), verify.Claim},
		"another failure":    {reading(coded("-32005")), verify.Failure},
		"a claim":            {reading(coded("3")), verify.Claim},
		"absence":            {reading(coded("-32001")), verify.Absence},
		"data":               {reading(answer("500")), verify.Value},
		"malformed":          {reading("<html>"), verify.Malformed},
		"REST 500":           {verify.ReadREST(500, nil, inJSON), verify.Claim},
		"REST 503":           {verify.ReadREST(503, nil, inJSON), verify.Failure},
		"too many requests":  {verify.Read([]byte(question), 429, []byte(coded("-32603")), inJSON), verify.Failure},
		"nothing but status": {verify.Read([]byte(question), 500, nil, inJSON), verify.Failure},
		"a foreign id":       {reading(`{"id":1,"error":{"code":-32603}}`), verify.Failure},
	} {
		got := test.reading.Admitted(denials)
		if got.Class != test.want {
			t.Errorf("%s: %+v", name, got)
		}
		if got.Class = test.reading.Class; !reflect.DeepEqual(got, test.reading) {
			t.Errorf("%s: more than the class is changed: %+v", name, got)
		}
		if test.reading.Admitted(nil) != test.reading {
			t.Errorf("%s: changed without denials", name)
		}
	}
}

// An id is that of the question in any spelling of the number and as its text, so that nothing depends on the client.
func TestIDs(t *testing.T) {
	const uuid = `"1b4e28ba-2fa1-41d2-883f-0016d3cca427"`
	for _, test := range []struct {
		asked, given string
		want         bool
	}{
		{"7", "7", true}, {"7", "7.0", true}, {"7", "70e-1", true}, {"7", "0.7e1", true}, {"7", `"7"`, true}, {"7", `"7.0"`, true},
		{`"7"`, "7", true}, {`"7"`, "7.0", true}, {`"7"`, `"7"`, true}, {`"7"`, `"\u0037"`, true},
		{"7", "8", false}, {"7", "-7", false}, {"7", "7.5", false}, {"7", `"07"`, false}, {"7", `" 7"`, false}, {"7", `"0x7"`, false},
		{"7", "null", false}, {"7", "true", false}, {"7", `[7]`, false}, {"7", `{"id":7}`, false}, {"7", `""`, false},
		{"0", "0", true}, {"0", "-0", true}, {"0", "0.0", true}, {"0", "null", false}, {"0", "false", false}, {"0", `""`, false},
		{uuid, uuid, true}, {uuid, strings.ToUpper(uuid), false}, {uuid, strings.Replace(uuid, "7", "8", 1), false}, {uuid, "1", false},
		{uuid, `"\u0031b4e28ba-2fa1-41d2-883f-0016d3cca427"`, true},
		{`"1e5"`, "100000", true}, {`"a"`, `"a"`, true}, {`"a"`, `"A"`, false}, {`"null"`, "null", false}, {`"true"`, "true", false},
		{"999999999999", "999999999999.0", true}, {"999999999999", "1e12", false},
		// Beyond what a double holds.
		{"9007199254740993", "9007199254740993", true}, {"9007199254740993", "9007199254740992", false}, {"9007199254740993", "9007199254740993.0", true},
		{"9007199254740993", `"9007199254740993"`, true}, {"18446744073709551615", "18446744073709551616", false},
		{"1e400", "1e400", true}, {"1e400", "1e401", false}, {`"1e400"`, "1e400", false},
	} {
		asked := `{"jsonrpc":"2.0","id":` + test.asked + `,"method":"a"}`
		for _, rest := range []string{`"result":1`, `"error":{"code":3}`} {
			got := verify.Read([]byte(asked), 200, []byte(`{"id":`+test.given+`,`+rest+`}`), inJSON)
			want := verify.Value
			switch {
			case strings.HasPrefix(rest, `"error"`) && (test.want || test.given == "null"):
				want = verify.Claim
			case strings.HasPrefix(rest, `"error"`):
				want = verify.Failure
			case !test.want:
				want = verify.Malformed
			}
			if got.Class != want {
				t.Errorf("%s answered by %s with %s: %+v", test.asked, test.given, rest, got)
			}
		}
	}
}

func TestCompareForms(t *testing.T) {
	for _, test := range []struct {
		form types.CompareForm
		a, b string
		same bool
	}{
		{hexNumber, `"0x0abc"`, `"0xABC"`, true}, {hexNumber, `"0xabc"`, `"0xABC"`, true}, {hexNumber, `"0X0abc"`, `"0xabc"`, true},
		{hexNumber, `"0x` + strings.Repeat("0", 61) + `abc"`, `"0xabc"`, true}, {hexNumber, `"0x"`, `"0x0"`, true}, {hexNumber, `"0x00"`, `"0x"`, true},
		{hexNumber, `"0\u0078ABC"`, `"0xabc"`, true},
		{hexNumber, `"0xabc"`, `"0xabd"`, false}, {hexNumber, `"0xabc0"`, `"0xabc"`, false}, {hexNumber, `"0x0"`, `"0x1"`, false},
		{hexNumber, `"abc"`, `"ABC"`, false}, {hexNumber, `"0abc"`, `"abc"`, false}, {hexNumber, `"0xzz"`, `"0xZZ"`, false}, {hexNumber, `"0x0zz"`, `"0xzz"`, false},
		{hexNumber, `"-0x1"`, `"-0X1"`, false}, {hexNumber, `" 0xa"`, `" 0xA"`, false}, {hexNumber, `"0xa "`, `"0xa"`, false}, {hexNumber, `"0xa\""`, `"0xA\""`, false},
		{hexNumber, `16`, `"0x10"`, false}, {hexNumber, `{"a":"0x0A"}`, `{"a":"0xa"}`, false}, {hexNumber, `["0x0A"]`, `["0xa"]`, false},
		{hexNumber, `"0x"`, `""`, false}, {hexNumber, `"0x0"`, `null`, false}, {hexNumber, `"0x0"`, `0`, false}, {hexNumber, `0`, `0.0`, true},
		{hexNumber, `{"b":1,"a":2}`, `{"a":2,"b":1}`, true},
		{hexData, `"0xAB"`, `"0xab"`, true}, {hexData, `"0x00AB"`, `"0X00ab"`, true}, {hexData, `"0x00ab"`, `"0xab"`, false},
		{hexData, `"0x"`, `"0x0"`, false}, {hexData, `"0x"`, `"0X"`, true}, {hexData, `"0xzz"`, `"0xZZ"`, false}, {hexData, `["0xAB"]`, `["0xab"]`, false},
		{inJSON, `"0xAB"`, `"0xab"`, false}, {inJSON, `"0x0a"`, `"0xa"`, false},
	} {
		a := verify.Read([]byte(question), 200, []byte(answer(test.a)), test.form)
		b := verify.Read([]byte(question), 200, []byte(answer(test.b)), test.form)
		if (a.Digest == b.Digest) != test.same {
			t.Errorf("%v: %s and %s are the same: %t", test.form, test.a, test.b, !test.same)
		}
		rest := verify.ReadREST(200, []byte(test.a), test.form)
		if rest != a && a.Class == verify.Value {
			t.Errorf("%v: %s by REST: %+v", test.form, test.a, rest)
		}
	}
}

// The rule of a piece of evidence names the form.
func TestRulesOfForms(t *testing.T) {
	seen := make(map[string]bool)
	for number := range types.CompareForm_name {
		form := types.CompareForm(number)
		rule := verify.RuleOf(form)
		if back, known := verify.FormOf(rule); !known || back != form || seen[rule] || rule == "" {
			t.Errorf("%v: rule %q of form %v, %t", form, rule, back, known)
		}
		seen[rule] = true
	}
	if verify.RuleOf(inJSON) != verify.Rule || verify.RuleOf(99) != "" {
		t.Error("a rule of no form, or another one of plain JSON")
	}
	for _, rule := range []string{"", "RFC 8785", verify.Rule + ".", strings.ToUpper(verify.Rule)} {
		if _, known := verify.FormOf(rule); known {
			t.Errorf("rule %q is known", rule)
		}
	}
}

// Hostile answers cost no more than their size.
func TestHostileAnswersAreCheap(t *testing.T) {
	const size = 1 << 20
	many := func(text string) string { return strings.Repeat(text, size/len(text)) }
	begin := time.Now()
	for _, payload := range []string{
		withError(`{"code":` + many("9") + `}`), withError(`"` + many(`\u0039`) + `"`), withError(many("[")[:9000] + many("]")[:9000]),
		withError(`{"code":1e-` + many("9") + `}`), withError(`{"code":0.` + many("0") + `1}`), withError(`[` + many("0,") + `0]`),
		`{"id":` + many("7") + `,"result":1}`, `{"id":"` + many("7") + `","result":1}`, `{"id":7e` + many("0") + `,"result":1}`,
		`{"jsonrpc":"` + many("2") + `","id":7,"result":1}`, answer(`"0x` + many("A") + `"`), answer(`"0x` + many("0") + `"`), many(`{"a":`), many("\xff"),
		`{` + strings.TrimSuffix(many(`"a":1,`), ",") + `}`,
	} {
		for _, form := range []types.CompareForm{inJSON, hexNumber, hexData} {
			mustBeWhole(t, verify.Read([]byte(question), 200, []byte(payload), form))
			mustBeWhole(t, verify.ReadREST(200, []byte(payload), form))
		}
	}
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("took %v", took)
	}
}

// FuzzRead: whatever a node answers, reading it ends, does so the same way each time, and gives data one digest in the
// spelling of another program.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", answer("null"), answer(`{"b":1,"a":[1.50,-0,1e2,"\u0061\ud83d\ude00"]}`), answer("1e400"), answer(`{"a":1,"a":2}`),
		`{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"m"}}`, `{"jsonrpc":"2.0","id":7,"result":1,"RESULT":2}`, answer("[[[[[[]]]]]]"),
		answer(`"0x0A"`), coded(`"3.0"`), withError(`429`), `{"id":7.0,"result":1,"error":{"code":0,"message":""}}`, `{"id":"7","result":[]}`,
	} {
		f.Add(uint32(200), []byte(seed), []byte("7"), byte(0))
		f.Add(uint32(429), []byte(seed), []byte(`"7"`), byte(1))
		f.Add(uint32(500), []byte(seed), []byte("70e-1"), byte(2))
	}
	f.Fuzz(func(t *testing.T, status uint32, payload, id []byte, form byte) {
		asked := fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"method":"a"}`, id)
		compared := types.CompareForm(form % 3)
		got := verify.Read(asked, status, payload, compared)
		mustBeWhole(t, got)
		if again := verify.Read(asked, status, bytes.Clone(payload), compared); !reflect.DeepEqual(again, got) {
			t.Fatalf("%+v, then %+v", got, again)
		}
		if (status >= 300 || status > 0 && status < 200) && (got.Data() || got.Class == verify.Malformed) || status == 429 && got.Class != verify.Failure {
			t.Fatalf("status %d: %+v", status, got)
		}
		if !got.Data() {
			return
		}
		// The same data in another spelling, by the standard library: sorted, compact, escaped for HTML.
		var response map[string]any
		decoder := json.NewDecoder(bytes.NewReader(payload))
		decoder.UseNumber() // integers count with all their digits
		if err := decoder.Decode(&response); err != nil {
			t.Fatalf("read what is not JSON: %v", err)
		}
		again, err := json.MarshalIndent(response, " ", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if other := verify.Read(asked, status, again, compared); other != got {
			t.Fatalf("%s: %+v, but %s: %+v", payload, got, again, other)
		}
	})
}
