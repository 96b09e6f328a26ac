package main

import (
	"strings"
	"testing"

	"rouse/internal/unit/directive"
)

func TestConfinement(t *testing.T) {
	conf := func(lines ...string) *directive.Manager {
		m := directive.NewManager(false)
		for _, l := range lines {
			name, word, _ := strings.Cut(l, "=")
			a := directive.Assignment{Section: "Manager", Name: name, Value: word}
			if faults := directive.ParseManagerConf(m, a, nil); len(faults) > 0 {
				t.Fatal(faults)
			}
		}
		return m
	}
	all := conf("CPUAffinity=0", "NUMAMask=0", "TimerSlackNSec=1us", "NoNewPrivileges=yes",
		"CapabilityBoundingSet=~CAP_SYS_TIME", "SystemCallArchitectures=native")
	for _, c := range []struct {
		name string
		o    options
		conf *directive.Manager
		want string
	}{
		{"nothing", options{}, conf(), ""},
		{"system", options{}, all, "CPUAffinity NUMAPolicy TimerSlackNSec CapabilityBoundingSet" +
			" NoNewPrivileges SystemCallArchitectures"},
		{"user", options{user: true}, all, "CPUAffinity NUMAPolicy TimerSlackNSec"},
		{"again", options{filtered: []string{"native"}}, conf("SystemCallArchitectures=native"), ""},
		{
			"other", options{filtered: []string{"native"}}, conf("SystemCallArchitectures=x86 x86-64"),
			"SystemCallArchitectures",
		},
	} {
		x, only := confinement(&c.o, c.conf)
		if got := strings.Join(only, " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if c.want != "" && x.NUMAPolicy != c.conf.NUMAPolicy {
			t.Errorf("%s: %+v", c.name, x)
		}
	}
}
