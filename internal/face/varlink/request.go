package varlink

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
)

// A request is a message of a client.
type request struct {
	method       string
	parameters   []member
	more, oneway bool
}

// A reply is a message to a client. Error comes first, and is left out of what succeeds.
type reply struct {
	Error      string `json:"error,omitempty"`
	Parameters any    `json:"parameters"`
	Continues  bool   `json:"continues,omitempty"`
}

// A member is a name and a value of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// members takes a JSON object apart. What is no object has none, and ok is false.
func members(text []byte) (list []member, ok bool) {
	if !json.Valid(text) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	for d.More() {
		t, err := d.Token()
		name, isName := t.(string)
		var value json.RawMessage
		if err != nil || !isName || d.Decode(&value) != nil {
			return nil, false
		}
		list = append(list, member{name, value})
	}
	return list, true
}

// parse reads a message. What is no request, or asks for what nobody here does, is not ok;
// systemd closes such a connection.
func parse(text []byte) (q request, ok bool) {
	list, ok := members(text)
	seen := map[string]bool{}
	for _, m := range list {
		ok = ok && !seen[m.name]
		seen[m.name] = true
		switch m.name {
		case "method":
			q.method, ok = quoted(m.value, ok)
		case "parameters":
			if string(m.value) != "null" && ok {
				q.parameters, ok = members(m.value)
			}
		case "more":
			q.more, ok = flag(m.value, ok)
		case "oneway":
			q.oneway, ok = flag(m.value, ok)
		default:
			return q, false
		}
	}
	return q, ok && seen["method"] && !(q.more && q.oneway)
}

// quoted reads a string; it is not ok if something before was not.
func quoted(value json.RawMessage, before bool) (s string, ok bool) {
	ok = before && value[0] == '"' && json.Unmarshal(value, &s) == nil
	return s, ok
}

// flag reads true or false; it is not ok if something before was not.
func flag(value json.RawMessage, before bool) (is, ok bool) {
	is = string(value) == "true"
	return is, before && (is || string(value) == "false")
}

// The numbers of Linux's errors by which systemd tells what is wrong with parameters.
const (
	errIO        = 5
	errBusy      = 16 // several records, and the client takes one
	errInvalid   = 22 // a value of another type
	errNotUnique = 76
	errNotKnown  = 99 // a parameter of no meaning
)

func refusal(name string) []reply {
	return []reply{{Error: name, Parameters: struct{}{}}}
}

func errno(n int) []reply {
	return []reply{{Error: "io.systemd.System", Parameters: map[string]int{"errno": n}}}
}

// lookup reads the parameters of a request for records: who is asked, and names and numbers by
// what they are called. Wrong is a number of an error.
func (q *request) lookup(names, numbers []string) (l lookup, wrong int) {
	seen := map[string]bool{}
	for _, m := range q.parameters {
		ok := true
		switch {
		case m.name == "service":
			l.service, ok = quoted(m.value, true)
		case slices.Contains(names, m.name):
			var s string
			s, ok = quoted(m.value, true)
			l.name = &s
		case slices.Contains(numbers, m.name):
			var n uint64
			n, ok = number(m.value)
			id := uint32(n)
			l.id = &id
		default:
			return l, errNotKnown
		}
		if seen[m.name] {
			return l, errNotUnique
		}
		seen[m.name] = true
		if !ok {
			return l, errInvalid
		}
	}
	return l, 0
}

// number reads the number of a user or group. Two mean that there is none, and are refused.
func number(value json.RawMessage) (n uint64, ok bool) {
	n, err := strconv.ParseUint(string(value), 10, 32)
	return n, err == nil && n != math.MaxUint16 && n != math.MaxUint32
}
