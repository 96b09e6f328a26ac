package spawn

import (
	"reflect"
	"strings"
	"testing"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// What an executor reads is what the manager wrote.
func TestWire(t *testing.T) {
	s := &Spawner{limits: ownLimits()}
	r := stressed(1)
	r.Files, r.CgroupProcs = []int{0, 1, 2}, []string{"/a", "/b"}
	r.Exec.Limits[value.LimitCPU] = unit.Rlimit{Set: true, Hard: value.LimitInfinity}
	p, err := s.newPlanner(r)
	if err != nil {
		t.Fatal(err)
	}
	p.child()
	p.add(step{kind: stepCalls, calls: []call{{
		nr: 7, args: []arg{num(-1), textArg("a"), blockArg([]byte{0, 1}), resultOf(2), filterArg(nil)},
		fine: []sys.Errno{sys.EPERM}, any: true, skip: 1, done: 2,
	}}})
	got, ok := decodePlan(p.encode())
	if !ok || len(got.steps) != len(p.steps) || !reflect.DeepEqual(got.env, p.env) ||
		!reflect.DeepEqual(got.argv, p.argv) || !reflect.DeepEqual(got.pids, p.pids) {
		t.Fatalf("%v %+v", ok, got)
	}
	for i := range p.steps {
		want := p.steps[i]
		want.directive = "" // messages are the manager's
		want.ceiling = 0    // an executor asks for it
		if want.list == nil {
			want.list = []string{}
		}
		if want.calls == nil {
			want.calls = []call{}
		}
		if want.ids == nil {
			want.ids = []int{}
		}
		if !reflect.DeepEqual(got.steps[i], want) {
			t.Errorf("step %d: %+v, want %+v", i, got.steps[i], want)
		}
	}
}

func FuzzWire(f *testing.F) {
	p, err := new(Spawner).newPlanner(stressed(1))
	if err != nil {
		f.Fatal(err)
	}
	p.child()
	f.Add(p.encode())
	f.Add([]byte(nil))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\x7f"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if p, ok := decodePlan(text); ok {
			for _, i := range p.pids {
				_ = p.env[i]
			}
		}
	})
}

// Every kind of step has a text of its own, and every status a name.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for k := range stepKinds {
		s := step{kind: k, text: "fail"}
		if k == stepCalls { // told by its text, like stepFail
			continue
		}
		text := s.describe()
		if text == "" || seen[text] || strings.HasPrefix(text, "step ") {
			t.Errorf("step %d: %q", k, text)
		}
		seen[text] = true
	}
	for status, name := range map[int]string{
		-1: "", 0: "", 199: "", 200: "CHDIR", 203: "EXEC", 214: "SETSCHEDULER", 217: "USER",
		226: "NAMESPACE", 233: "RUNTIME_DIRECTORY", 255: "", 256: "",
	} {
		if got := StatusName(status); got != name {
			t.Errorf("StatusName(%d) = %q, want %q", status, got, name)
		}
	}
}

func TestApplies(t *testing.T) {
	for name, want := range map[string]bool{
		"User": true, "LimitNOFILE": true, "LimitFOO": false, "PAMName": false, "": false,
		"Limit": false,
	} {
		if got := Applies(name); got != want {
			t.Errorf("Applies(%q) = %v", name, got)
		}
	}
}
