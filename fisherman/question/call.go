package question

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Call is what a question asks, however a client writes it down. It is made by Named, Positional or Get.
type Call struct {
	label string
	// method and params of JSON-RPC; params is an array or an object as compact JSON. No method for REST.
	method, params string
	// path of a REST request by GET, with its query, and its headers beside the client's own.
	path    string
	headers []*types.HTTPHeader
}

// Param is one parameter of a call. Parameters keep their order, as clients send them.
type Param struct {
	Name string
	// Value is a string, a bool, an int64, or []Param for an object.
	Value any
}

// Named is a JSON-RPC call that takes its parameters by name.
func Named(method string, params ...Param) Call {
	return Call{label: labelled(method, params), method: method, params: object(params)}
}

// Positional is a JSON-RPC call that takes its parameters by place.
func Positional(method string, params ...Param) Call {
	return Call{label: labelled(method, params), method: method, params: list(params)}
}

// Get is a REST call by GET. The path holds no space.
func Get(path string, headers ...*types.HTTPHeader) Call {
	label := "GET " + path
	for _, header := range headers {
		value := header.GetValue()
		if strings.ContainsAny(value, ` "`) {
			value = strconv.Quote(value)
		}
		label += " " + header.GetName() + "=" + value
	}
	return Call{label: label, path: path, headers: slices.Clone(headers)}
}

func labelled(method string, params []Param) string {
	return strings.Join(append([]string{method}, named(params)...), " ")
}

// named is each parameter for people; those of an object stand for themselves.
func named(params []Param) []string {
	var parts []string
	for _, param := range params {
		if members, nested := param.Value.([]Param); nested {
			parts = append(parts, named(members)...)
			continue
		}
		parts = append(parts, fmt.Sprintf("%s=%v", param.Name, param.Value))
	}
	return parts
}

func list(params []Param) string {
	values := make([]string, len(params))
	for i, param := range params {
		values[i] = encoded(param.Value)
	}
	return "[" + strings.Join(values, ",") + "]"
}

func object(params []Param) string {
	fields := make([]string, len(params))
	for i, param := range params {
		fields[i] = encoded(param.Name) + ":" + encoded(param.Value)
	}
	return "{" + strings.Join(fields, ",") + "}"
}

func encoded(value any) string {
	if members, nested := value.([]Param); nested {
		return object(members)
	}
	text, _ := json.Marshal(value) // a string, a bool and a number always encode
	return string(text)
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// quantity is a number as Ethereum's JSON-RPC writes it: hex without leading zeros.
func quantity(n int64) string { return "0x" + strconv.FormatInt(n, 16) }
