package analyze

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"rouse/internal/client/analyze/exposure"
	"rouse/internal/client/tool"
	"rouse/internal/face"
	"rouse/internal/unit"
)

// A finding about several settings is carried out as far as the least of them is.
func TestLevelOf(t *testing.T) {
	for _, c := range []struct{ user, dynamic, want string }{
		{"", "", ""},
		{"applied", "", "applied"},
		{"applied", "weaker", "weaker"},
		{"not applied", "weaker", "not applied"},
		{"weaker", "not applied", "not applied"},
		{"weaker", "applied", "weaker"},
	} {
		f := exposure.Finding{Name: "User=/DynamicUser="}
		got := levelOf(f, map[string]string{"User": c.user, "DynamicUser": c.dynamic})
		if got != c.want {
			t.Errorf("%q, %q: %q, want %q", c.user, c.dynamic, got, c.want)
		}
	}
}

// teller is a manager that knows what becomes of settings.
type teller struct{ face.Manager }

func (teller) Properties(context.Context, string) ([]face.Property, error) {
	return []face.Property{{Name: "Enforcement", Type: "a(sss)", Value: []any{
		[]any{"PrivateTmp", "weaker", "for a reason"}, []any{"UMask", "applied", ""},
	}}}, nil
}

// The table and JSON say what the manager carries out, and nothing where it was not asked.
func TestHere(t *testing.T) {
	var out bytes.Buffer
	r := &review{json: "short", session: &session{
		Run: &tool.Run{Env: tool.Env{Stdout: &out}, Ctx: context.Background()}, mgr: teller{},
	}}
	here, err := r.here("a.service")
	if err != nil || here["PrivateTmp"] != "weaker" {
		t.Fatalf("%v, %v", here, err)
	}
	j := &exposure.Judgement{Findings: []exposure.Finding{
		{Name: "PrivateTmp=", What: "tmp", Counts: true, Good: true},
		{Name: "ProtectHome=", What: "home", Counts: true, Tenths: 2},
		{Name: "RemoveIPC=", What: "ipc"},
	}}
	r.table("a.service", j, here)
	lines := strings.Split(out.String(), "\n")
	if !strings.HasSuffix(lines[0], "APPLIED HERE") || !strings.Contains(lines[1], "weaker") ||
		!strings.HasPrefix(lines[1], "✓ PrivateTmp=") || !strings.HasPrefix(lines[3], "  RemoveIPC=") {
		t.Errorf("%s", out.String())
	}
	const whole = "\n→ Overall exposure level for a.service: 0.0 PERFECT :-]\n"
	if !strings.HasSuffix(out.String(), whole) {
		t.Errorf("%s", out.String())
	}
	out.Reset()
	if err := r.writeJSON(details(j, here)); err != nil || !strings.Contains(out.String(),
		`{"set":null,"name":"RemoveIPC=","json_field":"","description":"ipc","exposure":null}`) ||
		strings.Count(out.String(), `"here":`) != 1 {
		t.Errorf("%s, %v", out.String(), err)
	}
	r.offline = true
	if here, err := r.here("a.service"); here != nil || err != nil {
		t.Errorf("%v, %v", here, err)
	}
}

// Without a unit, all services are listed.
func TestOverview(t *testing.T) {
	var out bytes.Buffer
	r := &review{json: "off", session: &session{Run: &tool.Run{Env: tool.Env{Stdout: &out}}}}
	for name, tenths := range map[string]uint64{"a.service": 96} {
		r.overview = append(r.overview, judged{name, &exposure.Judgement{Tenths: tenths}})
	}
	err := r.list()
	const want = "UNIT      EXPOSURE PREDICATE HAPPY\na.service      9.6 UNSAFE    :-{\n"
	if err != nil || out.String() != want {
		t.Errorf("%s, %v", out.String(), err)
	}
	if unit.Loaded.String() != "loaded" {
		t.Error("the manager has another word for what is loaded")
	}
}

// What systemd concludes of a service that is loaded.
func TestOwnMounts(t *testing.T) {
	for n, set := range []func(x *unit.Exec){
		func(x *unit.Exec) { x.PrivateMounts = true },
		func(x *unit.Exec) { x.PrivateDevices = true },
		func(x *unit.Exec) { x.PrivateTmp = true },
		func(x *unit.Exec) { x.ProtectControlGroups = true },
		func(x *unit.Exec) { x.ProtectKernelTunables = true },
		func(x *unit.Exec) { x.ProtectKernelModules = true },
		func(x *unit.Exec) { x.ProtectHome++ },
		func(x *unit.Exec) { x.ProtectSystem++ },
		func(x *unit.Exec) { x.RootImage = "/x" },
	} {
		x := &unit.Exec{}
		if set(x); !ownMounts(x) {
			t.Error(n)
		}
	}
	x := &unit.Exec{}
	x.ProtectClock, x.PrivateUsers, x.RootDirectory = true, true, "/x"
	if ownMounts(x) {
		t.Error("none of these")
	}
}
