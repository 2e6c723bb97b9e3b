package localnet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// lieField is the member that a liar adds to an object.
const lieField = "localnet_lie"

// forgeable is the minimum length at which a string in a result looks like a hash, a signature or data.
const forgeable = 32

// liar alters results. The same liar always alters the same result in the same way; two liars never alter it in the
// same way, and none leaves it unchanged. That holds for values, not only for spellings.
type liar struct {
	// index of the servicer that lies, 0 to MaxServicers-1.
	index int
}

// Lie alters the result of a JSON-RPC answer, or of each answer of a batch. Errors, and anything that is not an answer,
// stay unchanged byte for byte.
func (l liar) Lie(answer []byte) []byte {
	var batch []json.RawMessage
	if json.Unmarshal(answer, &batch) != nil {
		return l.lieOnce(answer)
	}
	lied := false
	for i, element := range batch {
		if lie := l.lieOnce(element); !bytes.Equal(lie, element) {
			batch[i], lied = lie, true
		}
	}
	if !lied {
		return answer
	}
	return encode(batch)
}

// lieOnce alters one answer. The members other than the result keep their bytes, in particular the id.
func (l liar) lieOnce(answer []byte) []byte {
	var reply map[string]json.RawMessage
	if json.Unmarshal(answer, &reply) != nil {
		return answer
	}
	if failure, ok := reply["error"]; ok && string(failure) != "null" {
		return answer
	}
	truth, ok := reply["result"]
	if !ok {
		return answer
	}
	decoder := json.NewDecoder(bytes.NewReader(truth))
	decoder.UseNumber()
	var result any
	if decoder.Decode(&result) != nil {
		return answer
	}
	reply["result"] = encode(l.alter(result))
	return encode(reply)
}

// alter replaces a result by another value, of the same kind if possible (not for booleans and null). The mark that it
// adds is different for each liar; the forged hashes only make the lie more plausible.
func (l liar) alter(result any) any {
	switch value := result.(type) {
	case map[string]any:
		forged := l.forge(value).(map[string]any)
		forged[lieField] = l.mark()
		return forged
	case []any:
		return append(l.forge(value).([]any), l.mark())
	case string:
		return value + l.mark()
	case json.Number:
		return l.number(value)
	default:
		return l.mark()
	}
}

// forge alters every long string in the value, in place.
func (l liar) forge(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			value[name] = l.forge(member)
		}
	case []any:
		for i, element := range value {
			value[i] = l.forge(element)
		}
	case string:
		if mark := l.mark(); len(value) >= forgeable {
			return value[:len(value)-len(mark)] + mark
		}
	}
	return value
}

// mark returns eight decimal digits, so that a forged hash keeps its length and alphabet.
func (l liar) mark() string { return fmt.Sprintf("%08d", l.index+1) }

// number returns the liar's number, or its negative if the number happens to be the true one. It is small, so that no
// canonical form rounds the difference away.
func (l liar) number(truth json.Number) json.Number {
	lie := l.index + 1
	if value, err := truth.Float64(); err == nil && value == float64(lie) {
		lie = -lie
	}
	return json.Number(strconv.Itoa(lie))
}

// encode returns a decoded value as JSON again; that cannot fail.
func encode(value any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Sprintf("encode a decoded value: %v", err))
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
