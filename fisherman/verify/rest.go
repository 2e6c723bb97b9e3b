package verify

import (
	"fmt"
	"slices"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// ReadAnswer reads what a node answered to a question: by Read, or, if the question is REST, by ReadREST. Status is the
// HTTP status of the node's answer.
func ReadAnswer(question types.Payload, status uint32, payload []byte, form types.CompareForm, ignored ...types.Pointer) Reading {
	if question.REST != nil {
		return ReadREST(status, payload, form, ignored...)
	}
	return Read(question.JSONRPC, status, payload, form, ignored...)
}

// HTTP statuses that decide.
const (
	statusOK            = 200
	statusErrors        = 400 // the first of them
	statusNotFound      = 404
	statusInternalError = 500
)

// ReadREST reads a REST answer. A success, status 200, is data: its body is JSON and is compared as Read does a result,
// without the ignored fields of the body. Status 404 is an absence; those that refuse (401 to 403, 407, 408, 429) and
// those from 500 on are failures, as are those below 400 that carry no answer; the others are claims. A success that is
// not JSON is malformed: it is not compared byte by byte, because an error page that all nodes share would then count as
// an answer.
func ReadREST(status uint32, body []byte, form types.CompareForm, ignored ...types.Pointer) Reading {
	switch {
	case status == statusOK:
		return read(body, form, ignored)
	case status == statusNotFound:
		return absent(int64(status), said(status, body))
	case status < statusErrors:
		return failed(status, body)
	}
	return withCode(int64(status), unable(status) || status == statusInternalError, said(status, body))
}

// succeeded reports whether an HTTP status, if it is known, is one of success.
func succeeded(status uint32) bool { return status == 0 || status/100 == 2 }

// unable reports whether a node says by an HTTP status that it could not answer, whatever its error says. Status 500 is
// not among them: Bitcoin's nodes send it with every error.
func unable(status uint32) bool {
	// Unauthorized, payment required, forbidden, proxy authentication required, request timeout, too many requests.
	return status > statusInternalError || slices.Contains([]uint32{401, 402, 403, 407, 408, 429}, status)
}

// failed is an answer that is nothing but an HTTP status.
func failed(status uint32, body []byte) Reading {
	return Reading{Class: Failure, Code: int64(status), Err: said(status, body)}
}

func said(status uint32, body []byte) error {
	return fmt.Errorf("error of the node: HTTP status %d: %s", status, text.Line(string(body), mostQuoted))
}
