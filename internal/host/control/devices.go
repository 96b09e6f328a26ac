package control

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"

	"rouse/internal/host/cgroup"
	"rouse/internal/host/sys"
	"rouse/internal/host/sys/bpf"
	"rouse/internal/unit"
)

// What a process wants with a device, as the kernel's programs are told.
const (
	makeNode  = 1
	readNode  = 2
	writeNode = 4
	allAccess = makeNode | readNode | writeNode
)

// deviceRule allows something with some devices. -1 is any number.
type deviceRule struct {
	kind         sys.DeviceKind
	major, minor int64
	access       uint32
}

// alwaysThere are the devices of DevicePolicy=closed: those that every program may
// count on, pseudo-terminals, and the nodes that hide what is inaccessible. Their
// numbers are Linux's, Documentation/admin-guide/devices.txt.
var alwaysThere = [...]deviceRule{
	{sys.CharDevice, 1, 3, allAccess}, // null
	{sys.CharDevice, 1, 5, allAccess}, // zero
	{sys.CharDevice, 1, 7, allAccess}, // full
	{sys.CharDevice, 1, 8, allAccess}, // random
	{sys.CharDevice, 1, 9, allAccess}, // urandom
	{sys.CharDevice, 5, 0, allAccess}, // tty
	{sys.CharDevice, 5, 2, allAccess}, // ptmx
	{sys.CharDevice, 0, 0, allAccess},
	{sys.BlockDevice, 0, 0, allAccess},
	{sys.CharDevice, 136, -1, readNode | writeNode}, // pts
}

// devices adds the program that says which devices may be used, if any may not.
func (b *builder) devices() {
	policy := b.r.DevicePolicy
	if policy == unit.DeviceAuto && len(b.r.DeviceAllow) == 0 {
		return
	}
	var rules []deviceRule
	if policy != unit.DeviceStrict {
		rules = append(rules, alwaysThere[:]...)
	}
	for _, allow := range b.r.DeviceAllow {
		found, err := rulesOf(allow)
		if err != nil {
			b.Log("DeviceAllow=%s is left out: %v", allow.Path, err)
		}
		rules = append(rules, found...)
	}
	b.c.Programs = append(b.c.Programs, cgroup.Program{
		Name: "DevicePolicy", Type: bpf.DeviceUse, Place: bpf.Device, Code: deviceProgram(rules),
	})
}

// rulesOf finds the devices of a line of DeviceAllow=.
func rulesOf(allow unit.DeviceAllow) ([]deviceRule, error) {
	access := uint32(0)
	for i, c := range "mrw" {
		if strings.ContainsRune(allow.Access, c) {
			access |= 1 << i
		}
	}
	for prefix, kind := range map[string]sys.DeviceKind{
		"char-": sys.CharDevice, "block-": sys.BlockDevice,
	} {
		if pattern, ok := strings.CutPrefix(allow.Path, prefix); ok {
			return rulesNamed(kind, pattern, access)
		}
	}
	n, err := sys.DeviceOf(allow.Path)
	if err == nil && n.Kind == sys.NoDevice {
		err = fmt.Errorf("%s: not a device", allow.Path)
	}
	if err != nil {
		return nil, err
	}
	return []deviceRule{{n.Kind, int64(n.Major), int64(n.Minor), access}}, nil
}

// rulesNamed finds the devices of a driver: by number, or by a pattern for its name in
// /proc/devices.
func rulesNamed(kind sys.DeviceKind, pattern string, access uint32) ([]deviceRule, error) {
	if pattern == "*" {
		return []deviceRule{{kind, -1, -1, access}}, nil
	}
	if n, err := strconv.ParseUint(pattern, 10, 12); err == nil {
		return []deviceRule{{kind, int64(n), -1, access}}, nil
	}
	text, err := os.ReadFile("/proc/devices")
	if err != nil {
		return nil, err
	}
	var rules []deviceRule
	section := sys.NoDevice
	for line := range bytes.Lines(text) {
		switch number, driver, _ := strings.Cut(strings.TrimSpace(string(line)), " "); {
		case number == "Character":
			section = sys.CharDevice
		case number == "Block":
			section = sys.BlockDevice
		case section == kind:
			major, err := strconv.ParseUint(number, 10, 32)
			if ok, _ := path.Match(pattern, driver); ok && err == nil {
				rules = append(rules, deviceRule{kind, int64(major), -1, access})
			}
		}
	}
	return rules, nil
}

// deviceProgram allows what one of the rules allows. The context is what is wanted in
// the upper half of a word and the kind of device in the lower, then major and minor
// number.
func deviceProgram(rules []deviceRule) []uint64 {
	var a assembler
	a.op(opLoad, 2, 1, 0, 0)
	a.op(opMove, 3, 2, 0, 0)
	a.op(opAnd32, 2, 0, 0, 0xffff)
	a.op(opShift32, 3, 0, 0, 16)
	a.op(opLoad, 4, 1, 4, 0)
	a.op(opLoad, 5, 1, 8, 0)
	for _, r := range rules {
		kind := int32(2)
		if r.kind == sys.BlockDevice {
			kind = 1
		}
		next := []int{a.jump(opIfNot, 2, 0, kind)}
		if r.access != allAccess {
			a.op(opMove, 1, 3, 0, 0)
			a.op(opAnd32, 1, 0, 0, int32(r.access))
			next = append(next, a.jump(opIfNotSame, 1, 3, 0))
		}
		if r.major >= 0 {
			next = append(next, a.jump(opIfNot, 4, 0, int32(r.major)))
		}
		if r.minor >= 0 {
			next = append(next, a.jump(opIfNot, 5, 0, int32(r.minor)))
		}
		a.answer(1)
		a.land(next...)
	}
	a.answer(0)
	return a.code
}
