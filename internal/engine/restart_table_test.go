package engine

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// endings are the ways in which the main process 1 of a service can end.
var endings = []struct {
	name     string
	commands string
	result   Result
}{
	{"clean exit", "exit 1 0 last", ResultSuccess},
	{"clean signal", "exit 1 -1 last", ResultSuccess},
	{"clean interrupt", "exit 1 -2 last", ResultSuccess},
	{"clean pipe", "exit 1 -13 last", ResultSuccess},
	{"clean SIGTERM", "exit 1 -15 last", ResultSuccess},
	{"unclean exit", "exit 1 1 last", ResultExitCode},
	{"unclean signal", "exit 1 -9 last", ResultSignal},
	{"core dump", "dump 1 11 last", ResultCoreDump},
	{"timeout", "advance 8s; exit 1 -15 last", ResultTimeout},
	{"watchdog", "advance 3s; dump 1 6 last", ResultWatchdog},
	{"stopped", "stop a.service; exit 1 1 last", ResultExitCode},
}

// restartsAfter says for each Restart= which endings bring a service back: the table
// "Exit causes and the effect of the Restart= settings" of systemd.service(5).
var restartsAfter = map[string]string{
	"no":          "",
	"always":      "success exit-code signal core-dump timeout watchdog",
	"on-success":  "success",
	"on-failure":  "exit-code signal core-dump timeout watchdog",
	"on-abnormal": "signal core-dump timeout watchdog",
	"on-abort":    "signal core-dump",
	"on-watchdog": "watchdog",
}

func TestRestartTable(t *testing.T) {
	for setting, results := range restartsAfter {
		for _, end := range endings {
			t.Run(setting+"/"+end.name, func(t *testing.T) {
				want := "dead"
				if end.result != ResultSuccess {
					want = "failed"
				}
				after := " " + results + " "
				if end.name != "stopped" && strings.Contains(after, " "+end.result.String()+" ") {
					want = "auto-restart"
				}
				w := restartWorld(t, setting, end.result)
				for _, c := range strings.Split(end.commands, "; ") {
					w.command(strings.Fields(c))
				}
				u := w.e.unit("a.service")
				if u.subWord() != want || u.svc.Result != end.result {
					t.Errorf("%s with result %s, want %s with %s", u.subWord(), u.svc.Result, want, end.result)
				}
			})
		}
	}
}

// restartWorld has a.service running, with a limit that lets it end as it shall.
func restartWorld(t *testing.T, setting string, end Result) *scriptWorld {
	text := "[Service]\nType=notify\nExecStart=/bin/a\nRestart=" + setting + "\n"
	switch end {
	case ResultWatchdog:
		text += "WatchdogSec=3s\n"
	case ResultTimeout:
		text += "RuntimeMaxSec=8s\n"
	}
	w := newScriptWorld(t, fstest.MapFS{
		"etc/systemd/system":           {Mode: fs.ModeDir | 0o755, ModTime: time.Unix(1, 0)},
		"etc/systemd/system/a.service": {Data: []byte(text), Mode: 0o644},
	})
	const up = "start a.service; pin a.service; spawned a.service 1; notify a.service 1 READY=1"
	for _, c := range strings.Split(up, "; ") {
		w.command(strings.Fields(c))
	}
	if u := w.e.unit("a.service"); u.subWord() != "running" {
		t.Fatalf("a.service is %s", u.subWord())
	}
	return w
}

// A oneshot service knows no clean signals: SIGTERM from elsewhere is a failure.
func TestOneshotSignals(t *testing.T) {
	for _, sig := range []string{"-1", "-2", "-13", "-15"} {
		w := newScriptWorld(t, fstest.MapFS{
			"etc/systemd/system": {Mode: fs.ModeDir | 0o755, ModTime: time.Unix(1, 0)},
			"etc/systemd/system/a.service": {
				Data: []byte("[Service]\nType=oneshot\nExecStart=/bin/a\n"), Mode: 0o644,
			},
		})
		for _, c := range []string{"start a.service", "spawned a.service 1", "exit 1 " + sig + " last"} {
			w.command(strings.Fields(c))
		}
		if u := w.e.unit("a.service"); u.svc.Result != ResultSignal {
			t.Errorf("signal %s: %s", sig, u.svc.Result)
		}
	}
}
