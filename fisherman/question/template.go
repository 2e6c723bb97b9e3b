package question

import (
	"errors"
	"fmt"
	"strings"
)

// places are the placeholders of a template: {height} and {from} are decimal, those in _hex Ethereum's quantities, and
// those in _number, in JSON only, stand for a whole text and become a number.
const (
	placeHeight       = "height"
	placeHeightHex    = "height_hex"
	placeHeightNumber = "height_number"
	placeFrom         = "from"
	placeFromHex      = "from_hex"
	placeFromNumber   = "from_number"
)

const knownPlaces = "{height}, {height_hex}, {height_number}, {from}, {from_hex} and {from_number}"

// part of a template: text as it is, or a placeholder.
type part struct{ text, place string }

// template is a text with placeholders.
type template []part

// fill puts the end and the beginning of a range of heights into the template.
func (t template) fill(height, from int64) string {
	var text strings.Builder
	for _, part := range t {
		switch part.place {
		case placeHeight, placeHeightNumber:
			text.WriteString(decimal(height))
		case placeHeightHex:
			text.WriteString(quantity(height))
		case placeFrom, placeFromNumber:
			text.WriteString(decimal(from))
		case placeFromHex:
			text.WriteString(quantity(from))
		default:
			text.WriteString(part.text)
		}
	}
	return text.String()
}

// has tells whether the template has one of the placeholders.
func (t template) has(places ...string) bool {
	for _, part := range t {
		for _, place := range places {
			if part.place == place {
				return true
			}
		}
	}
	return false
}

// parseText splits a text into its parts. Braces are for placeholders only, so that a misspelt one is found.
func parseText(text string) (template, error) {
	var parsed template
	for text != "" {
		brace := strings.IndexAny(text, "{}")
		if brace < 0 {
			return append(parsed, part{text: text}), nil
		}
		if brace > 0 {
			parsed = append(parsed, part{text: text[:brace]})
		}
		name, rest, closed := strings.Cut(text[brace+1:], "}")
		if text[brace] == '}' || !closed {
			return nil, errors.New("a brace is not part of a placeholder")
		}
		switch name {
		case placeHeight, placeHeightHex, placeFrom, placeFromHex:
			parsed = append(parsed, part{place: name})
		case placeHeightNumber, placeFromNumber:
			return nil, fmt.Errorf("{%s} is more than a part of a text: it is a whole value of JSON parameters", name)
		default:
			return nil, fmt.Errorf("unknown placeholder {%.40s}; there are %s", name, knownPlaces)
		}
		text = rest
	}
	return parsed, nil
}

// parseJSON splits valid, compact JSON into its parts. Placeholders are within its texts.
func parseJSON(compact string) (template, error) {
	var parsed template
	for compact != "" {
		quote := strings.IndexByte(compact, '"')
		if quote < 0 {
			break
		}
		parsed = append(parsed, part{text: compact[:quote]})
		text, rest := quoted(compact[quote+1:])
		switch text {
		case "{" + placeHeightNumber + "}", "{" + placeFromNumber + "}":
			parsed = append(parsed, part{place: strings.Trim(text, "{}")})
		default:
			within, err := parseText(text)
			if err != nil {
				return nil, err
			}
			parsed = append(parsed, part{text: `"`})
			parsed = append(parsed, within...)
			parsed = append(parsed, part{text: `"`})
		}
		compact = rest
	}
	return append(parsed, part{text: compact}), nil
}

// quoted splits at the end of a JSON text, whose first quote is cut off.
func quoted(json string) (text, rest string) {
	for i := 0; i < len(json); i++ {
		switch json[i] {
		case '\\':
			i++
		case '"':
			return json[:i], json[i+1:]
		}
	}
	return json, "" // not in valid JSON
}
