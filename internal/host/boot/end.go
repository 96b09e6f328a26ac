package boot

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"rouse/internal/host/proc"
	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// EndProcesses ends every process but this one: SIGTERM and SIGHUP, and after
// patience SIGKILL, for which it waits as long again. It reaps them itself, so
// nobody else may by then. Processes of root whose name begins with "@" are
// spared: they keep the root file system going. It is for PID 1 only.
func EndProcesses(patience time.Duration, log func(line string)) {
	if !IsInit() {
		return
	}
	children := make(chan os.Signal, 1)
	signal.Notify(children, sys.ChildSignal)
	defer signal.Stop(children)
	for _, round := range [][]value.Signal{
		{value.SIGTERM, value.SIGCONT, value.SIGHUP}, {value.SIGKILL},
	} {
		for _, pid := range others() {
			for _, sig := range round {
				sys.Kill(pid, sig)
			}
		}
		left := waitForAll(children, patience)
		if len(left) == 0 {
			return
		}
		var names []string
		for _, pid := range left {
			names = append(names, fmt.Sprintf("%d (%s)", pid, proc.Command(pid)))
		}
		log(fmt.Sprintf("still there %v after %v: %s", patience, round[0], strings.Join(names, ", ")))
	}
}

// others lists the processes to be ended.
func others() []int {
	all, err := proc.All()
	if err != nil {
		return nil
	}
	var pids []int
	for _, s := range all {
		if s.PID == os.Getpid() || s.Dead() || isSpared(s.PID) {
			continue
		}
		pids = append(pids, s.PID)
	}
	return pids
}

func isSpared(pid int) bool {
	info, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	if err != nil {
		return false
	}
	uid, _ := sys.Owner(info)
	return uid == 0 && strings.HasPrefix(proc.Command(pid), "@")
}

// again is how often waitForAll looks without being told: the parents of processes
// that entered a container from outside are not in it, and so nobody tells PID 1 that
// they have ended.
const again = 20 * time.Millisecond

// waitForAll reaps until none is left to be ended, and gives those that are.
func waitForAll(children <-chan os.Signal, patience time.Duration) []int {
	timeout := time.After(patience)
	look := time.NewTicker(again)
	defer look.Stop()
	for {
		for {
			if _, ok, err := sys.ReapChild(-1); !ok || err != nil {
				break
			}
		}
		left := others()
		if len(left) == 0 {
			return nil
		}
		select {
		case <-children:
		case <-look.C:
		case <-timeout:
			return left
		}
	}
}

// kept are mounts that the kernel takes down by itself, or that we run from.
var kept = []string{"/", "/usr", "/proc", "/sys", "/dev", "/run"}

// Unmount unmounts everything it can, the last first, again and again while that
// succeeds. What is still in use is made read-only, the root too. In a container
// it does nothing. It may hang on a network file system whose server is gone.
func Unmount(log func(line string)) {
	if !IsInit() || Container() != "" {
		return
	}
	for progress := true; progress; {
		progress = false
		for _, point := range toUnmount() {
			progress = sys.Unmount(point) == nil || progress
		}
	}
	for _, point := range append(toUnmount(), "/usr", "/") {
		flags := uintptr(sys.MountRemount | sys.MountReadOnly)
		err := sys.Mount("", point, "", flags, "")
		if err != nil && !errors.Is(err, sys.EINVAL) { // EINVAL: not a mount
			log(fmt.Sprintf("%s stays writable: %v", point, err))
		}
	}
}

// toUnmount lists mount points, the deepest first.
func toUnmount() []string {
	have, _ := proc.Mounts()
	var points []string
	for _, m := range slices.Backward(have) {
		if !isKept(m.Point) {
			points = append(points, m.Point)
		}
	}
	slices.SortStableFunc(points, func(a, b string) int {
		return cmp.Compare(strings.Count(b, "/"), strings.Count(a, "/"))
	})
	return points
}

func isKept(point string) bool {
	return slices.ContainsFunc(kept, func(k string) bool {
		return point == k || k != "/" && k != "/usr" && strings.HasPrefix(point, k+"/")
	})
}

// End ends the machine by a verb of systemctl(1): "poweroff", "reboot", "halt",
// "kexec"; or this process, with a status, by "exit" and wherever the machine is
// not ours to end. It returns only if the kernel refuses.
func End(verb string, status uint8) error {
	if !IsInit() {
		os.Exit(int(status))
	}
	sys.Sync()
	if verb == "exit" {
		os.Exit(int(status)) // outside a container the kernel panics: so it was asked
	}
	how, ok := sys.Ends[verb]
	if !ok {
		return fmt.Errorf("%s: %w", verb, sys.ErrUnsupported)
	}
	err := sys.Reboot(how)
	if Container() != "" {
		os.Exit(int(status)) // whose manager may restart it
	}
	return fmt.Errorf("%s: %w", verb, err)
}

// TakeCtrlAltDel has the kernel leave Ctrl-Alt-Del to us.
func TakeCtrlAltDel() error {
	if !IsInit() || Container() != "" {
		return nil
	}
	return sys.SendCtrlAltDel()
}
