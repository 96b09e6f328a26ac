package engine

import (
	"fmt"
	"strconv"
	"strings"
)

// holdCommands are what scripts can say about scopes, and about what is done to units
// apart from their jobs.
var holdCommands = map[string]scriptCommand{
	"form": formCommand,
	"attached": func(w *scriptWorld, a []string) []string { // attached UNIT [WHY…]
		w.last[a[0]] = w.holds["attach "+a[0]]
		return w.step(Attached{Op: w.holds["attach "+a[0]], Why: strings.Join(a[1:], " ")})
	},
	"abandon": func(w *scriptWorld, a []string) []string {
		return w.step(AbandonRequested{Unit: a[0]})
	},
	"gone": func(w *scriptWorld, a []string) []string { return w.step(ControllerGone{Name: a[0]}) },
	"clean": func(w *scriptWorld, a []string) []string { // clean UNIT WHAT…
		w.req++
		return w.step(CleanRequested{Req: w.req, Unit: a[0], What: a[1:]})
	},
	"cleaned": func(w *scriptWorld, a []string) []string { // cleaned UNIT [WHY…]
		why := strings.Join(a[1:], " ")
		return w.step(CleanedUp{Op: w.holds["clean "+a[0]], Why: why, Timeout: why == "timed out"})
	},
	"ref": func(w *scriptWorld, a []string) []string { // ref UNIT CLIENT
		return append(w.load(a[0]), w.step(Referenced{Unit: a[0], Client: a[1], On: true})...)
	},
	"unref": func(w *scriptWorld, a []string) []string {
		return w.step(Referenced{Unit: a[0], Client: a[1]})
	},
	"client-gone": func(w *scriptWorld, a []string) []string {
		return w.step(ClientGone{Client: a[0]})
	},
	"freeze": freezeCommand(false),
	"thaw":   freezeCommand(true),
	"frozen": func(w *scriptWorld, a []string) []string { // frozen UNIT [WHY…]
		return w.step(Frozen{Op: w.holds["freeze "+a[0]], Why: strings.Join(a[1:], " ")})
	},
	"mark": func(w *scriptWorld, a []string) []string { // mark UNIT WORD…
		ev := Marked{Unit: a[0], Clear: NeedsReload | NeedsRestart}
		for _, word := range a[1:] {
			m, ok := ParseMarker(word)
			if !ok {
				panic(wrong("no mark " + word))
			}
			ev.Set |= m
		}
		return w.step(ev)
	},
	"marks": func(w *scriptWorld, a []string) []string {
		var out []string
		for n, m := range w.e.MarkedUnits() {
			out = append(out, n+" "+strings.Join(m.Words(), " "))
		}
		return out
	},
}

// formCommand: form UNIT [PID…] [controller NAME] [user NAME]
func formCommand(w *scriptWorld, a []string) []string {
	out := w.load(a[0])
	ev := ScopeFormed{Unit: a[0]}
	for i := 1; i < len(a); i++ {
		switch a[i] {
		case "controller":
			i++
			ev.Controller = a[i]
		case "user":
			i++
			ev.User = a[i]
		default:
			pid, _ := strconv.Atoi(a[i])
			ev.PIDs = append(ev.PIDs, pid)
		}
	}
	return append(out, w.step(ev)...)
}

func freezeCommand(thaw bool) scriptCommand {
	return func(w *scriptWorld, a []string) []string { // freeze UNIT [unable]
		w.req++
		return w.step(FreezeRequested{Req: w.req, Unit: a[0], Thaw: thaw, Able: len(a) == 1})
	}
}

// holdEffect is effect for those.
func (w *scriptWorld) holdEffect(fx Effect) string {
	switch fx := fx.(type) {
	case Attach:
		w.holds["attach "+fx.Unit.Name] = fx.Op
		s := fmt.Sprintf("> attach %s %v", fx.Unit.Name, fx.PIDs)
		if fx.User != "" {
			s += " user=" + fx.User
		}
		return s
	case RequestStop:
		return "> request stop of " + fx.Unit + " by " + fx.Controller
	case CleanUp:
		w.holds["clean "+fx.Unit.Name] = fx.Op
		return "> clean up " + fx.Unit.Name + " " + strings.Join(fx.What, " ")
	case Freeze:
		w.holds["freeze "+fx.Unit] = fx.Op
		return fmt.Sprintf("> freeze %s thaw=%v", fx.Unit, fx.Thaw)
	case Answered:
		if fx.Err != nil {
			return "answered " + fx.Err.Name + ": " + fx.Err.Message
		}
		return "answered"
	}
	return ""
}
