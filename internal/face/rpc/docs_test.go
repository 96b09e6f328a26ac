package rpc_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net"
	"os"
	"reflect"
	"strings"
	"testing"

	"rouse/internal/face"
	"rouse/internal/face/rpc"
	"rouse/internal/face/rpc/fake"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// example is the manager that the examples of the documentation speak of.
func example() *fake.Manager {
	m := fake.New()
	m.About = face.Info{Version: "1.0", Mode: "system", PID: 1, SystemState: "running", Units: 3,
		Cgroups: "v2", CgroupRoot: "/", UnitPath: []string{"/etc/systemd/system"},
		Environment: []string{"LANG=C.UTF-8"},
		Since:       value.Instant{Mono: 1582603427, Real: 1795384447000000}}
	m.Own = []face.Property{{Name: "LogLevel", Type: "s", Value: "info"}}
	property := func(n, sig string, v any) face.Property {
		return face.Property{Name: n, Type: sig, Value: v}
	}
	m.Add(&fake.Unit{
		UnitInfo: face.UnitInfo{Name: "web.service", Description: "Web", Load: "loaded",
			Active: "active", Sub: "running"},
		Properties: []face.Property{
			property("ActiveEnterTimestamp", "t", uint64(1795384733283000)),
			property("MainPID", "u", uint32(312)), property("NRestarts", "u", uint32(2)),
			property("Result", "s", "success"),
			property("TimeoutStartUSec", "t", value.Infinity),
			property("TriggeredBy", "as", []string{"web.socket"}),
		},
		Processes: []face.Process{{PID: 312, Parent: 1, Command: "/usr/bin/web --port 80"}},
	})
	m.Add(&fake.Unit{
		UnitInfo: face.UnitInfo{Name: "web.socket", Description: "Web socket", Load: "loaded",
			Active: "active", Sub: "listening"},
		Properties: []face.Property{
			property("FileDescriptorName", "s", "web.socket"),
			property("Listen", "a(ss)", [][]any{{"Stream", "0.0.0.0:80"}}),
		},
	})
	m.Add(&fake.Unit{UnitInfo: face.UnitInfo{Name: "bad.service", Description: "Bad",
		Load: "loaded", Active: "failed", Sub: "failed"}})
	m.Results["start bad.service"] = "failed"
	m.Queue = []face.JobInfo{{ID: 7, Unit: "slow.service", Type: "start", State: "running"}}
	m.Planned = []face.PlannedJob{
		{Unit: "db.service", Type: "start", Because: "web.service Requires=db.service",
			Effect: "start"},
		{Unit: "web.service", Type: "start", Because: "requested", After: []string{"db.service"},
			Effect: "none: already active"}}
	m.Causes = []face.Cause{{At: value.Instant{Mono: 1868854987, Real: 1795384733000000},
		Unit: "bad.service", What: "activating/start -> failed/failed, result exit-code",
		Why: "main process 312 exited with status 1"}}
	m.Report = face.ReloadReport{Added: []string{"new.service"}, Changed: []string{"web.service"},
		Removed: []string{"old.service"},
		Faults: []unit.Fault{{File: "/etc/systemd/system/web.service", Line: 7,
			Name: "TimeoutStartSec", Value: "5 parsecs", Why: "not a time span",
			Then: "keeping the default, 90s"}}}
	m.Files = face.FilesReply{HasInstallInfo: true, Changes: []face.FileChange{{Type: "symlink",
		Path:   "/etc/systemd/system/multi-user.target.wants/web.service",
		Source: "/usr/lib/systemd/system/web.service"}}}
	return m
}

// TestExamples sends every request of docs/ControlInterface.md, in order, and
// compares the replies; and checks that each method has an example.
func TestExamples(t *testing.T) {
	text, err := os.ReadFile("../../../docs/ControlInterface.md")
	if err != nil {
		t.Fatal(err)
	}
	conns := map[string]net.Conn{}
	readers := map[string]*bufio.Reader{}
	socket, _ := serve(t, example(), nil)
	seen := map[string]bool{}
	section := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			section = line // each has a connection of its own
		}
		request, isRequest := strings.CutPrefix(line, "→ ")
		want, isReply := strings.CutPrefix(line, "← ")
		if (isRequest || isReply) && conns[section] == nil {
			conns[section] = connect(t, socket)
			readers[section] = bufio.NewReader(conns[section])
		}
		switch {
		case isRequest:
			for _, m := range rpc.MethodNames() {
				if strings.Contains(request, `"method":"`+m+`"`) {
					seen[m] = true
				}
			}
			if _, err := conns[section].Write([]byte(request + "\n")); err != nil {
				t.Fatal(err)
			}
		case isReply:
			got, err := readers[section].ReadBytes('\n')
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if !sameJSON(t, []byte(want), got) {
				t.Errorf("%s\nwant %s\ngot  %s", section, want, got)
			}
		}
	}
	for _, m := range rpc.MethodNames() {
		if !seen[m] {
			t.Errorf("docs/ControlInterface.md has no example of %s", m)
		}
	}
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	decode := func(text []byte) (v any) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return v
	}
	return reflect.DeepEqual(decode(a), decode(b))
}
