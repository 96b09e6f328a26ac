package analyze

import (
	"fmt"
	"slices"
	"strings"

	"rouse/internal/client/tool"
	"rouse/internal/face"
	"rouse/internal/unit/value"
	"rouse/internal/unit/value/linux"
)

// boot is when the phases of the boot began and ended, in microseconds of the monotonic
// clock; of firmware and loader, how long before it they began. 0 is not known.
type boot struct {
	firmware, loader, kernel, initrd, userspace, finish uint64
	securityStart, securityEnd                          uint64
	generatorsStart, generatorsEnd                      uint64
	loadStart, loadEnd                                  uint64
	kernelReal                                          uint64 // by the wall clock
	start                                               uint64 // what relative has taken away
}

// values are properties by name.
type values map[string]any

func (v values) number(name string) uint64 { n, _ := v[name].(uint64); return n }
func (v values) text(name string) string   { s, _ := v[name].(string); return s }
func (v values) list(name string) []string { l, _ := v[name].([]string); return l }

func asValues(list []face.Property) values {
	v := values{}
	for _, p := range list {
		v[p.Name] = p.Value
	}
	return v
}

// times asks how the boot went.
func (a *session) times() (*boot, error) {
	m, err := a.manager()
	if err != nil {
		return nil, err
	}
	list, err := m.ManagerProperties(a.Ctx, nil)
	if err != nil {
		return nil, tool.Complain("Failed to get timestamp properties: %v", err)
	}
	v := asValues(list)
	at := func(name string) uint64 { return v.number(name + "TimestampMonotonic") }
	b := &boot{
		firmware: at("Firmware"), loader: at("Loader"), kernel: at("Kernel"), initrd: at("InitRD"),
		userspace: at("Userspace"), finish: at("Finish"),
		securityStart: at("SecurityStart"), securityEnd: at("SecurityFinish"),
		generatorsStart: at("GeneratorsStart"), generatorsEnd: at("GeneratorsFinish"),
		loadStart: at("UnitsLoadStart"), loadEnd: at("UnitsLoadFinish"),
		kernelReal: v.number("KernelTimestamp"),
	}
	if b.finish == 0 {
		return nil, tool.Complain("Bootup is not yet finished " +
			"(org.freedesktop.systemd1.Manager.FinishTimestampMonotonic=0).\n" +
			"Please try again later.\nHint: Use 'systemctl list-jobs' to see active jobs")
	}
	if a.Has("user") || v.text("Virtualization") != "" && b.kernelReal == 0 || b.kernelReal == 0 {
		b.relative() // the machine has been up for longer
	}
	return b, nil
}

// relative counts from when the manager began: of a user, or in a container, whatever was
// before is none of its business.
func (b *boot) relative() {
	from := b.userspace
	for _, t := range []*uint64{
		&b.userspace, &b.finish, &b.securityStart, &b.securityEnd, &b.generatorsStart,
		&b.generatorsEnd, &b.loadStart, &b.loadEnd,
	} {
		if *t >= from && *t != 0 {
			*t -= from
		}
	}
	b.firmware, b.loader, b.kernel, b.initrd = 0, 0, 0, 0
	b.start = from
}

func span(us uint64) string { return value.Span(us).Format(value.Millisecond) }

// summary is the line of systemd-analyze time.
func (b *boot) summary() string {
	parts, total := []string{}, b.finish
	add := func(us uint64, what string) {
		if us > 0 {
			parts = append(parts, span(us)+" ("+what+")")
		}
	}
	if b.firmware > 0 {
		add(b.firmware-b.loader, "firmware")
		total += b.firmware
	}
	add(b.loader, "loader")
	switch {
	case b.initrd > 0:
		add(b.initrd, "kernel")
		add(b.userspace-b.initrd, "initrd")
	case b.start == 0:
		add(b.userspace, "kernel")
	}
	parts = append(parts, span(b.finish-b.userspace)+" (userspace)")
	text := "Startup finished in " + strings.Join(parts, " + ") + " "
	if len(parts) > 1 {
		text += "= " + span(total) + " "
	}
	return text
}

// unitTimes are those of one unit, relative as those of the boot are.
type unitTimes struct {
	name                                     string
	activating, activated, leaving, inactive uint64
	took                                     uint64
}

// stamps are the properties that unitTimes come from.
var stamps = []string{
	"InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic",
	"ActiveExitTimestampMonotonic", "InactiveEnterTimestampMonotonic",
}

// unitTimes gives the times of a unit by the values of stamps.
func (b *boot) unitTimes(name string, v values) unitTimes {
	u := unitTimes{name: name}
	for i, to := range []*uint64{&u.activating, &u.activated, &u.leaving, &u.inactive} {
		*to = v.number(stamps[i])
		if *to >= b.start && *to != 0 {
			*to -= b.start
		}
	}
	switch {
	case u.activated >= u.activating:
		u.took = u.activated - u.activating
	case u.inactive >= u.activating:
		u.took = u.inactive - u.activating
	}
	return u
}

// units gives the times of all units that have become active, by name.
func (a *session) units(b *boot) ([]unitTimes, error) {
	m, err := a.manager()
	if err != nil {
		return nil, err
	}
	list, err := m.Units(a.Ctx, nil, false)
	if err != nil {
		return nil, tool.Complain("Failed to list units: %v", err)
	}
	var all []unitTimes
	for _, u := range list {
		p, err := m.UnitProperties(a.Ctx, u.Name, stamps)
		if err != nil {
			continue // gone meanwhile
		}
		if t := b.unitTimes(u.Name, asValues(p)); t.activating > 0 {
			all = append(all, t)
		}
	}
	return all, nil
}

func bootTime(a *session) (int, error) {
	b, err := a.times()
	if err != nil {
		return 1, err
	}
	a.Print("%s\n", b.summary())
	m, err := a.manager()
	if err != nil {
		return 1, err
	}
	target := "default.target"
	p, err := m.UnitProperties(a.Ctx, target, []string{"Id", "ActiveEnterTimestampMonotonic"})
	if err != nil {
		return 0, nil // which there need not be
	}
	v := asValues(p)
	if id := v.text("Id"); id != "" {
		target = id
	}
	switch at := v.number("ActiveEnterTimestampMonotonic"); {
	case at == 0:
		a.Print("%s was never reached\n", target)
	case at-b.start > b.userspace:
		a.Print("%s reached after %s in userspace.\n", target, span(at-b.start-b.userspace))
	default:
		a.Print("%s was never reached\n", target)
	}
	return 0, nil
}

func blame(a *session) (int, error) {
	b, err := a.times()
	if err != nil {
		return 1, err
	}
	list, err := a.units(b)
	if err != nil {
		return 1, err
	}
	list = slices.DeleteFunc(list, func(u unitTimes) bool { return u.took == 0 })
	slices.SortStableFunc(list, func(x, y unitTimes) int {
		switch {
		case x.took > y.took:
			return -1
		case x.took < y.took:
			return 1
		}
		return strings.Compare(x.name, y.name)
	})
	width := 0
	for _, u := range list {
		width = max(width, len(span(u.took)))
	}
	for _, u := range list {
		a.Print("%*s %s\n", width, span(u.took), u.name)
	}
	return 0, nil
}

func dump(a *session) (int, error) {
	m, err := a.manager()
	if err != nil {
		return 1, err
	}
	text, err := m.Dump(a.Ctx, a.args)
	if err != nil {
		return 1, tool.Complain("Failed to issue method call Dump: %v", err)
	}
	fmt.Fprint(a.Stdout, text)
	return 0, nil
}

// setting shows or sets a property of the manager.
func (a *session) setting(name, what string, word func(any) string, value any) (int, error) {
	m, err := a.manager()
	if err != nil {
		return 1, err
	}
	if value == nil {
		list, err := m.ManagerProperties(a.Ctx, []string{name})
		if err != nil || len(list) == 0 {
			return 1, tool.Complain("Failed to get %s: %v", what, err)
		}
		a.Print("%s\n", word(list[0].Value))
		return 0, nil
	}
	kind := "s"
	if _, ok := value.(bool); ok {
		kind = "b"
	}
	err = m.SetManagerProperty(a.Ctx, face.Property{Name: name, Type: kind, Value: value})
	if err != nil {
		return 1, tool.Complain("Failed to set %s to %v: %v", what, a.args[0], err)
	}
	return 0, nil
}

func plainWord(v any) string { return fmt.Sprint(v) }

func logLevel(a *session) (int, error) {
	if len(a.args) == 0 {
		return a.setting("LogLevel", "log level of org.freedesktop.systemd1", plainWord, nil)
	}
	if _, ok := linux.Level(a.args[0]); !ok {
		return 1, tool.Complain("\"%s\" is not a valid log level.", a.args[0])
	}
	return a.setting("LogLevel", "log level of org.freedesktop.systemd1", plainWord, a.args[0])
}

func logTarget(a *session) (int, error) {
	if len(a.args) == 0 {
		return a.setting("LogTarget", "log target of org.freedesktop.systemd1", plainWord, nil)
	}
	return a.setting("LogTarget", "log target of org.freedesktop.systemd1", plainWord, a.args[0])
}

func watchdogs(a *session) (int, error) {
	yesNo := func(v any) string { b, _ := v.(bool); return value.FormatBool(b) }
	if len(a.args) == 0 {
		return a.setting("ServiceWatchdogs", "service-watchdog state", yesNo, nil)
	}
	on, err := value.ParseBool(a.args[0])
	if err != nil {
		return 1, tool.Complain("Failed to parse service-watchdogs argument: Invalid argument")
	}
	return a.setting("ServiceWatchdogs", "service-watchdog state", yesNo, on)
}
