package rpc

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/pocket-fisherman/fisherman/shared/packed"
)

// content is the body of an answer in parts, some of which are compressed already.
type content struct {
	parts []packed.Part
	// tag is a weak entity tag: it is the same however the content is coded.
	tag string
	// size of the text, and how many bytes of it are held for this answer alone.
	size, own int
}

// newContent makes a content of parts, each with its digest.
func newContent(parts []packed.Part, digests [][packed.DigestSize]byte) content {
	made := content{parts: parts}
	whole := make([]byte, 0, len(digests)*packed.DigestSize)
	for i, part := range parts {
		made.size += part.Size()
		if part.Piece == nil {
			made.own += len(part.Text)
		}
		whole = append(whole, digests[i][:]...)
	}
	digest := packed.Digest(whole)
	made.tag = `W/"` + hex.EncodeToString(digest[:]) + `"`
	return made
}

// contentOf makes a content of a text.
func contentOf(text []byte) content {
	return newContent([]packed.Part{{Text: text}}, [][packed.DigestSize]byte{packed.Digest(text)})
}

// encoded is a body in JSON.
type encoded []byte

// encode encodes a body, unless it is.
func encode(body any) (encoded, error) {
	if done, is := body.(encoded); is {
		return done, nil
	}
	var text bytes.Buffer
	if err := json.NewEncoder(&text).Encode(body); err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return bytes.Clone(text.Bytes()), nil // without what the buffer has too much
}

// contentFrom makes a content of a body, unless it is one.
func contentFrom(body any) (content, error) {
	if made, is := body.(content); is {
		return made, nil
	}
	text, err := encode(body)
	if err != nil {
		return content{}, err
	}
	return contentOf(text), nil
}

// uncompressed is the size in bytes up to which an answer is plain, unless the client refuses that.
const uncompressed = 1 << 10

// mostCompressing bounds the answers that are compressed at once, each of which takes a processor and about a megabyte.
const mostCompressing = 2

// parts calls yield with the parts of an answer's bytes. Its error is that of a part that cannot be read.
type parts func(yield func([]byte) error) error

// plain returns the content as it is.
func (c *content) plain() parts {
	return func(yield func([]byte) error) error {
		for _, part := range c.parts {
			text := part.Text
			if text == nil && part.Piece != nil {
				var err error
				if text, err = part.Piece.Text(); err != nil {
					return err
				}
			}
			if err := yield(text); err != nil {
				return err
			}
		}
		return nil
	}
}

// coded returns the bytes of a content as the client of a request takes it, and how many these are, and sets the headers that tell
// of it. When others keep the places for compressing for too long, it is plain.
func (s *Server) coded(w http.ResponseWriter, r *http.Request, body *content) (parts, int) {
	gzip, refusesPlain := packed.Accepts(r.Header.Values("Accept-Encoding"))
	if !gzip || body.size <= uncompressed && !refusesPlain {
		return body.plain(), body.size
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.limits.answer)
	defer cancel()
	var stream [][]byte
	var size int
	err := takeTurn(ctx, s.compressing, func() error {
		stream, size = packed.Join(body.parts)
		body.parts = nil // what was compressed is not held beside it
		return nil
	})
	if err != nil {
		return body.plain(), body.size
	}
	w.Header().Set("Content-Encoding", "gzip")
	return func(yield func([]byte) error) error {
		for _, part := range stream {
			if err := yield(part); err != nil {
				return err
			}
		}
		return nil
	}, size
}

// unchanged reports whether the client of a request has the content already, and tells it so.
func unchanged(w http.ResponseWriter, r *http.Request, body *content) bool {
	header := w.Header()
	header.Set("ETag", body.tag)
	header.Add("Vary", "Accept-Encoding")
	if !packed.Matches(r.Header.Values("If-None-Match"), body.tag) {
		return false
	}
	guard(header)
	w.WriteHeader(http.StatusNotModified)
	return true
}
