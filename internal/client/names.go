package client

import (
	"context"
	"strings"

	"rouse/internal/face"
	"rouse/internal/unit/name"
)

// mangle makes a unit name, or a pattern, of what was typed. It says so if it had
// to escape something.
func (a *app) mangle(arg, suffix string) (string, error) {
	n, err := name.Mangle(arg, suffix, true)
	if err != nil {
		return "", complain("Failed to mangle name: %v", err)
	}
	shown := n
	if !strings.HasSuffix(arg, suffix) {
		shown = strings.TrimSuffix(n, suffix)
	}
	if n != arg && shown != arg && !strings.HasPrefix(arg, "/") && !a.opts.quiet {
		a.warn(`Invalid unit name "%s" escaped as "%s" (maybe you should use systemd-escape?).`,
			arg, shown)
	}
	return n, nil
}

// mangleAll mangles all arguments.
func (a *app) mangleAll(args []string, suffix string) ([]string, error) {
	out := make([]string, 0, len(args))
	for _, arg := range args {
		n, err := a.mangle(arg, suffix)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// resolve gives the units that arguments name: first those named in full, then
// those in memory that match a pattern.
func (a *app) resolve(args []string) ([]string, error) { return a.resolveAs(args, ".service") }

func (a *app) resolveAs(args []string, suffix string) ([]string, error) {
	all, err := a.mangleAll(args, suffix)
	if err != nil {
		return nil, err
	}
	var names, globs []string
	for _, n := range all {
		if name.IsGlob(n) {
			globs = append(globs, n)
		} else {
			names = append(names, n)
		}
	}
	if len(globs) == 0 {
		return names, nil
	}
	m, err := a.manager()
	if err != nil {
		return nil, err
	}
	units, err := m.Units(a.ctx, globs, false)
	if err != nil {
		return nil, err
	}
	sortUnits(units)
	for _, u := range units {
		// What list-units hides is not meant either; files are there all the same.
		if a.opts.shown(u) || a.verb.name == "cat" {
			names = append(names, u.Name)
		}
	}
	return names, nil
}

// properties are the properties of one unit by name.
type properties struct {
	list  []face.Property
	index map[string]int
}

// asker is what a manager may have besides, to send less over the wire.
type asker interface {
	Show(ctx context.Context, unit string, names []string) ([]face.Property, error)
}

// properties asks for the named properties of a unit, or for all.
func (a *app) properties(unit string, names ...string) (properties, error) {
	m, err := a.manager()
	if err != nil {
		return properties{}, err
	}
	var list []face.Property
	if s, ok := m.(asker); ok {
		list, err = s.Show(a.ctx, unit, names)
	} else {
		list, err = m.Properties(a.ctx, unit)
	}
	if err != nil {
		return properties{}, err
	}
	return indexProperties(list), nil
}

func indexProperties(list []face.Property) properties {
	p := properties{list: list, index: make(map[string]int, len(list))}
	for i, q := range list {
		p.index[q.Name] = i
	}
	return p
}

// get gives a property's value, nil if there is none of that name.
func (p properties) get(name string) any {
	if i, ok := p.index[name]; ok {
		return p.list[i].Value
	}
	return nil
}

func (p properties) string(name string) string {
	s, _ := p.get(name).(string)
	return s
}

func (p properties) strings(name string) []string {
	s, _ := p.get(name).([]string)
	return s
}

func (p properties) bool(name string) bool {
	b, _ := p.get(name).(bool)
	return b
}

// number gives any integer property; 0 if it is none.
func (p properties) number(name string) uint64 {
	switch v := p.get(name).(type) {
	case uint64:
		return v
	case uint32:
		return uint64(v)
	case int32:
		return uint64(int64(v))
	case int64:
		return uint64(v)
	}
	return 0
}

// rows gives a property that is an array of structs.
func (p properties) rows(name string) [][]any {
	items, _ := p.get(name).([]any)
	out := make([][]any, 0, len(items))
	for _, item := range items {
		if row, ok := item.([]any); ok {
			out = append(out, row)
		}
	}
	return out
}
