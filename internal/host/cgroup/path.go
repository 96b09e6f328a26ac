package cgroup

import "strings"

// rootSlice is the slice at the root.
const rootSlice = "-.slice"

// unitPath gives the path of a unit's group below the root, without a slash
// before it: "system.slice/system-getty.slice/getty@tty1.service". A slice is
// below the slices its own name tells, whatever slice is given; -.slice is "".
func unitPath(unit, slice string) string {
	if strings.HasSuffix(unit, ".slice") {
		return slicePath(unit)
	}
	if slice == "" {
		slice = rootSlice
	}
	dir := slicePath(slice)
	if dir == "" {
		return escape(unit)
	}
	return dir + "/" + escape(unit)
}

// SlicePath gives the path of a slice's group below the root, without a slash before it.
func SlicePath(slice string) string { return slicePath(slice) }

// slicePath gives the path of a slice: "a-b.slice" is "a.slice/a-b.slice".
// systemd.slice(5).
func slicePath(slice string) string {
	if slice == rootSlice {
		return ""
	}
	stem := strings.TrimSuffix(slice, ".slice")
	var b strings.Builder
	for i := range len(stem) {
		if stem[i] == '-' {
			b.WriteString(escape(stem[:i] + ".slice"))
			b.WriteByte('/')
		}
	}
	b.WriteString(escape(stem + ".slice"))
	return b.String()
}

// controllers are the prefixes of the kernel's own files in a group.
var controllers = []string{
	"blkio", "cgroup", "cpu", "cpuacct", "cpuset", "devices", "freezer", "hugetlb", "io",
	"memory", "misc", "net_cls", "net_prio", "perf_event", "pids", "rdma",
}

// escape puts "_" before names that the kernel uses for files of its own in a
// group, and before names that begin with "_" already.
func escape(name string) string {
	switch {
	case name == "", name[0] == '_', name[0] == '.',
		name == "notify_on_release", name == "release_agent", name == "tasks":
		return "_" + name
	}
	for _, c := range controllers {
		if strings.HasPrefix(name, c+".") {
			return "_" + name
		}
	}
	return name
}
