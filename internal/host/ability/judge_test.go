package ability

import (
	"strings"
	"testing"

	"rouse/internal/host/spawn"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/value"
)

// judge decides for a place without mounts.
func judge(mode unit.Enforce) *Judge {
	return &Judge{
		Place: made([]spawn.Trial{spawn.TrialMounts}, sys.EPERM, "CAP_SYS_ADMIN"),
		Fresh: func(u *unit.Unit) *unit.Unit { return directive.Fresh(u, nil, nil) },
		Mode:  func() unit.Enforce { return mode },
	}
}

// missing is a report of which ProtectHome= is missing.
var missing = Report{
	{Directive: "User"},
	{
		Directive: "ProtectHome", Level: NotApplied, Why: "no CAP_SYS_ADMIN",
		Status: statusNamespace, left: []string{"ProtectHome"},
	},
	{
		Directive: "MemoryMax", Level: NotApplied, Why: "no controller memory",
		left: []string{"MemoryMax"},
	},
}

func TestVerdict(t *testing.T) {
	u, _ := service(t, "")
	for _, c := range []struct {
		name    string
		mode    unit.Enforce
		report  Report
		flags   value.CommandFlags
		without string
		fails   string
		line    string
	}{
		{
			name: "strict", mode: unit.EnforceStrict, report: missing,
			fails: "start a.service: ProtectHome= is not applied: no CAP_SYS_ADMIN; " +
				"X-Enforce=best-effort would do without (226/NAMESPACE)",
		},
		{
			name: "best effort", mode: unit.EnforceBestEffort, report: missing,
			without: "ProtectHome MemoryMax",
			line:    "runs without, or with less of, ProtectHome= (no CAP_SYS_ADMIN)",
		},
		{name: "limits are no protection", mode: unit.EnforceStrict, report: missing[2:]},
		{name: "whole", mode: unit.EnforceStrict, report: missing[:1]},
		{
			name: "full privileges", mode: unit.EnforceStrict, report: missing,
			flags: value.FullPrivilege,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := Verdict{Report: c.report, Mode: c.mode, u: u, place: New(Config{})}
			r := &spawn.Request{Command: value.Command{Flags: c.flags}}
			v.Apply(r)
			if s := strings.Join(r.Without, " "); s != c.without {
				t.Errorf("without %q", s)
			}
			fails := ""
			if r.Fail != nil {
				fails = r.Fail.Error()
			}
			if fails != c.fails {
				t.Errorf("fails with %q", fails)
			}
			if v.Line() != c.line {
				t.Errorf("line %q", v.Line())
			}
		})
	}
}

// A unit says itself what counts for it; its report is made once, until it is read anew.
func TestJudge(t *testing.T) {
	j := judge(unit.EnforceStrict)
	u, _ := service(t, "Nice=5\nX-Enforce=best-effort")
	v := j.Of(u)
	if v.Mode != unit.EnforceBestEffort || !v.New || len(v.Report) != 1 {
		t.Errorf("%+v", v)
	}
	if v = j.Of(u); v.New {
		t.Error("made again")
	}
	same, _ := service(t, "Nice=5")
	if v = j.Of(same); !v.New || v.Mode != unit.EnforceStrict {
		t.Errorf("read anew: %+v", v)
	}
	j.Forget(u.Name)
	if v = j.Of(same); !v.New {
		t.Error("not forgotten")
	}
}

// Units that share what they say have one report, and another one if they say otherwise.
func TestJudgeShares(t *testing.T) {
	j, asked := judge(unit.EnforceStrict), 0
	fresh := j.Fresh
	j.Fresh = func(u *unit.Unit) *unit.Unit { asked++; return fresh(u) }
	u, _ := service(t, "Nice=5")
	for i, change := range []func(*unit.Unit){
		func(*unit.Unit) {},
		func(u *unit.Unit) { u.Name = "b.service" },
		func(u *unit.Unit) { k := *u.Kill; k.SendSIGHUP = true; u.Kill = &k },
		func(u *unit.Unit) { x := *u.Exec; x.PrivateTmp = true; u.Exec = &x },
	} {
		other := *u
		change(&other)
		v := j.Of(&other)
		if want := []int{1, 1, 2, 3}[i]; asked != want || len(v.Report) != []int{1, 1, 2, 2}[i] {
			t.Errorf("%d: made %d times, %v", i, asked, v.Report)
		}
	}
}

// A step that the place refuses is left out of the next try, once; a unit that is at fault
// itself, a strict one, and a change of user are not started again.
func TestAgain(t *testing.T) {
	u, _ := service(t, "Nice=5\nPrivateTmp=yes")
	refused := &spawn.StepError{Step: "set nice level 5", Directive: "Nice", Errno: int(sys.EPERM)}
	for _, c := range []struct {
		name string
		mode unit.Enforce
		err  error
		want string
	}{
		{"strict", unit.EnforceStrict, refused, ""},
		{"no error", unit.EnforceBestEffort, nil, ""},
		{
			"at fault", unit.EnforceBestEffort,
			&spawn.StepError{Directive: "Nice", Errno: int(sys.ENOENT)}, "",
		},
		{
			"user", unit.EnforceBestEffort,
			&spawn.StepError{Directive: "User", Errno: int(sys.EPERM)}, "",
		},
		{
			"refused", unit.EnforceBestEffort, refused,
			"Nice: not applied: set nice level 5: operation not permitted",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := judge(c.mode)
			v := j.Of(u)
			r := &spawn.Request{}
			why, again := v.Again(r, c.err)
			if why != c.want || again != (c.want != "") {
				t.Errorf("%t: %q", again, why)
			}
			if again {
				if _, twice := v.Again(r, c.err); twice {
					t.Error("started a third time")
				}
				if v := j.Of(u); !v.New || !strings.Contains(v.Report.String(), c.want) {
					t.Errorf("not in the report: %v", v.Report)
				}
			}
		})
	}
}
