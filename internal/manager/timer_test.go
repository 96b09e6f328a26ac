package manager

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestTimer: a timer starts its service, which is told why, and leaves a stamp.
func TestTimer(t *testing.T) {
	f := begin(t, map[string]string{
		"a.timer": "[Timer]\nOnActiveSec=10ms\nOnCalendar=daily\nAccuracySec=1us\nPersistent=yes\n",
		"a.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\n" +
			"ExecStart=SELF append DIR/out ${TRIGGER_UNIT}\n",
	})
	events, err := f.Subscribe(f.context())
	if err != nil {
		t.Fatal(err)
	}
	f.want("start", "a.timer", "done")
	f.until(events, is("a.service", "exited"))
	text, err := os.ReadFile(f.dir + "/out")
	if err != nil || !strings.Contains(string(text), "a.timer") {
		t.Errorf("a.service said %q, %v", text, err)
	}
	if got := f.property("a.timer", "SubState"); got != "running" {
		t.Errorf("a.timer is %v", got)
	}
	waitFor(t, func() bool {
		info, err := os.Stat(f.dir + "/stamps/stamp-a.timer")
		return err == nil && time.Since(info.ModTime()) < time.Minute
	})
	last := f.property("a.timer", "LastTriggerUSec").(uint64)
	if now := uint64(time.Now().UnixMicro()); last == 0 || last > now || now-last > 60e6 {
		t.Errorf("it fired at %d", last)
	}
	f.want("stop", "a.service", "done")
	if got := f.property("a.timer", "SubState"); got != "waiting" {
		t.Errorf("then a.timer is %v", got)
	}
}

// TestMissed: a persistent timer that was not there at its time fires when it starts.
func TestMissed(t *testing.T) {
	f := begin(t, map[string]string{
		"a.timer":              "[Timer]\nOnCalendar=daily\nPersistent=yes\n",
		"a.service":            "[Service]\nExecStart=SELF wait\n",
		"stamps/stamp-a.timer": "",
	})
	then := time.Now().Add(-72 * time.Hour)
	if err := os.Chtimes(f.dir+"/stamps/stamp-a.timer", then, then); err != nil {
		t.Fatal(err)
	}
	events, err := f.Subscribe(f.context())
	if err != nil {
		t.Fatal(err)
	}
	f.want("start", "a.timer", "done")
	f.until(events, is("a.service", "running"))
}

// TestClockSet: a timer fires when somebody sets the clock, or the time zone.
func TestClockSet(t *testing.T) {
	f := begin(t, map[string]string{
		"a.timer":   "[Timer]\nOnClockChange=yes\n",
		"a.service": "[Service]\nExecStart=SELF wait\n",
		"b.timer":   "[Timer]\nOnTimezoneChange=yes\n",
		"b.service": "[Service]\nExecStart=SELF wait\n",
	})
	events, err := f.Subscribe(f.context())
	if err != nil {
		t.Fatal(err)
	}
	f.want("start", "a.timer", "done")
	f.want("start", "b.timer", "done")
	f.clockChanged()
	f.until(events, is("a.service", "running"))
	f.post(func() {
		f.zone = "another one"
		f.refreshZone()
	})
	f.until(events, is("b.service", "running"))
}

// TestTimerFails: a failure is forgotten, and with it the unit and what only it knew of.
func TestTimerFails(t *testing.T) {
	f := begin(t, map[string]string{
		"a.timer":   "[Timer]\nOnActiveSec=10ms\nAccuracySec=1us\n",
		"a.service": "[Unit]\nRequires=missing.service\n[Service]\nExecStart=SELF wait\n",
	})
	events, err := f.Subscribe(f.context())
	if err != nil {
		t.Fatal(err)
	}
	f.want("start", "a.timer", "done")
	f.until(events, is("a.timer", "failed"))
	if err := f.ResetFailed(f.context(), []string{"a.*"}); err != nil {
		t.Error(err)
	}
	if err := f.ResetFailed(f.context(), []string{"a.timer"}); err == nil {
		t.Error("the unit is still there")
	}
	if strings.Contains(f.log.String(), "internal error") {
		t.Error("it panicked")
	}
}
