package cgroup

import (
	"os"
	"strconv"
	"strings"

	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// Unknown is a number that the kernel does not tell.
const Unknown = ^uint64(0)

// Usage tells what the kernel counts for a group of version 2, by its directory; "" is
// no group. What is not counted, for want of a controller, is Unknown.
type Usage string

// Memory is how many bytes of memory the group uses.
func (u Usage) Memory() uint64 { return u.number("memory.current") }

// Tasks is how many tasks are in the group.
func (u Usage) Tasks() uint64 { return u.number("pids.current") }

// CPUs are those that the group can use; none if nobody tells.
func (u Usage) CPUs() value.CPUSet { return u.set("cpuset.cpus.effective") }

// MemoryNodes are the nodes of memory that the group can use.
func (u Usage) MemoryNodes() value.CPUSet { return u.set("cpuset.mems.effective") }

func (u Usage) set(file string) value.CPUSet {
	set, err := value.ParseCPUSet(strings.TrimSpace(u.read(file)))
	if err != nil {
		return nil
	}
	return set
}

// CPU is how many nanoseconds of CPU time the group has used.
func (u Usage) CPU() uint64 {
	for line := range strings.Lines(u.read("cpu.stat")) {
		if rest, ok := strings.CutPrefix(line, "usage_usec "); ok {
			if n, err := strconv.ParseUint(strings.TrimSpace(rest), 10, 64); err == nil {
				return n * 1000
			}
		}
	}
	return Unknown
}

// IO sums up what the group has read and written, in bytes and in operations.
func (u Usage) IO() (readBytes, reads, writtenBytes, writes uint64) {
	text := u.read("io.stat")
	if text == "" {
		return Unknown, Unknown, Unknown, Unknown
	}
	for word := range strings.FieldsSeq(text) {
		key, number, _ := strings.Cut(word, "=")
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			continue
		}
		switch key {
		case "rbytes":
			readBytes += n
		case "rios":
			reads += n
		case "wbytes":
			writtenBytes += n
		case "wios":
			writes += n
		}
	}
	return readBytes, reads, writtenBytes, writes
}

// ID is the kernel's number for the group; 0 if there is none.
func (u Usage) ID() uint64 {
	if u == "" {
		return 0
	}
	info, err := os.Stat(string(u))
	if err != nil {
		return 0
	}
	return sys.Inode(info)
}

func (u Usage) number(file string) uint64 {
	n, err := strconv.ParseUint(strings.TrimSpace(u.read(file)), 10, 64)
	if err != nil {
		return Unknown
	}
	return n
}

func (u Usage) read(file string) string {
	if u == "" {
		return ""
	}
	var text [4096]byte // io.stat alone may be longer, with many disks
	n, err := sys.ReadSmall(string(u)+"/"+file, text[:])
	if err != nil {
		return ""
	}
	return string(text[:n])
}
