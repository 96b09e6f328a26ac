package engine

import (
	"strconv"
	"strings"
	"time"

	"rouse/internal/unit/value"
)

// otherCommands are what scripts can say about mounts and timers.
var otherCommands = map[string]scriptCommand{
	"stamp": func(w *scriptWorld, a []string) []string { // stamp UNIT AGO, or "never"
		at := uint64(0)
		if a[1] != "never" {
			at = w.now.Real
			ago, err := value.ParseSpan(strings.TrimPrefix(a[1], "-"))
			if err != nil {
				w.t.Fatal(err)
			}
			if at -= uint64(ago); a[1][0] == '-' {
				at += 2 * uint64(ago)
			}
		}
		return w.step(StampRead{Op: w.stamps[a[0]], At: at})
	},
	"set-clock": func(w *scriptWorld, a []string) []string { // set-clock SPAN, or -SPAN
		by, err := value.ParseSpan(strings.TrimPrefix(a[0], "-"))
		if err != nil {
			w.t.Fatal(err)
		}
		if w.now.Real += uint64(by); a[0][0] == '-' {
			w.now.Real -= 2 * uint64(by)
		}
		return w.step(ClockChanged{})
	},
	"woken": func(w *scriptWorld, a []string) []string { // woken after SPAN of sleep
		by, err := value.ParseSpan(a[0])
		if err != nil {
			w.t.Fatal(err)
		}
		w.now.Real += uint64(by)
		return w.step(Woken{})
	},
	"set-zone": func(w *scriptWorld, a []string) []string { // set-zone HOURS, or NAME
		n, err := strconv.Atoi(a[0])
		if err != nil {
			zone, err := time.LoadLocation(a[0])
			if err != nil {
				w.t.Skip("no data on time zones: ", err)
			}
			return w.step(ZoneChanged{Zone: zone})
		}
		return w.step(ZoneChanged{Zone: time.FixedZone("", n*3600)})
	},
	"watchdogs": func(w *scriptWorld, a []string) []string { // watchdogs on, or off
		return w.step(WatchdogsSet{Ignored: a[0] == "off"})
	},
	"timer": timerCommand,
	// seen UNIT [there|path|-]…, one for each path, or seen UNIT ! WHY
	"seen": func(w *scriptWorld, a []string) []string {
		ev := PathsChecked{Op: w.paths[a[0]]}
		if len(a) > 1 && a[1] == "!" {
			ev.Why = strings.Join(a[2:], " ")
			return w.step(ev)
		}
		for _, s := range a[1:] {
			seen := PathSeen{There: s != "-"}
			if strings.HasPrefix(s, "/") {
				seen.Path = s
			}
			ev.Seen = append(ev.Seen, seen)
		}
		return w.step(ev)
	},
	// touches UNIT INDEX is the path itself, nears UNIT INDEX is on the way to it
	"touches": func(w *scriptWorld, a []string) []string {
		n, _ := strconv.Atoi(a[1])
		return w.step(PathsChanged{Unit: a[0], Index: n, Itself: true})
	},
	"nears": func(w *scriptWorld, a []string) []string {
		n, _ := strconv.Atoi(a[1])
		return w.step(PathsChanged{Unit: a[0], Index: n})
	},
	"prepared": func(w *scriptWorld, a []string) []string {
		return w.step(MountPrepared{Op: w.mounts[a[0]], Why: strings.Join(a[1:], " ")})
	},
	"mounts": func(w *scriptWorld, a []string) []string { // mounts UNIT WHAT TYPE OPTIONS
		return w.step(MountSeen{Unit: a[0], What: a[1], Type: a[2], Options: a[3]})
	},
	"unmounts": func(w *scriptWorld, a []string) []string { return w.step(MountGone{Unit: a[0]}) },
}

// otherEffect is effect for units that are no services and sockets.
func (w *scriptWorld) otherEffect(fx Effect) string {
	switch fx := fx.(type) {
	case PrepareMount:
		w.mounts[fx.Unit.Name] = fx.Op
		return "> prepare " + fx.Unit.Mount.Where
	case CheckPaths:
		w.paths[fx.Unit.Name] = fx.Op
		if fx.Make {
			return "> check paths of " + fx.Unit.Name + ", make directories"
		}
		return "> check paths of " + fx.Unit.Name
	case UnwatchPaths:
		return "> unwatch paths of " + fx.Unit
	case ReadStamp:
		w.stamps[fx.Unit] = fx.Op
		return "> read stamp " + fx.Unit
	case WriteStamp:
		return "> write stamp " + fx.Unit + " " + w.moment(fx.At)
	case SetAlarm:
		return "> set alarm " + w.moment(fx.At)
	}
	return ""
}

// moment gives a time of the wall clock.
func (w *scriptWorld) moment(real uint64) string {
	switch real {
	case 0, never:
		return "-"
	}
	return time.UnixMicro(int64(real)).UTC().Format("Mon 2006-01-02 15:04:05.999999")
}

// timerCommand tells when a timer fires: timer UNIT…
func timerCommand(w *scriptWorld, a []string) []string {
	var out []string
	for _, n := range a {
		u := w.e.unit(n)
		if u == nil {
			out = append(out, n+" gone")
			continue
		}
		t := u.tim
		s := n + " " + t.Sub.String() + " " + t.Result.String()
		switch t.NextMono {
		case 0, never:
		default:
			s += " in " + value.Span(t.NextMono-w.now.Mono).String()
		}
		if m := w.moment(t.NextReal); m != "-" {
			s += " at " + m
		}
		if m := w.moment(t.Last.Real); m != "-" {
			s += " last " + m
		}
		out = append(out, s)
	}
	return out
}
