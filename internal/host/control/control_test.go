package control

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"rouse/internal/host/cgroup"
	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// parse makes a unit of settings, one a line.
func parse(t *testing.T, unitName, lines string) *unit.Unit {
	t.Helper()
	d := directive.NewDefaults()
	d.MemoryTotal, d.TasksTotal = 1<<30, 10000
	c := &directive.Context{Defaults: d}
	kind := name.TypeOf(unitName)
	u := directive.New(unitName, kind, d)
	section := "Slice"
	if kind == name.Service {
		section = "Service"
		lines += "\nExecStart=/bin/true"
	}
	for line := range strings.Lines(lines) {
		key, text, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key == "" {
			continue
		}
		a := directive.Assignment{Section: section, Name: key, Value: text}
		for _, fault := range directive.Apply(u, a, c) {
			if !fault.Advice {
				t.Error(fault)
			}
		}
	}
	if err := directive.Finish(u, c, d); err != nil {
		t.Fatal(err)
	}
	return u
}

// told shows a control, a line for each file.
func told(c *cgroup.Control) string {
	var b strings.Builder
	fmt.Fprintf(&b, "needs %s", c.Needs)
	if c.Without != 0 {
		fmt.Fprintf(&b, "; without %s", c.Without)
	}
	for _, s := range c.Settings {
		fmt.Fprintf(&b, "; %s: %s, or %s", s.File, strings.TrimSpace(s.Value), strings.TrimSpace(s.Reset))
	}
	return b.String()
}

const all = cgroup.AllControllers

func disks(path string) (string, error) {
	switch path {
	case "/dev/sda", "/srv":
		return "8:0", nil
	case "/dev/sdb":
		return "8:16", nil
	}
	return "", errors.New(path + ": no such disk")
}

// TasksMax= and MemoryAccounting= are the defaults of system.conf.
func TestFor(t *testing.T) {
	const usual = "needs memory pids; "
	const tasks = "; pids.max: 1500, or max"
	for _, c := range []struct{ lines, want string }{
		{"", "needs memory pids" + tasks},
		{"MemoryAccounting=no\nTasksAccounting=no\nTasksMax=infinity", "needs "},
		{"TasksMax=10%", usual + "pids.max: 1000, or max"},
		{"CPUWeight=20", "needs cpu memory pids; cpu.weight: 20, or 100" + tasks},
		{"CPUWeight=idle", "needs cpu memory pids; cpu.idle: 1, or 0" + tasks},
		{"CPUShares=2048", "needs cpu memory pids; cpu.weight: 200, or 100" + tasks},
		{"CPUShares=2", "needs cpu memory pids; cpu.weight: 1, or 100" + tasks},
		{"CPUWeight=7\nCPUShares=2", "needs cpu memory pids; cpu.weight: 7, or 100" + tasks},
		{"StartupCPUWeight=7", "needs memory pids" + tasks},
		{"CPUQuota=20%", "needs cpu memory pids; cpu.max: 20000 100000, or max 100000" + tasks},
		{"CPUQuota=250%\nCPUQuotaPeriodSec=10ms",
			"needs cpu memory pids; cpu.max: 25000 10000, or max 100000" + tasks},
		{"CPUQuota=1%\nCPUQuotaPeriodSec=10ms",
			"needs cpu memory pids; cpu.max: 1000 100000, or max 100000" + tasks},
		{"CPUQuota=10%\nCPUQuotaPeriodSec=5s",
			"needs cpu memory pids; cpu.max: 100000 1000000, or max 100000" + tasks},
		{"AllowedCPUs=0-3,5\nAllowedMemoryNodes=0",
			"needs cpuset memory pids; cpuset.cpus: 0-3,5, or ; cpuset.mems: 0, or " + tasks},
		{"MemoryMin=1M\nMemoryLow=2M\nMemoryHigh=3M\nMemoryMax=50%\nMemorySwapMax=0",
			usual + "memory.min: 1048576, or 0; memory.low: 2097152, or 0; " +
				"memory.high: 3145728, or max; memory.max: 536870912, or max; " +
				"memory.swap.max: 0, or max" + tasks},
		{"MemoryLow=infinity", usual + "memory.low: max, or 0" + tasks},
		{"MemoryLimit=1M", usual + "memory.max: 1048576, or max" + tasks},
		{"MemoryLimit=1M\nMemoryHigh=2M", usual + "memory.high: 2097152, or max" + tasks},
		{"OOMPolicy=kill", usual + "memory.oom.group: 1, or 0" + tasks},
		{"Delegate=cpu io", "needs cpu io memory pids" + tasks},
		{"Delegate=yes", "needs cpu cpuset io memory pids" + tasks},
		{"DisableControllers=cpu io", "needs memory pids; without cpu io" + tasks},
	} {
		u := parse(t, "a.service", c.lines)
		if got := told(For(&Request{Available: all, Unit: u, Block: disks})); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.lines, got, c.want)
		}
	}
}

func TestForIO(t *testing.T) {
	const tasks = "; pids.max: 1500, or max"
	for _, c := range []struct{ lines, want string }{
		{"IOAccounting=yes", "needs io memory pids" + tasks},
		{"IOWeight=1000", "needs io memory pids; io.weight: default 1000, or default 100; " +
			"io.bfq.weight: default 181, or default 100" + tasks},
		{"IODeviceWeight=/dev/sda 50", "needs io memory pids; io.weight: 8:0 50, or 8:0 default; " +
			"io.bfq.weight: 8:0 50, or 8:0 default" + tasks},
		{"IOReadBandwidthMax=/srv 1M\nIOWriteIOPSMax=/dev/sda 7\nIOWriteBandwidthMax=/dev/sdb 5K",
			"needs io memory pids; " +
				"io.max: 8:0 rbps=1000000 wbps=max riops=max wiops=7, " +
				"or 8:0 rbps=max wbps=max riops=max wiops=max; " +
				"io.max: 8:16 rbps=max wbps=5000 riops=max wiops=max, " +
				"or 8:16 rbps=max wbps=max riops=max wiops=max" + tasks},
		{"IODeviceLatencyTargetSec=/dev/sda 25ms", "needs io memory pids; " +
			"io.latency: 8:0 target=25000, or 8:0 target=0" + tasks},
		{"IOReadBandwidthMax=/dev/none 1M", "needs memory pids" + tasks},
		{"BlockIOWeight=500\nBlockIOReadBandwidth=/dev/sda 1K", "needs io memory pids; " +
			"io.weight: default 100, or default 100; io.bfq.weight: default 100, or default 100; " +
			"io.max: 8:0 rbps=1000 wbps=max riops=max wiops=max, " +
			"or 8:0 rbps=max wbps=max riops=max wiops=max" + tasks},
		{"BlockIODeviceWeight=/dev/sda 10", "needs io memory pids; io.weight: 8:0 2, or 8:0 default; " +
			"io.bfq.weight: 8:0 2, or 8:0 default" + tasks},
	} {
		u := parse(t, "a.service", c.lines)
		var lines []string
		log := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
		if got := told(For(&Request{Available: all, Unit: u, Block: disks, Log: log})); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.lines, got, c.want)
		}
		if missing := strings.Contains(c.lines, "none"); missing != (len(lines) > 0) {
			t.Errorf("%s: the log is %q", c.lines, lines)
		}
	}
}

// Settings for the start count while the machine starts, alone if need be.
func TestStartup(t *testing.T) {
	u := parse(t, "a.slice", "StartupCPUWeight=7\nIOWeight=300\nStartupIOWeight=5\nAllowedCPUs=0\n"+
		"StartupAllowedCPUs=1\nMemoryAccounting=no\nTasksAccounting=no")
	for startup, want := range map[bool]string{
		true: "needs cpu cpuset io; cpu.weight: 7, or 100; cpuset.cpus: 1, or ; " +
			"io.weight: default 5, or default 100; io.bfq.weight: default 5, or default 100",
		false: "needs cpuset io; cpuset.cpus: 0, or ; " +
			"io.weight: default 300, or default 100; io.bfq.weight: default 118, or default 100",
	} {
		if got := told(For(&Request{Available: all, Unit: u, Startup: startup})); got != want {
			t.Errorf("%v:\n got %s\nwant %s", startup, got, want)
		}
	}
}

// What a slice says about memory of the units in it counts where these say nothing.
func TestMemoryOfSlices(t *testing.T) {
	inner := parse(t, "a-b.slice", "DefaultMemoryLow=3M")
	outer := parse(t, "a.slice", "DefaultMemoryLow=5M\nDefaultMemoryMin=7M")
	above := []*unit.Unit{inner, outer}
	for lines, want := range map[string]string{
		"":                           "memory.min: 7340032, or 0; memory.low: 3145728, or 0; ",
		"MemoryLow=0":                "memory.min: 7340032, or 0; ",
		"MemoryMin=1M\nMemoryLow=2M": "memory.min: 1048576, or 0; memory.low: 2097152, or 0; ",
	} {
		u := parse(t, "x.service", lines)
		got := told(For(&Request{Available: all, Unit: u, Slices: above}))
		if want = "needs memory pids; " + want + "pids.max: 1500, or max"; got != want {
			t.Errorf("%s:\n got %s\nwant %s", lines, got, want)
		}
	}
}

func TestAbove(t *testing.T) {
	for lines, want := range map[string]string{"": "-.slice", "Slice=a-b.slice": "a-b.slice"} {
		if got := Above(parse(t, "x.service", lines)); got != want {
			t.Errorf("%q: %s", lines, got)
		}
	}
	slices := map[string]string{"a-b.slice": "a.slice", "a.slice": "-.slice", "-.slice": ""}
	for slice, want := range slices {
		if got := Above(directive.New(slice, name.Slice, nil)); got != want {
			t.Errorf("%s: %s", slice, got)
		}
	}
	if got := Above(directive.New("a.target", name.Target, nil)); got != "" {
		t.Error(got)
	}
}

func TestDisk(t *testing.T) {
	if _, err := Disk("/dev/null"); err == nil {
		t.Log("there is a disk below /dev")
	}
	if _, err := Disk("/there/is/none"); err == nil {
		t.Error("a path that is not there has a disk")
	}
	if d, err := Disk("/"); err == nil && !strings.Contains(d, ":") {
		t.Errorf("the disk of / is %q", d)
	}
}

func TestQuotaEdges(t *testing.T) {
	for _, c := range []struct {
		quota, period value.Span
		want          string
	}{
		{value.Second, value.Infinity, "100000 100000"},
		{1, value.Infinity, "1000 1000000"},
		{value.Infinity - 1, value.Second, "18446744073709551614 1000000"},
		{value.Second, 1, "1000 1000"},
	} {
		if got := quota(c.quota, c.period); got != c.want {
			t.Errorf("%d per second, %d: %s, want %s", c.quota, c.period, got, c.want)
		}
	}
}
