package protocol_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"math/big"
	"testing"
)

func bufioOf(text []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(text)) }

func gzipped(t testing.TB, body string) []byte {
	t.Helper()
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	if _, err := writer.Write([]byte(body)); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// flipS makes the other valid signature of one: that with the curve's order less S.
func flipS(signature []byte) {
	order, _ := new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
	s := new(big.Int).SetBytes(signature[32:])
	order.Sub(order, s).FillBytes(signature[32:])
}
