// Package ability knows what this place allows: which settings of a unit are applied to
// its processes, which are weaker than they should be, and which are not applied at all,
// and why. It finds out by trying, once for each means; it changes nothing. It answers
// for no manual of systemd's, which drops protection in silence or fails.
package ability

import (
	"runtime"
	"strings"
	"sync"

	"rouse/internal/host/spawn"
	"rouse/internal/host/sys/bpf"
	"rouse/internal/unit"
	"rouse/internal/unit/directive"
)

// Level says how far a setting is carried out.
type Level uint8

// The levels.
const (
	Applied Level = iota
	Weaker
	NotApplied
	Levels
)

var levelWords = [Levels]string{"applied", "weaker", "not applied"}

func (l Level) String() string { return levelWords[l] }

// A Fact is what becomes of one setting of a unit here.
type Fact struct {
	Directive string
	Level     Level
	Why       string // "" if it is applied
	// Status is the exit status of a process that is refused for want of the setting, as
	// systemd.exec(5) has it; 0 for settings that processes do without.
	Status int
	// Vital: nothing is started without the setting, and there are no means to carry it out.
	Vital bool

	left []string // what spawn.Request.Without says to do without what cannot be had
}

// String gives "ProtectSystem: not applied: no CAP_SYS_ADMIN".
func (f Fact) String() string {
	s := f.Directive + ": " + f.Level.String()
	if f.Why != "" {
		s += ": " + f.Why
	}
	return s
}

// A Report is what becomes of all settings that a unit has for its processes, sorted as
// the reference manual has them.
type Report []Fact

// String gives a line for each fact.
func (r Report) String() string {
	var b strings.Builder
	for _, f := range r {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

// Without is what is left out where protection is a matter of best effort: for
// spawn.Request.Without. A change of user or group is never in it.
func (r Report) Without() []string {
	var list []string
	for _, f := range r {
		list = append(list, f.left...)
	}
	return list
}

// Refused gives the first protection that this place does not allow, or not whole.
func (r Report) Refused() (Fact, bool) {
	for _, f := range r {
		if f.Status != 0 && f.Level != Applied {
			return f, true
		}
	}
	return Fact{}, false
}

// Vital gives the first setting that there are no means for, and nothing is started without.
func (r Report) Vital() (Fact, bool) {
	for _, f := range r {
		if f.Vital {
			return f, true
		}
	}
	return Fact{}, false
}

// Groups is what is known of control groups.
type Groups struct {
	Kind string // "v2", "v1", "none"
	// Controllers are those that groups of units can be given.
	Controllers []string
}

// Config says whose abilities are asked for.
type Config struct {
	// Groups is asked once; nil is that there are none.
	Groups func() Groups
	// NoPAM is why PAM is not called; "" if it is.
	NoPAM string
	// Nobody: there is no manager that sees to what is done outside of the process.
	Nobody bool
	// Try makes trials; nil is spawn.Try.
	Try func(spawn.Trial) error
	// Load has the kernel take a program; nil is bpf.Load.
	Load func(kind, attach, function uint32, code []uint64) (fd int, err error)
}

// A Place knows what is allowed where this program runs. Its methods may be called from
// any goroutine.
type Place struct {
	c      Config
	system string // runtime.GOOS
	euid   int

	mu     sync.Mutex
	caps   *capabilities
	groups *Groups
	// programs is by kind why the kernel takes none.
	programs map[uint32]error
	trials   [spawn.Trials]trial
	// fails is by unit and directive why a step failed that was thought to work.
	fails map[string]map[string]string
}

// trial is what came of one.
type trial struct {
	done bool
	err  error
}

// New gives a place of which nothing was tried yet.
func New(c Config) *Place {
	if c.Try == nil {
		c.Try = spawn.Try
	}
	if c.Load == nil {
		c.Load = bpf.Load
	}
	return &Place{
		c: c, system: runtime.GOOS, euid: euid(), fails: map[string]map[string]string{},
		programs: map[uint32]error{},
	}
}

// Of tells what becomes of the settings of u that are not those of fresh.
func (p *Place) Of(u, fresh *unit.Unit) Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	var report Report
	for _, row := range directive.Differ(u, fresh) {
		f := p.fact(u, row)
		if why, ok := p.fails[u.Name][row.Name]; ok && f.Level == Applied {
			f.Level, f.Why, f.left = NotApplied, why, []string{row.Name}
		}
		report = append(report, f)
	}
	return report
}

// Failed remembers that a directive of a unit could not be carried out, against all that
// was tried. It reports whether the process can do without.
func (p *Place) Failed(u *unit.Unit, name, why string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	row := directive.Lookup(sectionOf(u), name)
	if row == nil || essential[name] || p.fails[u.Name][name] != "" {
		return false
	}
	switch row.Use() {
	case directive.ForSandbox, directive.ForScheduling:
		if p.fails[u.Name] == nil {
			p.fails[u.Name] = map[string]string{}
		}
		p.fails[u.Name][name] = why
		return true
	case directive.ForOthers, directive.ForContext, directive.ForResources:
	}
	return false
}

// failed counts what could not be carried out for a unit.
func (p *Place) failed(u *unit.Unit) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.fails[u.Name])
}

func (p *Place) forget(unit string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.fails, unit)
}

// sectionOf is the section of the settings of processes.
func sectionOf(u *unit.Unit) string {
	t := u.Type.String()
	return strings.ToUpper(t[:1]) + t[1:]
}

// fact tells what becomes of one setting.
func (p *Place) fact(u *unit.Unit, row *directive.Row) Fact {
	f := Fact{Directive: row.Name}
	rule := rules()[row.Name]
	if rule.status == 0 && row.Use() == directive.ForSandbox && !harmless[row.Name] {
		rule.status = statusNamespace
	}
	switch {
	case row.Support == directive.Parsed || row.Support == directive.Refused:
		f.Level, f.Why = NotApplied, row.Note
		f.refuse(row.Name, rule)
		return f
	case p.system != "linux":
		p.elsewhere(&f, row)
		return f
	case p.c.Nobody && !spawn.Applies(row.Name) && !ownEnvironment[row.Name]:
		f.Level, f.Why = NotApplied, "this is for a service manager to do"
		f.refuse(row.Name, rule)
		return f
	}
	if p.c.Nobody && row.Name == "PrivateTmp" {
		f.Level, f.Why = Weaker, "in memory, which may be less than a disk has"
	}
	f.apply(rule, asked{p, u, row.Name})
	return f
}

// refuse has a setting that there are no means for be vital, if it is essential.
func (f *Fact) refuse(name string, r rule) {
	if f.Vital = essential[name]; f.Vital {
		f.Status = r.status
	}
}

// elsewhere tells of a system that is not Linux.
func (p *Place) elsewhere(f *Fact, row *directive.Row) {
	limit := strings.HasPrefix(row.Name, "Limit")
	switch {
	case row.Support == directive.LinuxOnly, limit && !spawn.Applies(row.Name):
		f.Level, f.Why = NotApplied, p.system+" has no such thing"
	case row.Support == directive.Partial:
		f.Level, f.Why = Weaker, row.Note
	case essential[row.Name] && p.euid != 0:
		f.Level, f.Why = NotApplied, "needs root"
	}
}

// apply looks which parts of the rule can be had.
func (f *Fact) apply(r rule, a asked) {
	var whys, left []string
	for _, part := range r.parts {
		why := part.need(a)
		if why == "" {
			continue
		}
		if len(r.parts) > 1 {
			left = append(left, f.Directive+"/"+part.name)
			why = part.without + ": " + why
		}
		whys = append(whys, why)
	}
	if len(whys) == 0 {
		if r.less != nil && r.less(a) != "" {
			f.Level, f.Why = Weaker, r.less(a)
		}
		return
	}
	f.Why = whys[0]
	if len(whys) == len(r.parts) {
		f.Level, left = NotApplied, []string{f.Directive}
		f.Why = strings.TrimPrefix(f.Why, r.parts[0].without+": ")
	} else {
		f.Level = Weaker
	}
	switch {
	case essential[f.Directive]: // its own failure tells best
	case r.partial:
		f.Level = Weaker
	default:
		f.Status, f.left = r.status, left
	}
}
