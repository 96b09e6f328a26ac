package name

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

// TypeOf tells the type of a unit by the suffix of its name; Bad if it has none.
func TypeOf(name string) Type { return Bad }

// ParseType gives the type called word ("service").
func ParseType(word string) (Type, bool) { return Bad, false }

// MayTemplate reports whether units of the type may be templates and instances.
func (t Type) MayTemplate() bool { return false }

// MayAlias reports whether units of the type may have other names.
func (t Type) MayAlias() bool { return false }

// KindOf tells the kind of a name; 0 if it is not a valid unit name.
func KindOf(name string) Kind { return 0 }

// Valid reports whether name is a valid unit name of one of the kinds.
func Valid(name string, kinds Kind) bool { return false }

// Prefix is what stands before the suffix, or before the @ ("foo" of
// "foo@bar.service").
func Prefix(name string) string { return "" }

// InstanceOf is the part between the @ and the suffix; "" for others.
func InstanceOf(name string) string { return "" }

// PrefixAndInstance is the name without its suffix ("foo@bar").
func PrefixAndInstance(name string) string { return "" }

// TemplateOf gives "foo@.service" for "foo@bar.service"; ok is false for what is
// no instance or template.
func TemplateOf(name string) (template string, ok bool) { return "", false }

// WithInstance puts an instance into a template or in place of another instance.
func WithInstance(template, instance string) (string, error) { return "", nil }

// WithSuffix puts another suffix (".socket") in place of that of name.
func WithSuffix(name, suffix string) (string, error) { return "", nil }

// Escape escapes a string for use in a unit name. systemd-escape(1).
func Escape(s string) string { return "" }

// Unescape undoes Escape.
func Unescape(s string) (string, error) { return "", nil }

// EscapePath escapes a path for use in a unit name. systemd-escape(1), --path.
func EscapePath(path string) (string, error) { return "", nil }

// UnescapePath undoes EscapePath; the path is absolute.
func UnescapePath(s string) (string, error) { return "", nil }

// FromPath gives the name of the unit for a path: "/home" and ".mount" make "home.mount".
func FromPath(path, suffix string) (string, error) { return "", nil }

// ToPath gives the path that the prefix of a plain name stands for.
func ToPath(name string) (string, error) { return "", nil }

// Mangle makes a unit name of what a user typed: paths become .mount or .device
// units, wrong characters are escaped, suffix (".service") is added where there
// is none. With globs allowed, a pattern is left as it is.
func Mangle(s, suffix string, allowGlob bool) (string, error) { return "", nil }

// BusLabel escapes a string for use as one label of a D-Bus object path.
func BusLabel(s string) string { return "" }

// FromBusLabel undoes BusLabel.
func FromBusLabel(label string) (string, error) { return "", nil }

// BusPath is the object path of a unit.
func BusPath(name string) string { return "" }

// FromBusPath gives the name of the unit with an object path.
func FromBusPath(path string) (string, error) { return "", nil }

// ValidSlice reports whether name is a valid name of a slice.
func ValidSlice(name string) bool { return false }

// ParentSlice gives the slice that a slice is in: a.slice for a-b.slice, -.slice
// for a.slice; ok is false for -.slice and for what is no slice.
func ParentSlice(slice string) (parent string, ok bool) { return "", false }

// SubSlice gives the slice called child inside another.
func SubSlice(parent, child string) (string, error) { return "", nil }
