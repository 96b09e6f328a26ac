package engine

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
)

// simSetting reads a number from the environment.
func simSetting(t *testing.T, key string, otherwise uint64) uint64 {
	text := os.Getenv(key)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%s: not a number", key, text)
	}
	return n
}

// TestSimulation lets random units meet random events and faults, with the
// invariants checked after each step. ROUSE_SIM_STEPS is how many steps in all;
// ROUSE_SIM_SEED repeats the run that failed, ROUSE_SIM_FROM begins with another
// one than the first. What fails is told by the shortest schedule that still does.
func TestSimulation(t *testing.T) {
	steps := simSetting(t, "ROUSE_SIM_STEPS", 40000)
	only := simSetting(t, "ROUSE_SIM_SEED", 0)
	seed := max(only, simSetting(t, "ROUSE_SIM_FROM", 1))
	done := uint64(0)
	for ; done < steps; seed++ {
		d := newDice(seed)
		n, broken := simulate(d, seed, nil)
		if broken != nil {
			t.Fatalf("ROUSE_SIM_SEED=%d: %s", seed, smallest(d.s, seed, broken, nil))
		}
		done += n
		if only != 0 {
			break
		}
	}
	t.Logf("%d steps, no invariant broken", done)
}

// simulate runs one world, until an invariant is broken or all is done.
func simulate(d *dice, seed uint64, also func(*simWorld) error) (steps uint64, f *simFault) {
	w := newWorld(d, seed)
	w.also = also
	f = w.live()
	return w.steps, f
}

// live is the life of a world; the fault is what broke an invariant.
func (w *simWorld) live() (f *simFault) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *simFault:
			f = p
		case error: // of the language
			f = &simFault{kindOf(p.Error()), fmt.Sprintf("panic: %v\n%s", p, debug.Stack())}
		default: // of Strict
			f = &simFault{kindOf(fmt.Sprint(p)), fmt.Sprintf("panic: %v", p)}
		}
	}()
	w.randomUnits()
	w.step(Loaded{Units: w.defs})
	for n := 0; w.d.begin(&w.d.s.steps) && n < 600; n++ {
		w.step(w.choose())
		if err := w.check(); err != nil {
			return err.(*simFault)
		}
	}
	if err := w.settle(); err != nil {
		return err.(*simFault)
	}
	return nil
}

// smallest makes the schedule as short as it can be with the same fault, and
// tells what happens in it.
func smallest(s schedule, seed uint64, f *simFault, also func(*simWorld) error) string {
	s = shrink(s, 2000, func(t schedule) bool {
		_, g := simulate(&dice{s: t}, seed, also)
		return g != nil && g.kind == f.kind
	})
	w := newWorld(&dice{s: s}, seed)
	w.also, w.tell = also, true
	g := w.live()
	var b strings.Builder
	fmt.Fprintf(&b, "%v\nthe shortest that shows it has %d steps:\n", f, len(s.steps))
	for _, d := range w.defs {
		if strings.Contains(strings.Join(w.trace, "\n"), d.Name) {
			fmt.Fprintln(&b, describe(d))
		}
	}
	for _, l := range w.trace {
		fmt.Fprintln(&b, l)
	}
	fmt.Fprintln(&b, g)
	return b.String()
}

// TestShrink: of a world in which the unwanted happens, little is left but that.
func TestShrink(t *testing.T) {
	unwanted := func(w *simWorld) error {
		for _, n := range w.e.g.Nodes() {
			if u := w.e.at(n); u.svc != nil && u.svc.Restarts > 1 {
				return fault("%s restarted twice", u.Name)
			}
		}
		return nil
	}
	for seed := uint64(1); seed < 200; seed++ {
		d := newDice(seed)
		_, f := simulate(d, seed, unwanted)
		if f == nil || len(d.s.steps) < 150 { // found so early that there is little to take away
			continue
		}
		told := smallest(d.s, seed, f, unwanted)
		if again := smallest(d.s, seed, f, unwanted); told != again {
			t.Errorf("shrunk to something else the second time:\n%s\n%s", told, again)
		}
		if strings.Count(told, "\n1") > len(d.s.steps)/4 {
			t.Errorf("seed %d, %d steps, shrunk to:\n%s", seed, len(d.s.steps), told)
		}
		return
	}
	t.Error("no world in which a service restarts twice")
}

// TestRepeat: a schedule that is repeated is the same world.
func TestRepeat(t *testing.T) {
	for seed := uint64(1); seed < 20; seed++ {
		first := newDice(seed)
		a, b := newWorld(first, seed), newWorld(nil, seed)
		a.tell, b.tell = true, true
		a.live()
		b.d = &dice{s: first.s}
		b.live()
		if x, y := strings.Join(a.trace, "\n"), strings.Join(b.trace, "\n"); x != y {
			t.Fatalf("seed %d: %d and %d characters, %d and %d steps", seed, len(x), len(y), a.steps,
				b.steps)
		}
	}
}
