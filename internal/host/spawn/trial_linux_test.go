package spawn

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"rouse/internal/host/sys"
)

// What trials say is what a process that does the same finds; and they leave no process,
// no mount, and the manager as it was.
func TestTry(t *testing.T) {
	before, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Skip(err)
	}
	dumpable := sys.Dumpable()
	for trial := range Trials {
		err := Try(trial)
		var errno sys.Errno
		if err != nil && !errors.As(err, &errno) {
			t.Fatalf("trial %d: %v", trial, err)
		}
		t.Logf("trial %d: %v", trial, err)
		if os.Geteuid() != 0 && err == nil {
			switch trial {
			case TrialMounts, TrialNetwork, TrialIPC, TrialHostName, TrialChroot,
				TrialGroups:
				t.Errorf("trial %d succeeds without privileges", trial)
			}
		}
		if again := Try(trial); again != err {
			t.Errorf("trial %d: first %v, then %v", trial, err, again)
		}
	}
	if after, _ := os.ReadFile("/proc/self/mountinfo"); string(after) != string(before) {
		t.Error("mounts were left behind")
	}
	if sys.Dumpable() != dumpable {
		t.Error("the manager's memory is not dumpable any more")
	}
	if err := sys.ReapSilent(-1); !errors.Is(err, syscall.ECHILD) {
		t.Errorf("a child is left: %v", err)
	}
	if Try(Trials) == nil {
		t.Error("a trial that there is none of succeeds")
	}
}
