package rpc

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// What is served beside the API answers to this machine's own names, and to no page of another site, which could broadcast
// a transaction by an image's address.
func TestGuard(t *testing.T) {
	for name, test := range map[string]struct {
		host    string
		header  http.Header
		public  bool
		refused int
	}{
		"loopback":            {host: "127.0.0.1:26657"},
		"localhost":           {host: "localhost"},
		"IPv6":                {host: "[::1]:26657"},
		"rebound name":        {host: "evil.example:26657", refused: http.StatusMisdirectedRequest},
		"another address":     {host: "10.0.0.1:26657", refused: http.StatusMisdirectedRequest},
		"no host":             {refused: http.StatusMisdirectedRequest},
		"public":              {host: "node.example", public: true},
		"another site":        {host: "127.0.0.1", header: http.Header{"Sec-Fetch-Site": {"cross-site"}}, refused: http.StatusForbidden},
		"another port":        {host: "127.0.0.1", header: http.Header{"Sec-Fetch-Site": {"same-site"}}, refused: http.StatusForbidden},
		"an old browser":      {host: "127.0.0.1", header: http.Header{"Origin": {"https://evil.example"}}, refused: http.StatusForbidden},
		"no origin":           {host: "127.0.0.1", header: http.Header{"Origin": {"null"}}, refused: http.StatusForbidden},
		"another, of public":  {host: "node.example", header: http.Header{"Origin": {"https://evil.example"}}, public: true, refused: http.StatusForbidden},
		"its own page":        {host: "127.0.0.1:1", header: http.Header{"Origin": {"http://127.0.0.1:1"}}},
		"typed by the user":   {host: "127.0.0.1:1", header: http.Header{"Sec-Fetch-Site": {"none"}}},
		"its own, by browser": {host: "127.0.0.1:1", header: http.Header{"Sec-Fetch-Site": {"same-origin"}}},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			asked := false
			handler := Guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.Method == method }), test.public)
			request := httptest.NewRequest(method, "/broadcast_tx_sync?tx=0x00", nil)
			request.Host = test.host
			for key, values := range test.header {
				request.Header[key] = values
			}
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, request)
			if asked != (test.refused == 0) || test.refused != 0 && recorder.Code != test.refused {
				t.Errorf("%s: %s: asked %t, status %d", name, method, asked, recorder.Code)
			}
			if test.refused != 0 && recorder.Header().Get("Connection") != "close" {
				t.Errorf("%s: the connection is kept", name)
			}
		}
	}
}
