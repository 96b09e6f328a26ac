package client

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rouse/internal/face"
	"rouse/internal/unit/specifier"
)

// offline runs the command on a root directory, without a manager.
func offline(t *testing.T, root string, exec func([]string) (int, error), args ...string) string {
	t.Helper()
	var out bytes.Buffer
	status := Run(context.Background(), Env{
		Args: append([]string{"systemctl", "--root=" + root}, args...), Stdout: &out, Stderr: &out,
		Getenv: func(string) string { return "" },
		Dial: func(context.Context, bool, string) (face.Manager, error) {
			return nil, errors.New("nobody listens")
		},
		Root:  func(dir string) fs.ReadLinkFS { return os.DirFS(dir).(fs.ReadLinkFS) },
		Facts: func(string) *specifier.Machine { return &specifier.Machine{} },
		Exec:  exec,
	})
	text := strings.ReplaceAll(out.String(), root, "ROOT")
	if status != 0 {
		text += "status " + string(rune('0'+status)) + "\n"
	}
	return text
}

// write makes a file below a root directory.
func write(t *testing.T, root, p, text string) {
	t.Helper()
	at := filepath.Join(root, p)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const wanted = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=m.target\n"

// TestOffline: what systemctl --root= of systemd 252 prints, to the letter.
func TestOffline(t *testing.T) {
	root := t.TempDir()
	write(t, root, "usr/lib/systemd/system/a.service", wanted)
	write(t, root, "usr/lib/systemd/system/st.service", "[Service]\nExecStart=/bin/true\n")
	write(t, root, "usr/lib/systemd/system/m.target", "[Unit]\n")
	write(t, root, "usr/lib/systemd/user/u.service", wanted)
	for _, c := range []struct{ line, want string }{
		{"enable a", "Created symlink ROOT/etc/systemd/system/m.target.wants/a.service → " +
			"/usr/lib/systemd/system/a.service.\n"},
		{"-q enable st", ""},
		{"enable st", noInstallInfo + "\n"},
		{"mask a", "Created symlink ROOT/etc/systemd/system/a.service → /dev/null.\n"},
		{"is-enabled a", "masked\nstatus 1\n"},
		{"enable a", "Failed to enable unit, unit ROOT/etc/systemd/system/a.service is masked.\n" +
			"status 1\n"},
		{"unmask a", "Removed \"ROOT/etc/systemd/system/a.service\".\n"},
		{"disable /x/a.service", "Warning: Can't execute disable on the unit file path. " +
			"Proceeding with the unit name.\n" +
			"Removed \"ROOT/etc/systemd/system/m.target.wants/a.service\".\n"},
		{"mask a/b", "Failed to mask: Invalid argument.\nstatus 1\n"},
		{"enable a$b", "Invalid unit name \"a$b\" escaped as \"a\\x24b\" (maybe you should use " +
			"systemd-escape?).\nFailed to enable unit, unit a\\x24b.service does not exist.\nstatus 1\n"},
		{"set-default nope", "Failed to set default unit, unit nope.target does not exist.\nstatus 1\n"},
		{"set-default m", "Created symlink ROOT/etc/systemd/system/default.target → " +
			"/usr/lib/systemd/system/m.target.\n"},
		{"get-default", "m.target\n"},
		{"add-wants m a", "Created symlink ROOT/etc/systemd/system/m.target.wants/a.service → " +
			"/usr/lib/systemd/system/a.service.\n"},
		{"--global enable u", "Created symlink ROOT/etc/systemd/user/m.target.wants/u.service → " +
			"/usr/lib/systemd/user/u.service.\nUnit ROOT/usr/lib/systemd/user/u.service is added as a " +
			"dependency to a non-existent unit m.target.\n"},
		{"--user enable u", "Failed to enable: Invalid argument.\nstatus 1\n"},
		{"--preset-mode=x preset-all", "Failed to parse preset mode: x.\nstatus 1\n"},
		{"enable", "Too few arguments.\nstatus 1\n"},
	} {
		if got := offline(t, root, nil, strings.Fields(c.line)...); got != c.want {
			t.Errorf("%s:\n%swant:\n%s", c.line, got, c.want)
		}
	}
	want := "Failed to initialize unit search paths for root directory ROOT/none: " +
		"No such file or directory\nstatus 1\n"
	if got := offline(t, root, nil, "--root="+root+"/none", "enable", "a"); got != want {
		t.Errorf("without a root: %s", got)
	}
}

// TestSysV: init scripts are left to the program that knows them, with and without a unit
// file of that name.
func TestSysV(t *testing.T) {
	root := t.TempDir()
	write(t, root, "usr/lib/systemd/system/a.service", wanted)
	write(t, root, "usr/lib/systemd/system/m.target", "[Unit]\n")
	write(t, root, "etc/init.d/a", "")
	write(t, root, "etc/init.d/sv", "")
	const program = "/lib/systemd/systemd-sysv-install --root=ROOT"
	redirected := "sv.service is not a native service, redirecting to systemd-sysv-install.\n" +
		"Executing: " + program
	for _, c := range []struct {
		line   string
		status int
		want   string
	}{
		{"enable sv", 0, redirected + " enable sv\n"},
		{"enable a", 0, "Synchronizing state of a.service with SysV service script with " +
			"/lib/systemd/systemd-sysv-install.\nExecuting: " + program + " enable a\n" +
			"Created symlink ROOT/etc/systemd/system/m.target.wants/a.service → " +
			"/usr/lib/systemd/system/a.service.\n"},
		{"is-enabled sv", 0, redirected + " is-enabled sv\nenabled\n"},
		{"is-enabled sv", 1, redirected + " is-enabled sv\ndisabled\nstatus 1\n"},
		{"is-enabled a sv", 1, redirected + " is-enabled sv\ndisabled\nenabled\n"},
		{"disable sv a", 1, redirected + " disable sv\nstatus 1\n"},
		{"--quiet disable sv", 0, ""},
		{"mask sv", 0, "Created symlink ROOT/etc/systemd/system/sv.service → /dev/null.\n"},
	} {
		exec := func([]string) (int, error) { return c.status, nil }
		if got := offline(t, root, exec, strings.Fields(c.line)...); got != c.want {
			t.Errorf("%s:\n%swant:\n%s", c.line, got, c.want)
		}
	}
}

// TestEdit: what stands between the marks becomes the drop-in; with --full the whole file
// is edited; what is left empty changes nothing.
func TestEdit(t *testing.T) {
	root := t.TempDir()
	write(t, root, "usr/lib/systemd/system/a.service", wanted)
	shown := ""
	editor := func(text string) func([]string) (int, error) {
		return func(argv []string) (int, error) {
			at := argv[len(argv)-1]
			old, err := os.ReadFile(at)
			shown = strings.ReplaceAll(string(old), root, "ROOT")
			if err == nil && text != "" {
				text = strings.Replace(string(old), editMark+"\n", editMark+"\n"+text, 1)
			}
			return 0, os.WriteFile(at, []byte(text), 0o644)
		}
	}
	run := func(tty bool, exec func([]string) (int, error), args ...string) string {
		var out bytes.Buffer
		Run(context.Background(), Env{
			Args:   append([]string{"systemctl", "--root=" + root, "edit"}, args...),
			Stdout: &out, Stderr: &out, Terminal: tty, Exec: exec,
			Getenv: func(n string) string { return map[string]string{"EDITOR": "ed -x"}[n] },
			Root:   func(dir string) fs.ReadLinkFS { return os.DirFS(dir).(fs.ReadLinkFS) },
			Facts:  func(string) *specifier.Machine { return &specifier.Machine{} },
		})
		return strings.ReplaceAll(out.String(), root, "ROOT")
	}
	read := func(p string) string {
		text, _ := os.ReadFile(filepath.Join(root, p))
		return string(text)
	}
	if got := run(false, nil, "a"); got != "Cannot edit units if not on a tty.\n" {
		t.Errorf("without a terminal: %s", got)
	}
	const override = "etc/systemd/system/a.service.d/override.conf"
	if got := run(true, editor("[Unit]\nDescription=new\n"), "a"); got != "" {
		t.Errorf("edit: %s", got)
	}
	want := "### Editing ROOT/" + override + "\n" + editMark + "\n\n\n\n" + belowMark + "\n\n" +
		"### /usr/lib/systemd/system/a.service\n# [Service]\n# ExecStart=/bin/true\n# [Install]\n" +
		"# WantedBy=m.target\n"
	if shown != want {
		t.Errorf("shown:\n%swant:\n%s", shown, want)
	}
	if got := read(override); got != "[Unit]\nDescription=new\n" {
		t.Errorf("drop-in: %q", got)
	}
	want = "Editing \"ROOT/" + override + "\" canceled: temporary file is empty.\n"
	if got := run(true, editor(""), "a"); got != want || read(override) == "" {
		t.Errorf("left empty: %s", got)
	}
	run(true, func(argv []string) (int, error) {
		return 0, os.WriteFile(argv[len(argv)-1], []byte("[Service]\nExecStart=/x\n"), 0o644)
	}, "--full", "--force", "new")
	if got := read("etc/systemd/system/new.service"); got != "[Service]\nExecStart=/x\n" {
		t.Errorf("new unit file: %q", got)
	}
	want = "No files found for nope.service.\n" +
		"Run 'systemctl edit --force --full nope.service' to create a new unit.\n"
	if got := run(true, nil, "nope"); got != want {
		t.Errorf("without a file: %s", got)
	}
	if list, _ := filepath.Glob(filepath.Join(root, "etc/systemd/system/*/.#*")); len(list) > 0 {
		t.Errorf("left: %q", list)
	}
}

// TestRunlevel: the last record of a run level counts.
func TestRunlevel(t *testing.T) {
	root := t.TempDir()
	run := func() string {
		var out bytes.Buffer
		status := Run(context.Background(), Env{Args: []string{"/sbin/runlevel"}, Stdout: &out,
			Stderr: &out, Root: func(string) fs.ReadLinkFS { return os.DirFS(root).(fs.ReadLinkFS) }})
		return out.String() + string(rune('0'+status))
	}
	if got := run(); got != "unknown\n1" {
		t.Errorf("without utmp: %q", got)
	}
	records := ""
	for _, r := range []struct {
		kind   uint16
		levels uint32
	}{{1, '3'}, {2, 7}, {1, '3'<<8 | '5'}, {8, 9}} {
		record := make([]byte, utmpRecord)
		binary.NativeEndian.PutUint16(record, r.kind)
		binary.NativeEndian.PutUint32(record[4:], r.levels)
		records += string(record)
	}
	write(t, root, "run/utmp", records[:utmpRecord])
	if got := run(); got != "N 3\n0" {
		t.Errorf("at first: %q", got)
	}
	write(t, root, "run/utmp", records)
	if got := run(); got != "3 5\n0" {
		t.Errorf("later: %q", got)
	}
}
