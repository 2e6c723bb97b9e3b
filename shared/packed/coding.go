package packed

import (
	"strconv"
	"strings"
)

// Accepts reports whether a client takes answers that are compressed by gzip, and would rather not have them plain, by the
// values of its Accept-Encoding (RFC 9110, section 12.5.3): gzip has a weight above 0, by its name or by "*", and none below
// that of identity. refusesPlain reports whether identity has the weight 0. What is not well-formed is passed over; without
// the field an answer is plain.
func Accepts(values []string) (gzip, refusesPlain bool) {
	zipped, plain, rest := -1.0, -1.0, -1.0
	for element := range strings.SplitSeq(strings.Join(values, ","), ",") {
		coding, parameters, _ := strings.Cut(element, ";")
		weight, ok := weightOf(parameters)
		if !ok {
			continue
		}
		switch strings.ToLower(strings.Trim(coding, " \t")) {
		case "gzip", "x-gzip":
			zipped = max(zipped, weight)
		case "identity":
			plain = max(plain, weight)
		case "*":
			rest = max(rest, weight)
		}
	}
	if zipped < 0 {
		zipped = rest
	}
	if plain < 0 && rest == 0 {
		plain = 0
	}
	return zipped > 0 && zipped >= plain, plain == 0
}

// weightOf returns the weight of an element's parameters, 1 without any.
func weightOf(parameters string) (weight float64, ok bool) {
	parameters = strings.Trim(parameters, " \t")
	if parameters == "" {
		return 1, true
	}
	name, value, _ := strings.Cut(parameters, "=")
	if !strings.EqualFold(strings.Trim(name, " \t"), "q") {
		return 0, false
	}
	value = strings.Trim(value, " \t")
	if len(value) == 0 || len(value) > 5 || strings.Trim(value, "0123456789.") != "" {
		return 0, false
	}
	weight, err := strconv.ParseFloat(value, 64)
	return weight, err == nil && weight <= 1
}

// Matches reports whether the values of If-None-Match (RFC 9110, section 13.1.2) have a tag, compared weakly, or are "*".
func Matches(values []string, tag string) bool {
	list := strings.Join(values, ",")
	if strings.Trim(list, " \t") == "*" {
		return true
	}
	tag = strings.TrimPrefix(tag, "W/")
	for list != "" {
		list = strings.TrimLeft(list, " \t,")
		list = strings.TrimPrefix(list, "W/")
		if !strings.HasPrefix(list, `"`) {
			return false // it is not well-formed
		}
		end := strings.IndexByte(list[1:], '"')
		if end < 0 {
			return false
		}
		given := list[:end+2]
		list = strings.TrimLeft(list[end+2:], " \t")
		if list != "" && list[0] != ',' {
			return false
		}
		if given == tag {
			return true
		}
	}
	return false
}
