package graph

import (
	"path"
	"slices"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

// needMounts notes that the unit needs the file systems that hold the path.
func (e *edges) needMounts(p string) {
	if strings.HasPrefix(p, "/") && !slices.Contains(e.u.RequiresMountsFor, p) {
		e.u.RequiresMountsFor = append(e.u.RequiresMountsFor, p)
	}
}

// mounts ties the unit to the mount units for the paths that it needs and for
// the directories they are in. Without a unit file, a mount is only a thing to start
// after, if it is there: the root always is, and of others the mount table tells.
// systemd.unit(5), RequiresMountsFor=.
func (e *edges) mounts() {
	var done []string
	for _, p := range e.u.RequiresMountsFor {
		for p = path.Clean(p); !slices.Contains(done, p); p = path.Dir(p) {
			done = append(done, p)
			mount, err := name.FromPath(p, ".mount")
			switch {
			case err != nil || mount == e.u.Name || unit.IsSystemMount(p):
			case e.hasFile != nil && e.hasFile(mount):
				e.add(mount, unit.Requires, unit.After)
			case mount == "-.mount", e.Mounted != nil && e.Mounted(p):
				e.add(mount, unit.After)
			}
		}
	}
}

// where is the path a mount or automount unit is for.
func (e *edges) where(written string) string {
	if written != "" {
		return path.Clean(written)
	}
	p, _ := name.ToPath(e.u.Name)
	return p
}

// mount: systemd.mount(5), IMPLICIT DEPENDENCIES and DEFAULT DEPENDENCIES.
func (e *edges) mount() {
	m := e.u.Mount
	if m == nil {
		return
	}
	where := e.where(m.Where)
	if where != "" && where != "/" {
		e.needMounts(path.Dir(where))
	}
	isBind := m.IsBind()
	isNetwork := hasOption(m.Options, "_netdev") || networkFS[strings.TrimPrefix(m.FSType, "fuse.")]
	if isBind || hasOption(m.Options, "loop") || !isNetwork {
		e.needMounts(m.What)
	}
	if !isBind && where != "/" && m.What != "/dev/root" && m.What != "/dev/nfs" {
		e.mountDevice(m)
	}
	if !e.User && !isBind && !isNetwork &&
		hasOption(m.Options, "usrquota", "grpquota", "quota", "usrjquota", "grpjquota") {
		e.add("systemd-quotacheck.service", unit.Before, unit.Wants)
		e.add("quotaon.service", unit.Before, unit.Wants)
	}
	if !e.isForeign() {
		e.mountTargets(m, isNetwork)
	}
	if !e.u.Perpetual { // nobody runs mount(8) for the root
		e.exec()
	}
}

// mountTargets puts a mount between the targets of its kind.
func (e *edges) mountTargets(m *unit.Mount, isNetwork bool) {
	target := "local-fs.target"
	if isNetwork {
		target = "remote-fs.target"
		e.byDefault("remote-fs-pre.target", unit.After)
		e.byDefault("network.target", unit.After)
		e.byDefault("network-online.target", unit.Wants, unit.After)
	} else {
		e.byDefault("local-fs-pre.target", unit.After)
	}
	if !hasOption(m.Options, "nofail") {
		e.byDefault(target, unit.Before)
	}
	if m.FSType == "tmpfs" {
		e.byDefault("swap.target", unit.After) // so that swap is taken off later
	}
	e.shutdown("umount.target")
}

// mountDevice ties a mount to its block device. That the option
// x-systemd.device-bound= binds the two whatever its value is systemd 252's way.
func (e *edges) mountDevice(m *unit.Mount) {
	if hasOption(m.Options, "x-systemd.device-bound") {
		e.blockDevice(m.What, unit.BindsTo)
		return
	}
	e.blockDevice(m.What, unit.Requires, unit.StopPropagatedFrom)
}

func (e *edges) automount() {
	a := e.u.Automount
	if a == nil {
		return
	}
	if !e.User {
		e.byDefault("local-fs-pre.target", unit.After)
		e.byDefault("local-fs.target", unit.Before)
		e.shutdown("umount.target")
	}
	e.triggers("", ".mount")
	if where := e.where(a.Where); where != "" && where != "/" {
		e.needMounts(path.Dir(where))
	}
}

func (e *edges) swap() {
	s := e.u.Swap
	if s == nil {
		return
	}
	if !e.User && !e.Container {
		e.byDefault("swap.target", unit.Before)
		e.shutdown("umount.target")
	}
	e.needMounts(s.What)
	if isDevice(s.What) {
		e.blockDevice(s.What, unit.Requires)
	} else {
		e.add("systemd-remount-fs.service", unit.After) // the file may be on the root
	}
	e.exec()
}

// device ties the unit to a device unit, started first.
func (e *edges) device(node string, kinds ...unit.Dep) {
	if !e.Devices || !isDevice(node) {
		return
	}
	if device, err := name.FromPath(node, ".device"); err == nil {
		e.add(device, kinds...)
		e.add(device, unit.After)
	}
}

// blockDevice ties the unit to a device that others may be preparing.
func (e *edges) blockDevice(node string, kinds ...unit.Dep) {
	e.device(node, kinds...)
	if !e.Devices || !strings.HasPrefix(node, "/dev/") {
		return
	}
	instance, err := name.EscapePath(node)
	if err != nil {
		return
	}
	if target, err := name.WithInstance("blockdev@.target", instance); err == nil {
		e.add(target, unit.After)
	}
}

func isDevice(node string) bool {
	return strings.HasPrefix(node, "/dev/") || strings.HasPrefix(node, "/sys/")
}

// isForeign reports whether the unit is for something that the manager neither
// sets up nor takes down in the normal course: the mounts of the system itself
// and of the initial RAM disk, and all mounts and swaps in a user manager.
func (e *edges) isForeign() bool {
	if e.u.Mount == nil && e.u.Swap == nil {
		return false
	}
	if e.User || e.u.Mount == nil {
		return e.User
	}
	where := e.where(e.u.Mount.Where)
	switch where {
	case "/", "/usr", "/etc":
		return true
	}
	for _, dir := range [...]string{"/run/initramfs", "/run/nextroot", "/proc", "/sys", "/dev"} {
		if where == dir || strings.HasPrefix(where, dir+"/") {
			return true
		}
	}
	return hasOption(e.u.Mount.Options, "x-initrd.mount")
}

// networkFS are the types of file systems that need the network.
var networkFS = map[string]bool{
	"afs": true, "ceph": true, "cifs": true, "smb3": true, "smbfs": true, "sshfs": true,
	"ncpfs": true, "ncp": true, "nfs": true, "nfs4": true, "gfs": true, "gfs2": true,
	"glusterfs": true, "pvfs2": true, "ocfs2": true, "lustre": true, "davfs": true,
}

// hasOption reports whether a list of mount options has one of the names, with
// or without a value.
func hasOption(options string, names ...string) bool {
	for rest := options; rest != ""; {
		var option string
		option, rest, _ = strings.Cut(rest, ",")
		option, _, _ = strings.Cut(strings.TrimSpace(option), "=")
		if slices.Contains(names, option) {
			return true
		}
	}
	return false
}
