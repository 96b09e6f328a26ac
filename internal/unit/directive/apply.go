package directive

import (
	"reflect"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

// Assignment is one "Name=Value" of a unit file. Line is 1-based.
type Assignment struct {
	Section, Name, Value, File string
	Line                       int
}

// Context is what the meaning of an assignment depends on besides its text. It
// is for one goroutine at a time.
type Context struct {
	// Expand expands the specifiers of systemd.unit(5), ExpandName those that
	// settings which hold unit names accept. Nil Expand leaves text as it is, nil
	// ExpandName is Expand.
	Expand     func(format string) (string, error)
	ExpandName func(format string) (string, error)
	// User is set for the manager of a user; Home and RuntimeDir are its own then.
	User             bool
	Home, RuntimeDir string
	// Defaults are what empty assignments fall back to, and the facts of the
	// machine that percentages refer to. Nil stands for NewDefaults().
	Defaults *Defaults
	// Shared is where Finish finds what the unit need not have of its own. Nil shares
	// nothing.
	Shared *Shared

	said    said
	scratch parse
}

// parse is one assignment on its way into a unit.
type parse struct {
	*Context
	u      *unit.Unit
	m      *Manager // for [Manager]
	row    *Row
	a      Assignment
	value  string // of the assignment
	faults []unit.Fault
}

// why is an error without anything else to it.
type why string

func (w why) Error() string { return string(w) }

// fatal is an error after which the unit must not be used. state says how the
// unit counts as not loaded.
type fatal struct {
	error
	state unit.LoadState
}

// Apply carries out one assignment on u and returns what is wrong with it. A
// value that cannot be used leaves what was there before. Settings and sections
// whose names begin with "X-" are ignored, but for X-Enforce=, which may stand in any
// other section. Once u.Broken is set, which a fatal fault does, nothing more is applied.
func Apply(u *unit.Unit, a Assignment, c *Context) []unit.Fault {
	if a.Name == "X-Enforce" && u.Broken == unit.Stub && !strings.HasPrefix(a.Section, "X-") {
		return enforce(u, a)
	}
	if u.Broken != unit.Stub || strings.HasPrefix(a.Section, "X-") || strings.HasPrefix(a.Name, "X-") {
		return nil
	}
	if !hasSection(u.Type, a.Section) {
		return []unit.Fault{a.fault("unknown section ["+a.Section+"]", "ignoring the line")}
	}
	row := Lookup(a.Section, a.Name)
	if row == nil {
		return []unit.Fault{a.fault("unknown setting in section ["+a.Section+"]", "ignoring the line")}
	}
	if c == nil {
		c = &Context{}
	}
	p := &c.scratch
	*p = parse{Context: c, u: u, row: row, a: a, value: a.Value}
	faults := p.run()
	*p = parse{}
	return faults
}

// enforce carries out X-Enforce=. It has no row, for to systemd it is none of its own.
func enforce(u *unit.Unit, a Assignment) []unit.Fault {
	if a.Value == "" {
		u.Enforce = unit.EnforceUnset
		return nil
	}
	if err := parseEnum(a.Value, unit.Enforces, &u.Enforce); err != nil {
		return []unit.Fault{a.fault(err.Error(), "ignoring the line")}
	}
	return nil
}

// hasSection reports whether units of the type have the section.
func hasSection(t name.Type, section string) bool {
	switch section {
	case "Unit", "Install":
		return true
	}
	return section != "" && section == sectionOf[t]
}

// sectionOf is the section that a unit type is named after.
var sectionOf = [name.Types]string{
	name.Service:   "Service",
	name.Socket:    "Socket",
	name.Mount:     "Mount",
	name.Automount: "Automount",
	name.Swap:      "Swap",
	name.Timer:     "Timer",
	name.Path:      "Path",
	name.Slice:     "Slice",
	name.Scope:     "Scope",
	name.Target:    "Target", // known, though there are no settings for it
	name.Device:    "Device", // the same
}

func (p *parse) run() []unit.Fault {
	row := p.row
	if row.Same != "" {
		if row = sameAs(row); row == nil {
			return nil
		}
	}
	p.said.note(row, p.a.Value)
	if err := row.in.assign(p); err != nil {
		f := p.a.fault(err.Error(), "")
		if end, isFatal := err.(fatal); isFatal {
			f.Fatal = true
			f.Then = "not loading the unit"
			p.u.Broken = end.state
		} else {
			f.Then = p.keeping(row)
		}
		p.faults = append(p.faults, f)
	} else {
		p.advise(row)
		if row.Support == Parsed && p.u != nil {
			p.noteUnhonoured()
		}
	}
	return p.faults
}

// sameAs finds the row that r is another name of, be it in [Unit].
func sameAs(r *Row) *Row {
	for _, section := range r.Sections() {
		if same := Lookup(section, r.Same); same != nil && same.in != nil {
			return same
		}
	}
	return Lookup("Unit", r.Same)
}

// noteUnhonoured enters the setting into u.NotHonoured, which is kept sorted.
func (p *parse) noteUnhonoured() {
	list := p.u.NotHonoured
	key := p.a.Section + "." + p.a.Name
	at := len(list)
	for i, have := range list {
		if have == key {
			return
		}
		if have > key {
			at = i
			break
		}
	}
	list = append(list, "")
	copy(list[at+1:], list[at:])
	list[at] = key
	p.u.NotHonoured = list
}

func (a Assignment) fault(why, then string) unit.Fault {
	return unit.Fault{File: a.File, Line: a.Line, Name: a.Name, Value: a.Value, Why: why, Then: then}
}

// fault notes what is wrong with a part of the value; the rest of it counts.
func (p *parse) fault(why, then string) {
	p.faults = append(p.faults, p.a.fault(why, then))
}

// ignore notes a word of the value that is left out.
func (p *parse) ignore(word, why string) {
	p.fault(word+": "+why, "ignoring this word")
}

// keeping says what remains in force after a value that cannot be used.
func (p *parse) keeping(row *Row) string {
	if p.u == nil {
		return "ignoring the line"
	}
	fresh := New(p.u.Name, p.u.Type, p.defaults())
	if !reflect.DeepEqual(row.in.property(fresh), row.in.property(p.u)) {
		return "keeping what was set before"
	}
	if row.Default == "" {
		return "ignoring the line"
	}
	return "keeping the default, " + row.Default
}

// defaults gives what empty assignments fall back to.
func (c *Context) defaults() *Defaults {
	if c.Defaults == nil {
		c.Defaults = NewDefaults()
	}
	return c.Defaults
}

// expand replaces the specifiers of s.
func (c *Context) expand(s string) (string, error) {
	if c.Expand == nil || strings.IndexByte(s, '%') < 0 {
		return s, nil
	}
	return c.Expand(s)
}

// expandName replaces the specifiers of s, which is the name of a unit.
func (c *Context) expandName(s string) (string, error) {
	if c.ExpandName == nil {
		return c.expand(s)
	}
	if strings.IndexByte(s, '%') < 0 {
		return s, nil
	}
	return c.ExpandName(s)
}

// advice is what is to be told of settings that are carried out all the same, as systemd
// tells it. A value is the one that it is about; "" is any.
var advice = map[string]struct{ value, why string }{
	"BlockIODeviceWeight":  {"", oldSetting("IODeviceWeight")},
	"BlockIOReadBandwidth": {"", oldSetting("IOReadBandwidthMax")},
	"CPUShares":            {"", oldSetting("CPUWeight")},
	"KillMode":             {"none", "not safe: processes may be left when the unit has stopped"},
	"MemoryLimit":          {"", oldSetting("MemoryMax")},
	"StartupCPUShares":     {"", oldSetting("StartupCPUWeight")},
	"User":                 {"nobody", "not safe: whoever has no user of their own is this one"},
}

func oldSetting(now string) string { return "of old control groups; " + now + "= is its successor" }

// advise tells what is to be told of a setting that was carried out.
func (p *parse) advise(row *Row) {
	about, ok := advice[row.Name]
	if ok && p.u != nil && p.a.Value != "" && (about.value == "" || about.value == p.a.Value) {
		f := p.a.fault(about.why, "using it")
		f.Advice = true
		p.faults = append(p.faults, f)
	}
}
