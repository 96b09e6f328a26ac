package engine

import (
	"strings"
	"testing"

	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// TestSurvive: a unit that the engine cannot deal with is said so; what was ordered
// before stays ordered, and other units are looked after as ever.
func TestSurvive(t *testing.T) {
	good := func(n string) *unit.Unit {
		return &unit.Unit{
			Name: n, Type: name.Service, Load: unit.Loaded, Kill: &unit.Kill{}, Service: &unit.Service{
				Commands: [unit.ExecKinds][]value.Command{
					unit.ExecStart: {{Path: "/bin/x", Argv: []string{"/bin/x"}}},
				},
			},
		}
	}
	broken := &unit.Unit{Name: "broken.service", Type: name.Service, Load: unit.Loaded}
	a := good("a.service")
	a.Edges = []unit.Edge{{Kind: unit.Wants, Name: "broken.service"}}
	e := New(Config{Stack: func() []byte { return []byte("stack") }})
	now := value.Instant{Mono: 1e6, Real: 1e6}
	e.Step(now, Loaded{Units: []*unit.Unit{a, broken, good("b.service")}})
	var spawned []string
	told := 0
	for _, unit := range [...]string{"a.service", "b.service", "broken.service"} {
		for _, fx := range e.Step(now, JobRequested{Unit: unit, Type: transaction.Start}) {
			switch fx := fx.(type) {
			case Spawn:
				spawned = append(spawned, fx.Unit.Name)
			case Log:
				if strings.HasPrefix(fx.Text, "internal error in the engine: ") &&
					strings.HasSuffix(fx.Text, "(carrying on)\nstack") {
					told++
				}
			}
		}
	}
	if want := "a.service b.service"; strings.Join(spawned, " ") != want || told == 0 {
		t.Errorf("spawned %q, want %q; %d panics were told", spawned, want, told)
	}
}
