package client

import (
	"encoding/json"
	"strings"
)

// field is one member of a JSON object, and object keeps them in order.
type (
	field struct {
		name  string
		value any // nil is null
	}
	object []field
)

// writeJSON prints a list of objects as systemctl does: in one line, or with tabs.
func (a *app) writeJSON(rows []object) error {
	b := &strings.Builder{}
	pretty := a.opts.json == "pretty"
	sep := func(depth int) {
		if pretty {
			b.WriteString("\n" + strings.Repeat("\t", depth))
		}
	}
	colon := ":"
	if pretty {
		colon = " : "
	}
	b.WriteByte('[')
	for i, r := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		sep(1)
		b.WriteByte('{')
		for j, f := range r {
			if j > 0 {
				b.WriteByte(',')
			}
			sep(2)
			v, err := jsonText(f.value)
			if err != nil {
				return err
			}
			n, err := jsonText(f.name)
			if err != nil {
				return err
			}
			b.WriteString(n + colon + v)
		}
		sep(1)
		b.WriteByte('}')
	}
	if len(rows) > 0 {
		sep(0)
	}
	b.WriteString("]\n")
	_, err := a.Stdout.Write([]byte(b.String()))
	return err
}

// jsonText gives a value as JSON, without escaping for HTML.
func jsonText(v any) (string, error) {
	b := &strings.Builder{}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// orNull gives nil for "".
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
