package client

import (
	"cmp"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	"rouse/internal/face"
	"rouse/internal/unit/name"
)

// unitsOfType gives the units in memory of one type that the patterns and --all
// leave.
func (a *app) unitsOfType(t name.Type, args []string) ([]face.UnitInfo, error) {
	m, err := a.manager()
	if err != nil {
		return nil, err
	}
	patterns, err := a.mangleAll(args, "."+t.String())
	if err != nil {
		return nil, err
	}
	units, err := m.Units(a.ctx, patterns, false)
	if err != nil {
		return nil, complain("Failed to list units: %v", err)
	}
	units = slices.DeleteFunc(units, func(u face.UnitInfo) bool {
		return name.TypeOf(u.Name) != t || !a.opts.shown(u)
	})
	sortUnits(units)
	return units, nil
}

// foot counts the lines of a list of units of one type.
func (a *app) foot(b *strings.Builder, n int, what string) {
	if !a.opts.legend {
		return
	}
	fmt.Fprintf(b, "\n%d %s listed.\n", n, what)
	if !a.opts.all {
		fmt.Fprintf(b, "Pass --all to see loaded but inactive %s, too.\n", what)
	}
}

// listens is one line of list-sockets.
type listens struct{ address, kind, unit, triggers string }

func listSockets(a *app, args []string) (int, error) {
	units, err := a.unitsOfType(name.Socket, args)
	if err != nil {
		return exitFailure, err
	}
	var lines []listens
	for _, u := range units {
		p, err := a.properties(u.Name, "Listen", "Triggers")
		if err != nil {
			return exitFailure, err
		}
		triggers := strings.Join(p.strings("Triggers"), ", ")
		for _, l := range p.rows("Listen") {
			if len(l) == 2 {
				lines = append(lines, listens{fmt.Sprint(l[1]), fmt.Sprint(l[0]), u.Name, triggers})
			}
		}
	}
	slices.SortStableFunc(lines, func(x, y listens) int {
		return cmp.Or(cmp.Compare(x.address, y.address), cmp.Compare(x.kind, y.kind))
	})
	if a.opts.json != "" {
		rows := []object{}
		for _, l := range lines {
			o := object{{"listen", l.address}}
			if a.opts.showTypes {
				o = append(o, field{"type", l.kind})
			}
			rows = append(rows, append(o, field{"unit", l.unit}, field{"activates", orNull(l.triggers)}))
		}
		return exitOK, a.writeJSON(rows)
	}
	t := &table{head: []string{"LISTEN", "UNIT", "ACTIVATES"}}
	if a.opts.showTypes {
		t.head = []string{"LISTEN", "TYPE", "UNIT", "ACTIVATES"}
	}
	for _, l := range lines {
		row := []cell{{text: l.address}}
		if a.opts.showTypes {
			row = append(row, cell{text: l.kind})
		}
		t.add(append(row, cell{text: l.unit}, cell{text: orDash(l.triggers)})...)
	}
	b := &strings.Builder{}
	t.write(b, a.look, a.opts.legend, a.opts.full)
	a.foot(b, len(lines), "sockets")
	fmt.Fprint(a.Stdout, b.String())
	return exitOK, nil
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// elapses is one line of list-timers; times are in microseconds since 1970, 0 or the
// largest number if there is none.
type elapses struct {
	next, last     uint64
	unit, triggers string
}

func listTimers(a *app, args []string) (int, error) {
	units, err := a.unitsOfType(name.Timer, args)
	if err != nil {
		return exitFailure, err
	}
	var lines []elapses
	for _, u := range units {
		p, err := a.properties(u.Name, "NextElapseUSecRealtime", "NextElapseUSecMonotonic",
			"LastTriggerUSec", "Triggers")
		if err != nil {
			return exitFailure, err
		}
		lines = append(lines, elapses{next: a.nextElapse(p), last: p.number("LastTriggerUSec"),
			unit: u.Name, triggers: strings.Join(p.strings("Triggers"), ", ")})
	}
	slices.SortStableFunc(lines, func(x, y elapses) int {
		return cmp.Or(cmp.Compare(x.next, y.next), compareNames(x.unit, y.unit))
	})
	if a.opts.json != "" {
		rows := []object{}
		for _, l := range lines {
			o := object{{"next", l.next}, {"left", l.next}}
			if l.next == 0 || l.next == math.MaxUint64 {
				o = object{{"next", nil}, {"left", nil}}
			}
			rows = append(rows, append(o, field{"last", l.last}, field{"passed", l.last},
				field{"unit", l.unit}, field{"activates", orNull(l.triggers)}))
		}
		return exitOK, a.writeJSON(rows)
	}
	t := &table{head: []string{"NEXT", "LEFT", "LAST", "PASSED", "UNIT", "ACTIVATES"}, keep: 4}
	for _, l := range lines {
		t.add(cell{text: orDash(a.stamp(l.next))}, cell{text: orDash(a.relative(l.next))},
			cell{text: orDash(a.stamp(l.last))}, cell{text: orDash(a.relative(l.last))},
			cell{text: l.unit}, cell{text: orDash(l.triggers)})
	}
	b := &strings.Builder{}
	t.write(b, a.look, a.opts.legend, a.opts.full)
	a.foot(b, len(lines), "timers")
	fmt.Fprint(a.Stdout, b.String())
	return exitOK, nil
}

// nextElapse gives when a timer elapses next by the wall clock, of its monotonic
// and its calendar events. Without such events it is 0, and the largest number for one
// that does not wait.
func (a *app) nextElapse(p properties) uint64 {
	real, mono := p.number("NextElapseUSecRealtime"), p.number("NextElapseUSecMonotonic")
	if mono == 0 || mono == math.MaxUint64 || a.Monotonic == nil {
		return real
	}
	now := uint64(a.Now().UnixMicro())
	byMono := now + mono - a.Monotonic() // wraps round for what has passed
	if real == 0 || real == math.MaxUint64 || byMono < real {
		return byMono
	}
	return real
}

// listUnitFiles lists the unit files on disk, whether a manager runs or not.
func listUnitFiles(a *app, args []string) (int, error) {
	f, err := a.files()
	if err != nil {
		return exitFailure, err
	}
	type line struct{ unit, state, preset string }
	var lines []line
	for _, file := range f.Loader().Files() {
		typ := path.Ext(file.Name)
		state := f.State(file.Name)
		switch {
		case file.Path == "" || !matches(args, file.Name):
		case len(a.opts.types) > 0 && !slices.Contains(a.opts.types, strings.TrimPrefix(typ, ".")):
		case len(a.opts.states) > 0 && !slices.Contains(a.opts.states, state):
		default:
			lines = append(lines, line{file.Name, state, f.preset(file.Name, state)})
		}
	}
	slices.SortFunc(lines, func(x, y line) int { return compareNames(x.unit, y.unit) })
	if a.opts.json != "" {
		rows := []object{}
		for _, l := range lines {
			rows = append(rows, object{{"unit_file", l.unit}, {"state", l.state},
				{"preset", orNull(l.preset)}})
		}
		return exitOK, a.writeJSON(rows)
	}
	t := &table{head: []string{"UNIT FILE", "STATE", "PRESET"}}
	for _, l := range lines {
		c := cell{text: l.state}
		switch {
		case strings.HasPrefix(l.state, "enabled"):
			c.paint = green
		case strings.HasPrefix(l.state, "masked"), l.state == "bad":
			c.paint = red
		case l.state == "disabled":
			c.paint = yellow
		}
		t.add(cell{text: l.unit}, c, cell{text: orDash(l.preset)})
	}
	b := &strings.Builder{}
	t.write(b, a.look, a.opts.legend, a.opts.full)
	if a.opts.legend {
		fmt.Fprintf(b, "\n%d unit files listed.\n", len(lines))
	}
	fmt.Fprint(a.Stdout, b.String())
	if len(lines) == 0 && len(args) > 0 {
		return exitFailure, nil
	}
	return exitOK, nil
}
