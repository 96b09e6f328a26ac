package rpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// params are the parameters of all methods together. What a method does not take
// is refused.
type params struct {
	Unit       string          `json:"unit"`
	Units      []string        `json:"units"`
	Patterns   []string        `json:"patterns"`
	Properties []string        `json:"properties"`
	Type       string          `json:"type"`
	Mode       string          `json:"mode"`
	Wait       *bool           `json:"wait"`
	Load       bool            `json:"load"`
	Who        string          `json:"who"`
	Signal     json.RawMessage `json:"signal"`
	Job        *uint32         `json:"job"`
	Dry        bool            `json:"dry"`
	Verb       string          `json:"verb"`
	ExitCode   uint8           `json:"exitCode"`
	Target     string          `json:"target"`
	PresetMode string          `json:"presetMode"`
	Runtime    bool            `json:"runtime"`
	Force      bool            `json:"force"`
	Property   string          `json:"property"`
	Value      json.RawMessage `json:"value"`
	Set        []string        `json:"set"`
	Unset      []string        `json:"unset"`

	given []string // the names of those that were given
	named bool     // an object was given

	queued func() // see face.JobRequest; nil if nobody wants to know
}

// lists are the parameters that are lists of strings.
var lists = []string{"units", "patterns", "properties", "set", "unset"}

// badParam is an error in parameters found only when a method ran.
type badParam struct{ error }

// parseParams reads parameters. By name is the usual way. By position, in the
// order of takes: [first, second]; if the first is a list, all of them belong to
// it. The seed's way works too: a lone string is the first parameter.
func parseParams(raw json.RawMessage, takes []string) (params, error) {
	var p params
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return p, nil
	}
	switch raw[0] {
	case '{':
		p.named = true
	case '[':
		var err error
		if raw, err = byName(raw, takes); err != nil {
			return p, err
		}
	case '"':
		if len(takes) == 0 {
			return p, fmt.Errorf("takes no parameters")
		}
		if slices.Contains(lists, takes[0]) {
			raw = slices.Concat([]byte("["), raw, []byte("]"))
		}
		raw = slices.Concat([]byte(`{"`+takes[0]+`":`), raw, []byte("}"))
	default:
		return p, fmt.Errorf("params: not an object, an array or a string")
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil {
		return p, fmt.Errorf("params: %w", err)
	}
	for k := range keys {
		if !slices.Contains(takes, k) {
			return p, fmt.Errorf("unknown parameter %q; known: %s", k, orNone(takes))
		}
		p.given = append(p.given, k)
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return p, plainTypeError(err)
	}
	return p, nil
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// plainTypeError says what is wrong in terms of JSON, not of Go.
func plainTypeError(err error) error {
	if e, ok := err.(*json.UnmarshalTypeError); ok {
		return fmt.Errorf("parameter %q: %s does not fit", e.Field, e.Value)
	}
	return err
}

// byName turns parameters given by position into an object.
func byName(raw json.RawMessage, takes []string) (json.RawMessage, error) {
	var args []json.RawMessage
	if err := json.Unmarshal(raw, &args); err != nil {
		return nil, fmt.Errorf("params: %w", err)
	}
	obj := map[string]json.RawMessage{}
	switch {
	case len(args) == 0:
	case len(takes) > 0 && slices.Contains(lists, takes[0]):
		obj[takes[0]] = raw
	case len(args) > len(takes):
		return nil, fmt.Errorf("takes at most %d parameters", len(takes))
	default:
		for i, a := range args {
			obj[takes[i]] = a
		}
	}
	return json.Marshal(obj)
}

// require checks that parameters were given.
func (p *params) require(names []string) error {
	for _, n := range names {
		if !slices.Contains(p.given, n) {
			return fmt.Errorf("parameter %q is missing", n)
		}
	}
	return nil
}

// mode reads the job mode; replace if none was given.
func (p *params) mode() (unit.JobMode, error) {
	if p.Mode == "" {
		return unit.Replace, nil
	}
	m, ok := unit.ParseJobMode(p.Mode)
	if !ok {
		return 0, badParam{fmt.Errorf("mode: %q is no job mode", p.Mode)}
	}
	return m, nil
}

// wait reports whether to wait for the job, which is the default.
func (p *params) wait() bool { return p.Wait == nil || *p.Wait }

// signal reads a signal by name or by its number on Linux; SIGTERM if none was
// given.
func (p *params) signal() (value.Signal, error) {
	text := string(p.Signal)
	if text == "" || text == "null" {
		return value.SIGTERM, nil
	}
	if text[0] == '"' {
		if err := json.Unmarshal(p.Signal, &text); err != nil {
			return 0, badParam{fmt.Errorf("signal: %w", err)}
		}
	}
	s, err := value.ParseSignal(text)
	if err != nil {
		return 0, badParam{fmt.Errorf("signal: %w", err)}
	}
	return s, nil
}
