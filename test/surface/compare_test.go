package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	systemd := account{
		{"M", "a.service", "org.x.Unit.Start"}: "method in:mode:s",
		{"M", "a.service", "org.x.Unit.Stop"}:  "method in:mode:s",
		{"M", "a.service", "org.x.Unit.Id"}:    "property s read",
		{"M", "only.service", "org.x.Unit.Id"}: "property s read",
		{"V", "a.service", "After"}:            `as	["c.target" "b.target" "theirs.target"]`,
		{"V", "a.service", "Before"}:           `as	["b.target"]`,
		{"V", "a.service", "StateTimestamp"}:   "t	17",
		{"V", "a.service", "ExecStart"}:        `a	[("/b" ["/b" "7 8"] false 11 12 0 0 99 0 0)]`,
		{"V", "a.service", "ExecStop"}:         `a	[("/b" ["/b"] false 11 12 13 14 99 1 0)]`,
		{"V", "b.target", "Id"}:                `s	"b.target"`,
		{"V", "c.target", "Id"}:                `s	"c.target"`,
		{"V", "theirs.target", "Id"}:           `s	"theirs.target"`,
	}
	other := account{
		{"M", "a.service", "org.x.Unit.Start"}: "method in:mode:s",
		{"M", "a.service", "org.x.Unit.Id"}:    "property o read",
		{"M", "a.service", "org.x.Unit.More"}:  "property s read",
		{"V", "a.service", "After"}:            `as	["b.target" "c.target"]`,
		{"V", "a.service", "Before"}:           `as	["c.target"]`,
		{"V", "a.service", "StateTimestamp"}:   "t	18",
		{"V", "a.service", "ExecStart"}:        `a	[("/b" ["/b" "7 8"] false 21 22 0 0 5 0 0)]`,
		{"V", "a.service", "ExecStop"}:         `a	[("/b" ["/b"] false 11 12 13 14 99 1 3)]`,
		{"V", "b.target", "Id"}:                `s	"b.target"`,
		{"V", "c.target", "Id"}:                `s	"c.target"`,
	}
	var got []string
	for _, f := range compare(systemd, other).findings {
		got = append(got, f.what+" "+f.member)
	}
	want := "differs org.x.Unit.Id, missing org.x.Unit.Stop, differs Before, differs ExecStop, " +
		"surplus org.x.Unit.More"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

func TestReadAccount(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a")
	text := "V\ta.service\tId\ts\t\"a\tb\"\nnothing\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := readAccount(file)
	if err != nil || fmt.Sprint(a) != "map[[V a.service Id]:s\t\"a\tb\"]" {
		t.Errorf("%v, %v", a, err)
	}
}

func TestParseMembers(t *testing.T) {
	lines, err := parseMembers(`<node><interface name="a.B">
		<method name="M"><arg name="x" type="s" direction="in"/></method>
		<property name="P" type="u" access="read"><annotation name="n" value="v"/></property>
		</interface></node>`)
	want := "a.B.M\tmethod   in:x:s|a.B.P\tproperty u read n=v"
	if s := strings.Join(lines, "|"); err != nil || s != want {
		t.Errorf("%q, %v", s, err)
	}
}
