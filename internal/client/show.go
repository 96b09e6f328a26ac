package client

import (
	"cmp"
	_ "embed" // order.txt
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"rouse/internal/face"
	"rouse/internal/unit/name"
)

// order.txt has the order of properties.
//
//go:embed order.txt
var orderText string

// show prints properties of units, of units by the pid of one of their processes
// or by the number of their job, or of the manager.
func show(a *app, args []string) (int, error) {
	b := &strings.Builder{}
	defer func() { fmt.Fprint(a.Stdout, b.String()) }()
	if len(args) == 0 {
		p, err := a.managerProperties()
		if err != nil {
			return exitFailure, err
		}
		a.showProperties(b, p.list, "manager")
		return exitOK, nil
	}
	if len(args) > 1 || strings.ContainsAny(args[0], "*?[") {
		// By D-Bus the properties of many units are a third of the work.
		if _, err := a.busManager(); err != nil {
			return exitFailure, err
		}
	}
	units, err := a.resolveNumbers(args)
	if err != nil {
		return exitFailure, err
	}
	for i, u := range units {
		p, err := a.properties(u)
		if err != nil {
			return exitFailure, complain("Failed to get properties: %v", err)
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		a.showProperties(b, p.list, name.TypeOf(u).String())
	}
	return exitOK, nil
}

// resolveNumbers is resolve, but numbers stand for the units of jobs.
func (a *app) resolveNumbers(args []string) ([]string, error) {
	var units []string
	for _, arg := range args {
		id, err := strconv.ParseUint(arg, 10, 32)
		if err != nil {
			more, err := a.resolve([]string{arg})
			if err != nil {
				return nil, err
			}
			units = append(units, more...)
			continue
		}
		m, err := a.manager()
		if err != nil {
			return nil, err
		}
		jobs, err := m.Jobs(a.ctx)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(jobs, func(j face.JobInfo) bool { return uint64(j.ID) == id })
		if i < 0 {
			return nil, complain("Failed to get properties: Job %d does not exist.", id)
		}
		units = append(units, jobs[i].Unit)
	}
	return units, nil
}

// managerProperties gives the properties of the manager as if it were a unit.
func (a *app) managerProperties() (properties, error) {
	m, err := a.busManager()
	if err != nil {
		return properties{}, err
	}
	list, err := m.ManagerProperties(a.ctx, nil)
	return indexProperties(list), err
}

// showProperties prints the properties that were asked for, in systemd's order.
// kind is the type of unit, or "manager".
func (a *app) showProperties(b *strings.Builder, list []face.Property, kind string) {
	rank := propertyOrder(kind)
	last := len(rank)
	at := func(p face.Property) int {
		if i, ok := rank[p.Name]; ok {
			return i
		}
		return last
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(x, y face.Property) int {
		return cmp.Or(cmp.Compare(at(x), at(y)), cmp.Compare(x.Name, y.Name))
	})
	for _, p := range list {
		if len(a.opts.props) > 0 && !slices.Contains(a.opts.props, p.Name) {
			continue
		}
		for _, text := range a.renderProperty(p, a.opts.all || len(a.opts.props) > 0) {
			if !a.opts.value {
				b.WriteString(p.Name + "=")
			}
			b.WriteString(text + "\n")
		}
	}
}

// propertyOrder gives each property's place for a type of unit.
func propertyOrder(kind string) map[string]int {
	want := []string{kind, "cgroup", "exec", "kill", "unit"}
	blocks := map[string][]string{}
	block := ""
	for line := range strings.Lines(orderText) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			block = strings.Trim(line, "[]")
		case slices.Contains(want, block):
			blocks[block] = append(blocks[block], strings.Fields(line)...)
		}
	}
	rank := map[string]int{}
	for _, w := range want {
		for _, n := range blocks[w] {
			if _, ok := rank[n]; !ok {
				rank[n] = len(rank)
			}
		}
	}
	return rank
}

// renderProperty gives the lines that show prints for a property, without its
// name. Unless empty is set, what is empty or not set is not shown.
func (a *app) renderProperty(p face.Property, empty bool) []string {
	if f, ok := structured[p.Name]; ok {
		return f(a, p.Value, empty)
	}
	text := a.renderBasic(p)
	if text == unprintable && !empty || text == "" && !empty {
		return nil
	}
	if _, signed := p.Value.(int32); signed && text == notSet && !empty {
		return nil
	}
	return []string{text}
}

// renderBasic gives the text of a property by its type and the kind of number
// that its name tells.
func (a *app) renderBasic(p face.Property) string {
	switch v := p.Value.(type) {
	case string:
		return v
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case uint64:
		return a.renderNumber(p.Name, v)
	case uint32:
		return renderSmall(p.Name, v)
	case int32, int64, float64:
		if strings.HasSuffix(p.Name, "ActionExitStatus") && v == int32(-1) {
			return notSet
		}
		return fmt.Sprint(v)
	case []string:
		return joinWords(v)
	case []byte:
		return renderBytes(p.Name, v)
	case []any:
		if len(v) == 0 {
			return ""
		}
		return unprintable
	}
	return unprintable
}

// The words for values that are not there or have no text.
const (
	notSet      = "[not set]"
	noData      = "[no data]"
	unprintable = "[unprintable]"
	infinity    = "infinity"
)

// Globs over the names of numbers without a limit, by what that looks like.
var limitless = []struct{ glob, word string }{
	{"*CPUWeight", notSet}, {"*CPUShares", notSet}, {"*IOWeight", notSet},
	{"CPUUsageNSec", notSet}, {"MemoryCurrent", notSet}, {"TasksCurrent", notSet},
	{"IP*Bytes", noData}, {"IP*Packets", noData},
	{"*Memory*", infinity}, {"*TasksMax", infinity}, {"Limit*", infinity},
	{"DefaultLimit*", infinity},
}

// limitlessWord is what 2^64-1 looks like as the value of a property.
func limitlessWord(n string) (string, bool) {
	for _, l := range limitless {
		if ok, _ := path.Match(l.glob, n); ok {
			return l.word, true
		}
	}
	return "", false
}
