package sandbox

import (
	"fmt"
	"io/fs"
)

// nodes are the devices of a private /dev, by their numbers, which never change.
var nodes = []struct {
	name         string
	major, minor uint32
}{
	{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9},
	{"tty", 5, 0},
}

// devLinks are its symlinks.
var devLinks = []struct{ name, to string }{
	{"log", "/run/systemd/journal/dev-log"}, {"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
}

// devMounts are what it has of the host's; shared memory and terminals must be there.
var devMounts = []struct {
	name     string
	mode     uint32
	optional bool
}{
	{"pts", 0o755, false}, {"shm", 0o1777, false}, {"mqueue", 0o755, true},
	{"hugepages", 0o755, true},
}

// privateDev plans a /dev in which there is nothing to break.
func (b *builder) privateDev(e *entry) {
	const flags = FlagNoSUID | FlagStrictAtime | FlagNoExec
	dev := e.path
	b.mkdir(e, dev)
	b.detach(e)
	b.step(e, Step{
		Do: Mount, Path: dev, Source: "tmpfs", Type: "tmpfs", Options: "mode=0755" + devFiles,
		Flags: flags,
	})
	b.tree = b.tree.mount(dev, "tmpfs", flags)
	var names []string
	for _, m := range devMounts {
		host := "/dev/" + m.name
		if l := b.all.look(host); l.err != nil {
			if !m.optional {
				b.fail(e, host, l.err)
			}
			continue
		}
		names = append(names, m.name)
		at := dev + "/" + m.name
		b.step(e, Step{Do: Mkdir, Path: at, Mode: m.mode})
		b.step(e, Step{
			Do: Mount, Path: at, Source: host, Flags: FlagBind, Optional: m.optional,
		})
		b.tree = b.tree.bind(b.host, host, at, false)
	}
	b.step(e, Step{Do: Mkdir, Path: dev + "/char", Mode: 0o755})
	names = append(names, b.ptmx(e)...)
	for _, l := range devLinks {
		b.step(e, Step{Do: Symlink, Path: dev + "/" + l.name, Source: l.to})
		names = append(names, l.name)
	}
	for _, n := range nodes {
		b.device(e, n.name, n.major, n.minor)
		names = append(names, n.name)
	}
	b.view.showsOnly(dev, "/dev", append(names, "char"))
}

// ptmx makes the node that gives terminals, as the host has it.
func (b *builder) ptmx(e *entry) []string {
	l := b.all.look("/dev/ptmx")
	switch {
	case l.err != nil:
		return nil
	case l.mode&fs.ModeSymlink != 0:
		b.step(e, Step{Do: Symlink, Path: e.path + "/ptmx", Source: l.link})
	default:
		b.device(e, "ptmx", 5, 2)
	}
	return []string{"ptmx"}
}

// device makes a node, or mounts the host's where nodes cannot be made.
func (b *builder) device(e *entry, name string, major, minor uint32) {
	host := "/dev/" + name
	if b.all.look(host).err != nil {
		return
	}
	at := e.path + "/" + name
	b.step(e, Step{
		Do: Node, Path: at, Mode: 0o666, Device: major<<8 | minor,
		Else: []Step{
			{Do: Touch, Path: at, Mode: 0o666},
			{Do: Mount, Path: at, Source: host, Flags: FlagBind},
		},
	})
	b.step(e, Step{
		Do: Symlink, Path: e.path + "/char/" + fmt.Sprintf("%d:%d", major, minor),
		Source: "../" + name,
	})
}
