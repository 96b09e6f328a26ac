// Package name knows unit names: which are valid, their types, templates and
// instances, escaping and mangling, and their object paths on the bus. It
// answers for the naming parts of systemd.unit(5) and for systemd-escape(1).
package name

import (
	"fmt"
	"strings"
)

// Type is the type of a unit, told by its suffix.
type Type uint8

// The unit types. Bad is the type of what is not a unit name.
const (
	Bad Type = iota
	Service
	Socket
	Target
	Device
	Mount
	Automount
	Swap
	Timer
	Path
	Slice
	Scope
	Types
)

var typeInfo = [Types]struct {
	word     string
	template bool // there are templates and instances
	alias    bool // there are other names for one unit
}{
	Bad:       {word: ""},
	Service:   {word: "service", template: true, alias: true},
	Socket:    {word: "socket", template: true, alias: true},
	Target:    {word: "target", template: true, alias: true},
	Device:    {word: "device", alias: true},
	Mount:     {word: "mount"},
	Automount: {word: "automount"},
	Swap:      {word: "swap"},
	Timer:     {word: "timer", template: true, alias: true},
	Path:      {word: "path", template: true, alias: true},
	Slice:     {word: "slice"},
	Scope:     {word: "scope"},
}

// String gives the suffix without its dot.
func (t Type) String() string { return typeInfo[t].word }

// MayTemplate reports whether units of the type may be templates and instances.
func (t Type) MayTemplate() bool { return typeInfo[t].template }

// MayAlias reports whether units of the type may have other names.
func (t Type) MayAlias() bool { return typeInfo[t].alias }

// ParseType gives the type called word ("service").
func ParseType(word string) (Type, bool) {
	for t := Bad + 1; t < Types; t++ {
		if typeInfo[t].word == word {
			return t, true
		}
	}
	return Bad, false
}

// MaxLen is the length of the longest unit name, in bytes.
const MaxLen = 255

// Kind is a set of kinds of unit names.
type Kind uint8

// The kinds: foo.service, foo@bar.service and foo@.service. Any is all three.
const (
	Plain Kind = 1 << iota
	Instance
	Template
	Any = Plain | Instance | Template
)

// TypeOf tells the type of a unit by the suffix of its name alone; Bad if it has
// none. Whether the rest is valid is for Valid to say.
func TypeOf(name string) Type {
	dot := strings.LastIndexByte(name, '.')
	if dot <= 0 {
		return Bad
	}
	t, _ := ParseType(name[dot+1:])
	return t
}

// KindOf tells the kind of a name; 0 if it is not a valid unit name. A name of
// kind Instance may still be of a type without instances: see MayTemplate.
func KindOf(name string) Kind {
	if len(name) > MaxLen || TypeOf(name) == Bad {
		return 0
	}
	stem := PrefixAndInstance(name)
	if !only(stem, isNameByteOrAt) {
		return 0
	}
	switch strings.IndexByte(stem, '@') {
	case -1:
		return Plain
	case 0:
		return 0
	case len(stem) - 1:
		return Template
	}
	return Instance
}

// Valid reports whether name is a valid unit name of one of the kinds.
func Valid(name string, kinds Kind) bool { return KindOf(name)&kinds != 0 }

// ValidPrefix reports whether s may stand before the @ or the suffix of a name.
func ValidPrefix(s string) bool { return s != "" && only(s, isNameByte) }

// ValidInstance reports whether s may stand between the @ and the suffix.
func ValidInstance(s string) bool { return s != "" && only(s, isNameByteOrAt) }

// PrefixAndInstance is the name without its suffix ("foo@bar").
func PrefixAndInstance(name string) string {
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		return name[:dot]
	}
	return name
}

// Prefix is what stands before the suffix, or before the @ ("foo" of
// "foo@bar.service").
func Prefix(name string) string {
	prefix, _, _ := strings.Cut(PrefixAndInstance(name), "@")
	return prefix
}

// InstanceOf is the part between the @ and the suffix; "" for others.
func InstanceOf(name string) string {
	_, instance, _ := strings.Cut(PrefixAndInstance(name), "@")
	return instance
}

// TemplateOf gives "foo@.service" for "foo@bar.service" and for itself; ok is
// false for what is no instance or template.
func TemplateOf(name string) (template string, ok bool) {
	if !Valid(name, Instance|Template) {
		return "", false
	}
	return Prefix(name) + "@." + TypeOf(name).String(), true
}

// WithInstance puts an instance into a template or in place of another instance.
func WithInstance(template, instance string) (string, error) {
	if !Valid(template, Instance|Template) {
		return "", fmt.Errorf("unit name %q: neither a template nor an instance", template)
	}
	if !ValidInstance(instance) {
		return "", fmt.Errorf("instance %q of %s: empty or not valid in a unit name",
			instance, template)
	}
	return check(Prefix(template) + "@" + instance + "." + TypeOf(template).String())
}

// WithSuffix puts another suffix (".socket") in place of that of name.
func WithSuffix(name, suffix string) (string, error) {
	if !Valid(name, Any) {
		return "", fmt.Errorf("unit name %q: not valid", name)
	}
	if err := checkSuffix(suffix); err != nil {
		return "", err
	}
	return check(PrefixAndInstance(name) + suffix)
}

func check(name string) (string, error) {
	switch {
	case len(name) > MaxLen:
		return "", fmt.Errorf("unit name %q: %d bytes, more than %d", name, len(name), MaxLen)
	case !Valid(name, Any):
		return "", fmt.Errorf("unit name %q: not valid", name)
	}
	return name, nil
}

func checkSuffix(suffix string) error {
	if word, ok := strings.CutPrefix(suffix, "."); ok {
		if _, ok := ParseType(word); ok {
			return nil
		}
	}
	return fmt.Errorf("suffix %q: not that of a unit type", suffix)
}

func only(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return true
}

func isNameByte(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' ||
		c == ':' || c == '-' || c == '_' || c == '.' || c == '\\'
}

func isNameByteOrAt(c byte) bool { return c == '@' || isNameByte(c) }

func isGlobByte(c byte) bool {
	return isNameByteOrAt(c) || c == '*' || c == '?' || c == '[' || c == ']' || c == '!'
}
