package sys

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// OpenPath opens a directory for the calls that take one by descriptor, and for
// nothing else. open(2), O_PATH.
func OpenPath(path string) (fd int, err error) {
	fd, err = unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
}

// The calls of mount(2) for file systems that are nowhere yet are there since Linux 5.2,
// mount_setattr(2) since 5.12. Without the latter a mount is made read-only where it is.

// NewFileSystem makes a file system of that type, in memory, and gives its root, which
// is nowhere in the tree. Nothing in it can be executed.
func NewFileSystem(kind string, options ...string) (root *os.File, err error) {
	fail := func(err error) (*os.File, error) {
		return nil, fmt.Errorf("make a file system %s: %w", kind, err)
	}
	fs, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return fail(err)
	}
	defer unix.Close(fs)
	_ = unix.FsconfigSetString(fs, "source", kind) // only what the mount table shows
	for i := 0; i+1 < len(options); i += 2 {
		if err := unix.FsconfigSetString(fs, options[i], options[i+1]); err != nil {
			return fail(err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return fail(err)
	}
	const attrs = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, attrs)
	if err != nil {
		return fail(err)
	}
	return os.NewFile(uintptr(fd), kind), nil
}

// PutFileSystem mounts what NewFileSystem made, read-only.
func PutFileSystem(root *os.File, path string) error {
	attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	late := false
	err := OnFile(root, func(fd int) error {
		err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, attr)
		if late = errors.Is(err, unix.ENOSYS); err != nil && !late {
			return err
		}
		return unix.MoveMount(fd, "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH)
	})
	if err == nil && late {
		return MakeReadOnly(path)
	}
	if err != nil {
		return fmt.Errorf("mount on %s: %w", path, err)
	}
	return nil
}

// memoryFlags are those of file systems in memory, as mount(2) has them.
const memoryFlags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// MountFileSystem makes a file system as NewFileSystem does, at a path.
func MountFileSystem(path, kind string, options ...string) error {
	var words []string
	for i := 0; i+1 < len(options); i += 2 {
		words = append(words, options[i]+"="+options[i+1])
	}
	return Mount(kind, path, kind, memoryFlags, strings.Join(words, ","))
}

// MakeReadOnly has nobody write to what is mounted at a path.
func MakeReadOnly(path string) error {
	return Mount("", path, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|memoryFlags, "")
}

// Writable opens a mounted file system by a way to write to it that nobody else has.
func Writable(path string) (root *os.File, err error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	attr := &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, attr); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("have %s writable: %w", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// DetachMount unmounts what is mounted at a path, as soon as nobody uses it any more.
func DetachMount(path string) error {
	return unix.Unmount(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
}

// IsMount reports whether a directory is where a file system is mounted.
func IsMount(path string) bool {
	var stat unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, 0, &stat); err != nil {
		return false
	}
	if stat.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT != 0 {
		return stat.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
	}
	var here, above unix.Stat_t // before Linux 5.8
	return unix.Lstat(path, &here) == nil && unix.Lstat(filepath.Dir(path), &above) == nil &&
		here.Dev != above.Dev
}

// The entries of an access control list. acl(5).
const (
	aclVersion = 2
	aclOwner   = 0x01
	aclUser    = 0x02
	aclGroup   = 0x04
	aclMask    = 0x10
	aclOther   = 0x20
	aclNobody  = 1<<32 - 1
)

// Grant has a user, besides the owner, read a file, and none else; or list a directory.
func Grant(f *os.File, uid int, directory bool) error {
	perm := uint16(4)
	if directory {
		perm = 5
	}
	acl := binary.LittleEndian.AppendUint32(nil, aclVersion)
	for _, e := range []struct {
		tag, perm uint16
		id        uint32
	}{
		{aclOwner, perm, aclNobody}, {aclUser, perm, uint32(uid)}, {aclGroup, 0, aclNobody},
		{aclMask, perm, aclNobody}, {aclOther, 0, aclNobody},
	} {
		acl = binary.LittleEndian.AppendUint16(acl, e.tag)
		acl = binary.LittleEndian.AppendUint16(acl, e.perm)
		acl = binary.LittleEndian.AppendUint32(acl, e.id)
	}
	err := OnFile(f, func(fd int) error {
		// Not by fsetxattr: the descriptor may be one that only stands for a path.
		return unix.Setxattr("/proc/self/fd/"+strconv.Itoa(fd), "system.posix_acl_access", acl, 0)
	})
	if err != nil {
		return fmt.Errorf("grant access to %s: %w", f.Name(), err)
	}
	return nil
}
