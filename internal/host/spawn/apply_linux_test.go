package spawn

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"rouse/internal/host/sys"
	"rouse/internal/unit/value/linux"
)

// confineMe is what a process does that limits itself: it has many threads by then.
func confineMe() {
	release := make(chan struct{})
	var ready, done sync.WaitGroup
	for range 8 {
		ready.Add(1)
		done.Go(func() {
			runtime.LockOSThread()
			ready.Done()
			<-release
		})
	}
	ready.Wait()
	x := Plain()
	x.CPUAffinity, x.TimerSlackSet, x.TimerSlack = []uint{0}, true, 77777
	x.CapabilityBoundingSet = 1<<linux.CapSysModule | 1<<linux.CapSysAdmin
	x.NoNewPrivileges = true
	x.SystemCallArchitectures = []string{"native"}
	for _, err := range Confine(&x, strings.Fields(os.Getenv("CONFINE"))) {
		fmt.Println(err)
	}
	tasks, err := filepath.Glob("/proc/self/task/*/status")
	fmt.Println(len(tasks) > 4, err)
	for _, file := range tasks {
		text, _ := os.ReadFile(file)
		fmt.Print(string(text))
	}
	close(release)
	done.Wait()
}

// needsThreads skips what the C library makes impossible, whose threads Go does not know.
func needsThreads(t *testing.T) {
	t.Helper()
	none := [5]uintptr{sys.PrctlTimerSlack, 50000}
	if err := sys.OnAllThreads(sys.CallPrctl, none); errors.Is(err, syscall.ENOTSUP) {
		t.Skip("this program was built with cgo; set CGO_ENABLED=0")
	}
}

// All threads are limited, so that nothing that is started later gets out.
func TestConfine(t *testing.T) {
	needsThreads(t)
	lines := regexp.MustCompile(
		`(?m)^(Cap(?:Prm|Eff|Bnd)|NoNewPrivs|Seccomp|Cpus_allowed_list):\s*(\S+)$`)
	for _, c := range []struct {
		only string
		want map[string]string
	}{
		{"CPUAffinity NoNewPrivileges TimerSlackNSec", map[string]string{
			"Cpus_allowed_list": "0", "NoNewPrivs": "1",
		}},
		{"CapabilityBoundingSet SystemCallArchitectures", map[string]string{
			"CapPrm": "0000000000210000", "CapEff": "0000000000210000",
			"CapBnd": "0000000000210000", "Seccomp": "2",
		}},
	} {
		if strings.Contains(c.only, "CapabilityBoundingSet") &&
			sys.OwnCapabilities().Effective&(1<<linux.CapSetPCap) == 0 {
			t.Log("skip: capabilities can only be dropped by who may (CAP_SETPCAP)")
			continue
		}
		cmd := exec.Command(os.Args[0], "--probe", "confine")
		cmd.Env = append(os.Environ(), "CONFINE="+c.only)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), "true <nil>\n") {
			t.Fatalf("%v: %.300s", err, out)
		}
		for _, l := range lines.FindAllStringSubmatch(string(out), -1) {
			if want, ok := c.want[l[1]]; ok && l[2] != want {
				t.Errorf("%s: %s is %s, want %s", c.only, l[1], l[2], want)
			}
		}
	}
}

// What cannot be done is told, and the rest is done.
func TestConfineFails(t *testing.T) {
	needsThreads(t)
	x := Plain()
	x.CPUAffinity = []uint{4000}
	errs := Confine(&x, []string{"CPUAffinity"})
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), "(CPUAffinity=): invalid argument") {
		t.Errorf("%v", errs)
	}
}
