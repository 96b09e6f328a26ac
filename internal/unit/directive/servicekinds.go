package directive

import (
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// Why settings are Parsed that whole rooms are missing for.
const (
	notBuilt  = "disk images are not mounted"
	byMounts  = "elsewhere there are no mount namespaces"
	oomNote   = "where control groups version 2 have the memory controller"
	busEx     = "a(sasasttttuii)"
	typeWords = "simple, exec, forking, oneshot, dbus, notify, notify-reload, idle"
)

// execCommands is one of the command lists of a service.
type execCommands struct{ kind unit.ExecKind }

func (s execCommands) assign(p *parse) error {
	return parseCommands(p, &p.u.Service.Commands[s.kind])
}

func (s execCommands) property(u *unit.Unit) any {
	return busCommands(&u.Service.Commands[s.kind])
}

func (s execCommands) signature() string { return commands.sig }
func (s execCommands) syntax() string    { return commands.name }

// further: the property with all flags is called after the first one.
func (s execCommands) further(u *unit.Unit, list []Property) []Property {
	return append(list, Property{s.kind.String() + "Ex", busEx,
		busCommandsEx(u.Service.Commands[s.kind])})
}

var (
	busName = kind[string]{"bus name", "s", parseBusName, plain[string]}
	pidFile = kind[string]{"path", "s", parsePIDFile, plain[string]}
)

// parseBusName: an empty name is refused.
func parseBusName(p *parse, v *string) error {
	s, err := p.expand(p.value)
	if err != nil {
		return err
	}
	if !validBusName(s) {
		return why("not a bus name")
	}
	*v = s
	return nil
}

// validBusName reports whether s is a bus name of the D-Bus specification, be it
// well-known or unique.
func validBusName(s string) bool {
	if len(s) > 255 || strings.IndexByte(s, '.') < 0 {
		return false
	}
	s, unique := strings.CutPrefix(s, ":")
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || !unique && part[0] >= '0' && part[0] <= '9' {
			return false
		}
		for i := 0; i < len(part); i++ {
			c := part[i]
			if !(c == '_' || c == '-' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z') {
				return false
			}
		}
	}
	return true
}

// parsePIDFile: a relative path is below the runtime directory.
func parsePIDFile(p *parse, v *string) error {
	if p.value == "" {
		*v = ""
		return nil
	}
	s, err := p.expand(p.value)
	if err != nil {
		return err
	}
	if s == "" {
		return why("not a path")
	}
	if s[0] != '/' {
		s = p.runtime() + "/" + s
	}
	if s, err = cleanAbsolute(s); err != nil {
		return fatal{err, unit.LoadFailed}
	}
	*v = p.noVarRun(s)
	return nil
}

// runtime is the directory that the runtime files of units are below.
func (c *Context) runtime() string {
	if c.User && c.RuntimeDir != "" {
		return c.RuntimeDir
	}
	return "/run"
}

// noVarRun takes /var off a path below /var/run, with a fault: it is long gone.
func (p *parse) noVarRun(s string) string {
	rest, ok := strings.CutPrefix(s, "/var/run")
	if !ok || rest != "" && rest[0] != '/' {
		return s
	}
	s = "/run/" + strings.TrimLeft(rest, "/")
	p.fault("/var/run is an old name of /run", "using "+s)
	return s
}

func parseSockets(p *parse) error {
	return p.eachWord(value.RetainEscape, func(w string) {
		s, err := p.expandName(w)
		switch {
		case err != nil:
			p.ignore(w, err.Error())
		case name.TypeOf(s) != name.Socket:
			p.ignore(w, "not the name of a socket")
		default:
			if s, err = p.unitName(s); err != nil {
				p.ignore(w, err.Error())
				return
			}
			p.u.Service.Sockets = appendNew(p.u.Service.Sockets, s)
			p.addDep(unit.Wants, s)
			p.addDep(unit.TriggeredBy, s)
		}
	})
}

// parseOpenFile reads PATH[:NAME[:OPTION,…]]. An empty value takes all away.
func parseOpenFile(p *parse) error {
	if p.value == "" {
		p.u.Service.OpenFiles = nil
		return nil
	}
	parts, err := value.Split(p.value, ":", value.KeepEmpty|value.CUnescape)
	switch {
	case err != nil:
		return err
	case len(parts) == 0 || len(parts) > 3:
		return why("not path[:name[:options]]")
	}
	var f unit.OpenFile
	if f.Path, err = cleanAbsolute(parts[0]); err != nil {
		return err
	}
	f.Name = f.Path[strings.LastIndexByte(f.Path, '/')+1:]
	if len(parts) > 1 && parts[1] != "" {
		f.Name = parts[1]
	}
	if !value.IsFDName(f.Name) || f.Path == "/" {
		return why("not a name: visible ASCII characters and blanks without a colon, at most 255")
	}
	if len(parts) > 2 && parts[2] != "" {
		if err := openOptions(&f, parts[2]); err != nil {
			return err
		}
	}
	p.u.Service.OpenFiles = append(p.u.Service.OpenFiles, f)
	return nil
}

func openOptions(f *unit.OpenFile, text string) error {
	options := map[string]*bool{
		"read-only": &f.ReadOnly, "append": &f.Append, "truncate": &f.Truncate,
		"graceful": &f.Graceful,
	}
	modes := 0
	for o := range strings.SplitSeq(text, ",") {
		set := options[o]
		switch {
		case set == nil:
			return why("options are read-only, append, truncate, graceful")
		case *set:
			return why("an option is given twice")
		}
		*set = true
		if o != "graceful" {
			modes++
		}
	}
	if modes > 1 {
		return why("read-only, append and truncate exclude each other")
	}
	return nil
}

func parseServiceType(p *parse) error {
	err := parseEnum(p.value, unit.ServiceTypes, &p.u.Service.Type)
	if err == nil {
		p.u.Service.TypeSet = true
	}
	return err
}

// busServiceType is "" for units that could not be loaded.
func busServiceType(u *unit.Unit) any {
	if !u.Service.TypeSet {
		return ""
	}
	return u.Service.Type.String()
}

func parseServiceOOM(p *parse) error {
	err := parseEnum(p.value, unit.OOMPolicies, &p.u.Service.OOMPolicy)
	if err == nil {
		p.u.Service.OOMPolicySet = true
	}
	return err
}

func busServiceOOM(u *unit.Unit) any {
	if !u.Service.OOMPolicySet {
		return ""
	}
	return u.Service.OOMPolicy.String()
}

func parseScopeOOM(p *parse) error {
	err := parseEnum(p.value, unit.OOMPolicies, &p.u.Scope.OOMPolicy)
	if err == nil {
		p.u.Scope.OOMPolicySet = true
	}
	return err
}

func busScopeOOM(u *unit.Unit) any {
	if !u.Scope.OOMPolicySet {
		return ""
	}
	return u.Scope.OOMPolicy.String()
}

func parseTimeoutStart(p *parse) error {
	err := parseTimeout(p, &p.u.Service.TimeoutStart)
	if err == nil {
		p.u.Service.TimeoutStartSet = true
	}
	return err
}

func parseServiceTimeout(p *parse) error {
	err := parseTimeoutStart(p)
	if err == nil {
		p.u.Service.TimeoutStop = p.u.Service.TimeoutStart
	}
	return err
}

// parseTimeoutAbort: 0 is 0 here; an empty value means TimeoutStopSec= again.
func parseTimeoutAbort(p *parse) error {
	if p.value == "" {
		p.u.Service.TimeoutAbort, p.u.Service.TimeoutAbortSet = 0, false
		return nil
	}
	err := parseSpan(p, &p.u.Service.TimeoutAbort)
	if err == nil {
		p.u.Service.TimeoutAbortSet = true
	}
	return err
}

func busTimeoutAbort(u *unit.Unit) any {
	if !u.Service.TimeoutAbortSet {
		return uint64(u.Service.TimeoutStop)
	}
	return uint64(u.Service.TimeoutAbort)
}
