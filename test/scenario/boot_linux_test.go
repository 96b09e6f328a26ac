package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// booted is a manager that is PID 1 of namespaces of its own, over this machine's root
// file system, of which it changes only what is thrown away.
type booted struct {
	dir, group string
	cmd        *exec.Cmd
	stage      *stage
	done       chan struct{}
}

// inside is where the machine sees the folder that is shared with it.
const inside = "/scenario"

const systemPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// inits are the ways to boot a manager. Its units, and no others, are the scenario's.
var inits = map[string][]string{
	"systemd": {"/lib/systemd/systemd", "systemd.unit=default.target"},
	"roused":  roused,
	// As on Linux 4.19, with regard to the system calls there are.
	"old": append([]string{inside + "/restrict", "-p", "SystemCallErrorNumber=ENOSYS", "-p",
		"SystemCallFilter=~" + newCalls, "--"}, roused...),
}

var roused = []string{inside + "/roused", "--unit=default.target", "--log-target=console"}

// newCalls came with Linux 5 and 6, and are of use to a manager.
const newCalls = "clone3 close_range epoll_pwait2 faccessat2 fchmodat2 fsconfig fsmount fsopen" +
	" fspick mount_setattr move_mount open_tree openat2 pidfd_getfd pidfd_open" +
	" pidfd_send_signal process_madvise"

func startBooted(tools, init string) (machine, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("-init: needs root")
	}
	if inits[init] == nil {
		return nil, fmt.Errorf("-init %s: not one of roused, old, systemd", init)
	}
	dir, err := os.MkdirTemp("", "sc")
	if err != nil {
		return nil, err
	}
	m := &booted{dir: dir, done: make(chan struct{})}
	if m.group, err = makeGroup(filepath.Base(dir)); err != nil {
		return nil, err
	}
	base, err := m.furnish(tools)
	if err != nil {
		return nil, err
	}
	m.stage = &stage{
		Dir: "/run/s", Units: inside + "/units", Act: inside + "/self act", Base: base,
		Env: []string{"LANG=C.UTF-8", "SYSTEMD_PAGER=", "SYSTEMD_COLORS=0"}, Path: "/usr/bin/systemctl",
	}
	if init != "systemd" {
		m.stage.Path = inside + "/systemctl"
	}
	if err := m.boot(inits[init]); err != nil {
		return nil, err
	}
	if err := m.ready(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, m.end())
	}
	return m, nil
}

// makeGroup makes a control group that becomes the root of the machine's.
func makeGroup(name string) (string, error) {
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", err
	}
	for l := range strings.Lines(string(text)) {
		if f := strings.Fields(l); len(f) > 2 && f[2] == "cgroup2" {
			dir := filepath.Join(f[1], name)
			return dir, os.Mkdir(dir, 0o755)
		}
	}
	return "", errors.New("-init: no cgroup2 file system is mounted")
}

// furnish fills the folder that is shared with the machine.
func (m *booted) furnish(tools string) (base []string, err error) {
	for _, d := range []string{"root", "layers", "share", "share/units"} {
		if err := os.Mkdir(filepath.Join(m.dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	if err := os.Chmod(m.dir, 0o755); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	for from, to := range map[string]string{
		self: "self", filepath.Join(tools, "roused"): "roused",
		filepath.Join(tools, "rouse"): "systemctl", filepath.Join(tools, "restrict"): "restrict",
		filepath.Join(tools, "rouse-pam"): "rouse-pam",
	} {
		if err := copyProgram(from, filepath.Join(m.dir, "share", to)); err != nil {
			return nil, err
		}
	}
	return writeBase(filepath.Join(m.dir, "share/units"))
}

func copyProgram(from, to string) error {
	// A process forked off now would hold the file open, and it could not be executed.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func (m *booted) boot(init []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(m.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	m.cmd = exec.Command(self, append([]string{"boot", m.dir, m.group}, init...)...)
	m.cmd.Stdout, m.cmd.Stderr = log, log
	m.cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
			unix.CLONE_NEWNET,
		Pdeathsig: syscall.SIGKILL, Setsid: true,
	}
	if err := m.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = m.cmd.Wait()
		close(m.done)
	}()
	return nil
}

// enter is a command inside of the machine.
func (m *booted) enter(args ...string) *exec.Cmd {
	pid := strconv.Itoa(m.cmd.Process.Pid)
	cmd := exec.Command("nsenter", append([]string{"-t", pid, "-m", "-u", "-i", "-n", "-p", "-C",
		"-r", "-w", inside + "/self"}, args...)...)
	cmd.Env = []string{systemPath, "HOME=/root"}
	cmd.WaitDelay = time.Second
	return cmd
}

// drive plays inside; each gets the lines of every step.
func (m *booted) drive(sc *scenario, each func([]string)) error {
	in, err := json.Marshal(map[string]any{"Stage": m.stage, "Scenario": sc})
	if err != nil {
		return err
	}
	cmd := m.enter("drive", sc.Name)
	cmd.Stdin = bytes.NewReader(in)
	var fault bytes.Buffer
	cmd.Stderr = &fault
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	late := time.AfterFunc(8*patience, func() { cmd.Process.Kill() })
	defer late.Stop()
	for steps := json.NewDecoder(out); ; {
		var lines []string
		if err := steps.Decode(&lines); err != nil {
			break
		}
		each(lines)
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, fault.String())
	}
	return nil
}

// ready waits until the manager is up: a scenario of no units tells.
func (m *booted) ready() error {
	// Until the roots have been exchanged there is no program to enter with.
	var ended error
	if err := await(patience, func() bool {
		select {
		case <-m.done:
			ended = fmt.Errorf("the machine ended: %v", m.cmd.ProcessState)
			return true
		default:
		}
		_, err := os.Stat(fmt.Sprintf("/proc/%d/root%s/self", m.cmd.Process.Pid, inside))
		return err == nil
	}); err != nil || ended != nil {
		if ended != nil {
			return ended
		}
		return fmt.Errorf("the machine has no root: %w", err)
	}
	return m.drive(&scenario{}, func([]string) {})
}

func (m *booted) play(sc *scenario) (got [][]string, err error) {
	err = m.drive(sc, func(lines []string) { got = append(got, lines) })
	if err != nil || !sc.ends() {
		return got, err
	}
	dir := fmt.Sprintf("/proc/%d/root%s", m.cmd.Process.Pid, m.stage.Dir)
	end, err := ending(sc, dir, m.done, m.cmd)
	return append(got, end), err
}

func (m *booted) end() string {
	_ = m.cmd.Process.Kill() // with PID 1 all others go
	<-m.done
	text, err := os.ReadFile(filepath.Join(m.dir, "log"))
	if err != nil {
		return err.Error()
	}
	if err := await(patience, func() bool { return removeGroups(m.group) }); err != nil {
		return fmt.Sprintf("%s: not removed: %v\n%s", m.group, err, text)
	}
	if err := os.RemoveAll(m.dir); err != nil {
		return err.Error()
	}
	return string(text)
}

// removeGroups removes a control group and those below it.
func removeGroups(dir string) bool {
	list, err := os.ReadDir(dir)
	if err != nil {
		return errors.Is(err, os.ErrNotExist)
	}
	for _, e := range list {
		if e.IsDir() && !removeGroups(filepath.Join(dir, e.Name())) {
			return false
		}
	}
	return unix.Rmdir(dir) == nil
}

// bootInside makes the machine's world out of new namespaces and becomes its init:
// DIR GROUP INIT ARGUMENT...
func bootInside(args []string) int {
	runtime.LockOSThread()
	if err := world(args[0], args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "boot: %v\n", err)
		return 1
	}
	env := []string{
		systemPath, "TERM=linux",
		"container=scenario", "SYSTEMD_UNIT_PATH=" + inside + "/units",
		"SYSTEMD_GENERATOR_PATH=/none", "SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/none",
	}
	fmt.Fprintf(os.Stderr, "boot: %v\n", unix.Exec(args[2], args[2:], env))
	return 1
}

// A mounting is one mount below the machine's root.
type mounting struct {
	what, at, kind string
	flags          uintptr
	data           string
}

// world mounts everything and changes into it.
func world(dir, group string) error {
	if err := os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte("0"), 0); err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	root, layers := filepath.Join(dir, "root"), filepath.Join(dir, "layers")
	const plain = unix.MS_NOSUID | unix.MS_NODEV
	list := []mounting{
		{"tmpfs", layers, "tmpfs", 0, "mode=755"},
		{"overlay", root, "overlay", 0,
			"lowerdir=/,upperdir=" + layers + "/upper,workdir=" + layers + "/work"},
		{"proc", root + "/proc", "proc", plain | unix.MS_NOEXEC, ""},
		{"sysfs", root + "/sys", "sysfs", plain | unix.MS_NOEXEC | unix.MS_RDONLY, ""},
		{"cgroup2", root + "/sys/fs/cgroup", "cgroup2", plain | unix.MS_NOEXEC, ""},
		{"tmpfs", root + "/run", "tmpfs", unix.MS_NOSUID, "mode=755"},
		{"tmpfs", root + "/tmp", "tmpfs", plain, "mode=1777"},
		{"tmpfs", root + "/dev", "tmpfs", unix.MS_NOSUID, "mode=755"},
		{"devpts", root + "/dev/pts", "devpts", unix.MS_NOSUID, "newinstance,ptmxmode=0666"},
		{"tmpfs", root + "/dev/shm", "tmpfs", plain, "mode=1777"},
		{"mqueue", root + "/dev/mqueue", "mqueue", plain, ""},
		{filepath.Join(dir, "share"), root + inside, "", unix.MS_BIND, ""},
	}
	for _, m := range list {
		if err := os.MkdirAll(m.at, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.what, m.at, m.kind, m.flags, m.data); err != nil {
			return fmt.Errorf("mount %s: %w", m.at, err)
		}
		if m.at == layers {
			for _, d := range []string{"/upper", "/work"} {
				if err := os.Mkdir(layers+d, 0o755); err != nil {
					return err
				}
			}
		}
	}
	if err := devices(root + "/dev"); err != nil {
		return err
	}
	// Managers set the name of the machine from the file.
	if err := unix.Sethostname([]byte("scenario")); err != nil {
		return err
	}
	if err := os.WriteFile(root+"/etc/hostname", []byte("scenario\n"), 0o644); err != nil {
		return err
	}
	return enterRoot(root)
}

// devices makes the few device nodes that programs expect.
func devices(dir string) error {
	for n, minor := range map[string]uint32{
		"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9,
	} {
		at := filepath.Join(dir, n)
		if err := unix.Mknod(at, unix.S_IFCHR|0o666, int(unix.Mkdev(1, minor))); err != nil {
			return fmt.Errorf("mknod %s: %w", at, err)
		}
		if err := os.Chmod(at, 0o666); err != nil {
			return err
		}
	}
	for n, to := range map[string]string{
		"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx",
	} {
		if err := os.Symlink(to, filepath.Join(dir, n)); err != nil {
			return err
		}
	}
	return nil
}

// enterRoot makes root the only one there is. What could reach beyond the
// namespaces, the clock and the keys of the kernel, stays out of reach.
func enterRoot(root string) error {
	keys := root + "/proc/sysrq-trigger"
	if err := unix.Mount(keys, keys, "", unix.MS_BIND, ""); err == nil {
		flags := uintptr(unix.MS_BIND | unix.MS_REMOUNT | unix.MS_RDONLY)
		if err := unix.Mount("", keys, "", flags, ""); err != nil {
			return err
		}
	}
	if err := unix.Chdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_SHARED|unix.MS_REC, ""); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_TIME, 0, 0, 0)
}

// monotonic is the clock of MONOTONIC_USEC=.
func monotonic() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0
	}
	return t.Nano() / 1000
}
