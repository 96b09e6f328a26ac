package name

import (
	"errors"
	"strings"
	"testing"

	"rouse/internal/tidy/tables"
)

func TestNamesTable(t *testing.T) {
	for _, row := range tables.Read(t, "names.tsv") {
		name, kind, path := row[0], row[1], row[2]
		got := "refused"
		switch k := KindOf(name); {
		case k == Template:
			got = "template"
		case k == Plain, k == Instance && TypeOf(name).MayTemplate():
			got = "loads"
		}
		if got != kind {
			t.Errorf("%s: %s, want %s", name, got, kind)
		}
		if path == "" {
			continue
		}
		if got := BusPath(name); got != path {
			t.Errorf("BusPath(%s) = %s, want %s", name, got, path)
		}
		if got, err := FromBusPath(path); err != nil || got != name {
			t.Errorf("FromBusPath(%s) = %s, %v, want %s", path, got, err, name)
		}
	}
}

func TestEscapeTable(t *testing.T) {
	for _, row := range tables.Read(t, "escape.tsv") {
		op, input, ok, want := row[0], row[1], row[2] == "1", row[3]
		got, err := apply(op, input)
		if ok != (err == nil) || ok && got != want {
			t.Errorf("%s %q = %q, %v; want %q, %v", op, input, got, err, want, ok)
		}
	}
}

var errNoInstance = errors.New("not an instance")

// apply does what systemd-escape does with the options that op speaks of.
func apply(op, input string) (string, error) {
	op, template, _ := strings.Cut(op, "template ")
	if template != "" {
		escape := func(s string) (string, error) { return Escape(s), nil }
		if op == "path " {
			escape = EscapePath
		}
		instance, err := escape(input)
		if err != nil {
			return "", err
		}
		return WithInstance(template, instance)
	}
	switch op {
	case "escape":
		return Escape(input), nil
	case "path":
		return EscapePath(input)
	case "suffix mount":
		s, err := EscapePath(input)
		return s + ".mount", err
	case "mangle":
		return Mangle(input, ".service", false)
	case "unescape":
		return Unescape(input)
	case "path unescape":
		return UnescapePath(input)
	}
	if !Valid(input, Instance) {
		return "", errNoInstance
	}
	if op == "path instance" {
		return UnescapePath(InstanceOf(input))
	}
	return Unescape(InstanceOf(input))
}
