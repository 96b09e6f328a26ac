// Package exposure judges how much a service could do to the machine if it were taken
// over: a number for each setting that takes something away, and one for the whole. It
// knows units and nothing of where they come from. It answers for systemd-analyze(1),
// security.
package exposure

import (
	"slices"
	"strconv"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/value/linux"
)

// A Finding is what one check has found.
type Finding struct {
	Name  string // "PrivateTmp="; the settings that it is about
	Field string // what policies and JSON call it
	What  string // a sentence
	// Counts is false for what does not matter to the service.
	Counts bool
	Good   bool
	// Tenths of a point of the whole that are lost to it.
	Tenths uint64
}

// Exposure is Tenths as it is printed; "" for none.
func (f Finding) Exposure() string {
	if !f.Counts || f.Good {
		return ""
	}
	return decimal(f.Tenths)
}

// Directives are the settings that the finding is about.
func (f Finding) Directives() (names []string) {
	for part := range strings.SplitSeq(f.Name, "/") {
		if name, _, ok := strings.Cut(part, "="); ok && !strings.Contains(name, "|") {
			names = append(names, name)
		}
	}
	return names
}

// decimal writes tenths with a point.
func decimal(tenths uint64) string {
	return strconv.FormatUint(tenths/10, 10) + "." + strconv.FormatUint(tenths%10, 10)
}

// A Judgement is what all checks come to.
type Judgement struct {
	Findings []Finding
	Tenths   uint64 // 0 to 100
}

// Exposure is the whole as it is printed, "9.6".
func (j *Judgement) Exposure() string { return decimal(j.Tenths) }

// words are what exposures of at least so many tenths are called, and their faces.
var words = [...]struct {
	least      uint64
	word, face string
}{
	{100, "DANGEROUS", ":-["}, {90, "UNSAFE", ":-{"}, {75, "EXPOSED", ":-("}, {50, "MEDIUM", ":-|"},
	{10, "OK", ":-)"}, {1, "SAFE", ":-}"}, {0, "PERFECT", ":-]"},
}

// Word is what the whole is called, and the face that goes with it.
func (j *Judgement) Word() (word, face string) {
	for _, w := range words {
		if j.Tenths >= w.least {
			return w.word, w.face
		}
	}
	return "", ""
}

// Weight is how much a check counts: what it finds, from 0 to Range, in parts of Range.
type Weight struct{ Weight, Range uint64 }

// A Policy has weights for checks other than their own, by field.
type Policy map[string]Weight

// Judge judges a service on a machine that has a system call if has says so.
func Judge(u *unit.Unit, p Policy, has func(call string) bool) *Judgement {
	j := &Judgement{}
	var all, lost uint64
	var exact []uint64
	for _, c := range checks(has) {
		w := Weight{c.weight, max(c.most, 1)}
		if other, ok := p[c.field]; ok {
			w = other
		}
		v := verdict{what: c.missing, none: true}
		if !c.needsDependencies || u.DefaultDependencies {
			v = c.judge(u)
		}
		f := Finding{Name: c.name, Field: c.field, What: v.what, Counts: !v.none}
		part := uint64(0)
		if f.Counts {
			f.Good = v.bad == 0
			all += w.Weight
			lost += up(v.bad*w.Weight, w.Range)
			part = up(v.bad*w.Weight*100, w.Range)
		}
		j.Findings, exact = append(j.Findings, f), append(exact, part)
	}
	if all == 0 {
		return j
	}
	j.Tenths = up(lost*100, all)
	for i := range exact {
		j.Findings[i].Tenths = up(exact[i], all)
	}
	return j
}

// Usual is the weight of the check with that field; ok is false if there is none.
func Usual(field string, has func(call string) bool) (w Weight, ok bool) {
	for _, c := range checks(has) {
		if c.field == field {
			return Weight{c.weight, max(c.most, 1)}, true
		}
	}
	return Weight{}, false
}

// up divides and rounds up.
func up(a, b uint64) uint64 {
	if b == 0 {
		return 0
	}
	return (a + b - 1) / b
}

// A verdict is how bad a check finds a service, from 0 to the most that it can.
type verdict struct {
	bad  uint64
	none bool // it does not matter
	what string
}

// A check is one row of the table of findings.
type check struct {
	name, field  string
	weight, most uint64
	// needsDependencies: early and late services, without default dependencies, cannot
	// do it.
	needsDependencies bool
	missing           string // what is said of those
	judge             func(u *unit.Unit) verdict
}

// yes is for settings that are on or off.
func yes(on func(u *unit.Unit) bool, good, bad string) func(*unit.Unit) verdict {
	return func(u *unit.Unit) verdict {
		if on(u) {
			return verdict{what: good}
		}
		return verdict{bad: 1, what: bad}
	}
}

// capability is for capabilities that a service had better not have.
func capability(name, field string, weight uint64, does string, numbers ...uint) check {
	var set uint64
	for _, n := range numbers {
		set |= 1 << n
	}
	return check{
		name: "CapabilityBoundingSet=~CAP_" + name, field: "CapabilityBoundingSet_CAP_" + field,
		weight: weight,
		judge: yes(func(u *unit.Unit) bool { return u.Exec.CapabilityBoundingSet&set == 0 },
			"It can never "+does, "It may "+does),
	}
}

// namespace is for the kinds of namespaces that it may make.
func namespace(name string, weight uint64) check {
	flag, _ := linux.Namespace(name)
	return check{
		name: "RestrictNamespaces=~" + name, field: "RestrictNamespaces_" + name, weight: weight,
		judge: yes(func(u *unit.Unit) bool { return u.Exec.RestrictNamespaces&flag == 0 },
			"It can make no namespaces of the kind "+name, "It may make namespaces of the kind "+name),
	}
}

// plainFamilies are those that have checks of their own.
var plainFamilies = []string{"AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET"}

// family is for sockets of some address families; of all others if none is named.
func family(name, field string, weight uint64, families ...string) check {
	return check{
		name: "RestrictAddressFamilies=~" + name, field: "RestrictAddressFamilies_" + field,
		weight: weight,
		judge: yes(func(u *unit.Unit) bool {
			r := u.Exec.RestrictAddressFamilies
			return r.Allow != anyOf(r.Names, families)
		}, "It can make no such sockets", "It may make such sockets"),
	}
}

// anyOf reports whether one of the families is listed; an empty list stands for all that
// are not plain.
func anyOf(names, families []string) bool {
	for _, n := range names {
		for _, f := range families {
			if n == f {
				return true
			}
		}
		if len(families) == 0 && !isPlain(n) {
			return true
		}
	}
	return false
}

func isPlain(family string) bool {
	for _, f := range plainFamilies {
		if f == family {
			return true
		}
	}
	return false
}

// calls is for the groups of system calls that it had better not make.
func calls(group string, weight uint64, has func(call string) bool) check {
	field := "SystemCallFilter_" + strings.ReplaceAll(group, "-", "_")
	members, _ := linux.Calls("@" + group)
	members = slices.DeleteFunc(members, func(c string) bool { return !has(c) })
	return check{
		name: "SystemCallFilter=~@" + group, field: field, weight: weight, most: 10,
		judge: func(u *unit.Unit) verdict { return judgeCalls(&u.Exec.SystemCallFilter, group, members) },
	}
}

func judgeCalls(f *unit.CallFilter, group string, members []string) verdict {
	if !f.Set {
		return verdict{bad: 10, what: "It may make all system calls"}
	}
	listed := map[string]bool{}
	for _, c := range f.Calls {
		listed[c.Name] = !f.Allow || c.Errno == unit.CallDefault
	}
	for _, m := range members {
		switch {
		case f.Allow && listed[m]:
			return verdict{bad: 9, what: "It may make calls of @" + group + ", for instance " + m}
		case !f.Allow && !listed[m]:
			return verdict{bad: 10, what: "Calls of @" + group + " are not forbidden, for instance " + m}
		}
	}
	return verdict{what: "It can make no calls of @" + group}
}
