package verify

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/gowebpki/jcs"
)

const (
	// plainDigits is how many digits a number may have before its point without an exponent, and plainZeros how many
	// zeros after it (ECMA-262, Number::toString).
	plainDigits = 21
	plainZeros  = 5
	// mostExponent bounds the exponents that are read, far beyond what a double can hold.
	mostExponent = 1 << 30
)

// number is the canonical form of a JSON number. A fraction is written as the nearest double, as the RFC has it. An
// integer, however it is spelled, keeps all of its digits, in the layout that ECMAScript and so the RFC have: plain below
// 10^21, else as in 1.5e+21. So does a fraction that a double does not tell from an integer: it must not pass for that.
func number(literal string) (string, error) {
	double, power, err := measure(literal)
	if err != nil {
		return "", err
	}
	digits, exponent := decimal(strings.TrimPrefix(literal, "-"), power)
	switch {
	case digits == "":
		return "0", nil
	case exponent < 0 && double != math.Trunc(double):
		return jcs.NumberToJSON(double)
	case literal[0] == '-':
		return "-" + layout(digits, exponent), nil
	}
	return layout(digits, exponent), nil
}

// measure returns the double nearest to a number, and the exponent that it is written with; 0 for none. A number beyond
// the range of either is an error.
func measure(literal string) (double float64, power int, err error) {
	if double, err = strconv.ParseFloat(literal, 64); err != nil {
		return 0, 0, errors.New("number beyond the range of a double")
	}
	if at := strings.LastIndexAny(literal, "eE"); at >= 0 {
		power, err = strconv.Atoi(literal[at+1:])
	}
	if err != nil || power > mostExponent || power < -mostExponent {
		return 0, 0, errors.New("number with an exponent beyond measure")
	}
	return double, power, nil
}

// decimal takes a number without sign apart: it is digits × 10^exponent, the digits without zeros at either end. Zero has
// no digits.
func decimal(literal string, power int) (digits string, exponent int) {
	mantissa := literal
	if at := strings.LastIndexAny(literal, "eE"); at >= 0 {
		mantissa = literal[:at]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	all := whole + fraction
	digits = strings.TrimRight(all, "0")
	exponent = power + len(all) - len(digits) - len(fraction)
	return strings.TrimLeft(digits, "0"), exponent
}

// layout writes digits × 10^exponent as ECMA-262's Number::toString lays numbers out.
func layout(digits string, exponent int) string {
	switch point := len(digits) + exponent; {
	case exponent >= 0 && point <= plainDigits:
		return digits + strings.Repeat("0", exponent)
	case 0 < point && point <= plainDigits:
		return digits[:point] + "." + digits[point:]
	case -plainZeros <= point && point <= 0:
		return "0." + strings.Repeat("0", -point) + digits
	default:
		if len(digits) > 1 {
			digits = digits[:1] + "." + digits[1:]
		}
		sign := ""
		if point > 0 {
			sign = "+"
		}
		return digits + "e" + sign + strconv.Itoa(point-1)
	}
}
