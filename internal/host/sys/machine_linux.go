package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// The flags of mounts. mount(2).
const (
	MountNoSuid      = unix.MS_NOSUID
	MountNoExec      = unix.MS_NOEXEC
	MountNoDev       = unix.MS_NODEV
	MountStrictAtime = unix.MS_STRICTATIME
	MountReadOnly    = unix.MS_RDONLY
	MountRemount     = unix.MS_REMOUNT
	MountBind        = unix.MS_BIND
)

// Mount mounts a file system. mount(2).
func Mount(source, target, kind string, flags uintptr, data string) error {
	if err := unix.Mount(source, target, kind, flags, data); err != nil {
		return &os.PathError{Op: "mount " + kind, Path: target, Err: err}
	}
	return nil
}

// SetHostName sets the name of the machine. sethostname(2).
func SetHostName(name string) error {
	return os.NewSyscallError("sethostname", unix.Sethostname([]byte(name)))
}

// SetAttribute sets an extended attribute of a file. setxattr(2).
func SetAttribute(path, name, value string) error {
	return os.NewSyscallError("setxattr", unix.Setxattr(path, name, []byte(value), 0))
}

// Unmount unmounts a file system that is not in use, and follows no symlink.
// umount2(2).
func Unmount(target string) error {
	if err := unix.Unmount(target, unix.UMOUNT_NOFOLLOW); err != nil {
		return &os.PathError{Op: "unmount", Path: target, Err: err}
	}
	return nil
}

// Sync has everything written that waits for it. sync(2).
func Sync() { unix.Sync() }

// Ends are the ways to end the machine, by the verbs of systemctl(1).
var Ends = map[string]uint32{
	"halt":     unix.LINUX_REBOOT_CMD_HALT,
	"poweroff": unix.LINUX_REBOOT_CMD_POWER_OFF,
	"reboot":   unix.LINUX_REBOOT_CMD_RESTART,
	"kexec":    unix.LINUX_REBOOT_CMD_KEXEC,
}

// Reboot ends the machine, by one of Ends. As PID 1 of a pid namespace, it ends
// that. It returns only if that failed. reboot(2).
func Reboot(how uint32) error { return os.NewSyscallError("reboot", unix.Reboot(int(how))) }

// SendCtrlAltDel has the kernel send SIGINT to PID 1 for Ctrl-Alt-Del and reboot
// no more by itself.
func SendCtrlAltDel() error {
	return os.NewSyscallError("reboot", unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF))
}
