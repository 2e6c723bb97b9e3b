package wire

import (
	"bytes"
	"fmt"
	"net/http"
)

// requestRoom is what the header of a request takes, and what bytes.Buffer wants to have free, so that it grows once.
const requestRoom = 512 + bytes.MinRead

// Request serialises an HTTP request, so that nothing is left to do at the moment of sending but to write it. Its errors
// do not name the address, which may hold a secret.
func Request(method, address string, header http.Header, body []byte) ([]byte, error) {
	request, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("build request: %w", withoutURL(err))
	}
	request.Header = header
	var serialised bytes.Buffer
	serialised.Grow(len(body) + requestRoom)
	if err := request.Write(&serialised); err != nil {
		return nil, fmt.Errorf("serialise request: %w", withoutURL(err))
	}
	return serialised.Bytes(), nil
}
