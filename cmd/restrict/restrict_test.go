package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"rouse/internal/host/identity"
)

// In a process that is started with this variable, the test program is restrict.
const asRestrict = "RESTRICT_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asRestrict) != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestRestrict(t *testing.T) {
	for _, c := range []struct {
		name    string
		args    []string
		out     string // exact
		err     string // part of it
		status  int
		root    bool
		notRoot bool
	}{
		{name: "nothing", args: []string{"echo", "a b", "-p"}, out: "a b -p\n"},
		{
			name: "limits",
			args: []string{
				"-p", "LimitNOFILE=100", "-p", "LimitCORE=0", "-p", "UMask=0077", "--",
				"sh", "-c", "ulimit -n; ulimit -c; umask",
			},
			out: "100\n0\n0077\n",
		},
		{
			name: "nice",
			args: []string{"-p", "Nice=5", "--", "sh", "-c", "cut -d' ' -f19 /proc/self/stat"},
			out:  "5\n",
		},
		{
			name: "one line",
			args: []string{"-p", "WorkingDirectory=/usr", "-cmd", `/bin/sh -c 'pwd; echo "$$HOME ${A}"'`},
			out:  "/usr\n/home/test b c\n",
		},
		{
			name: "environment",
			args: []string{
				"-p", "Environment=A=1 B=2", "-p", "UnsetEnvironment=B", "--", "sh", "-c", "echo $A$B",
			},
			out: "1\n",
		},
		{
			name: "not applied", args: []string{
				"-p", "StateDirectory=a", "-mem_max=5G", "-io_max", "/dev/no/disk 5M", "echo", "x",
			},
			out: "x\n",
			err: "restrict: StateDirectory=a: not applied: ",
		},
		{
			name: "short forms", args: []string{"-report", "-mem_max=5G", "true"},
			err: "restrict: MemoryMax=5G: ",
		},
		{
			name: "short forms", args: []string{"-io_max=/dev/no/disk riops=5", "true"},
			err: "restrict: IOReadIOPSMax=/dev/no/disk 5: not applied",
		},
		{
			name: "user", root: true,
			args: []string{
				"-p", "User=daemon", "-p", "SupplementaryGroups=3", "--",
				"sh", "-c", "id -u; id -G; echo $HOME",
			},
			out: "1\n1 3\n/usr/sbin\n",
		},
		{
			name: "another's user", args: []string{"-p", "User=daemon", "true"}, notRoot: true,
			status: 216,
			err: "restrict: SupplementaryGroups=: set supplementary groups: operation not permitted " +
				"(216/GROUP)",
		},
		{
			name: "nobody's user", args: []string{"-p", "User=ghost", "true"},
			status: 217, err: "restrict: User=: look up user ghost: unknown (217/USER)",
		},
		{
			name: "no program", args: []string{"/no/program"},
			status: 203, err: "restrict: exec /no/program: no such file or directory (203/EXEC)",
		},
		{
			name: "a filter that forbids to tell", args: []string{
				"-p", "SystemCallFilter=read", "/no/program",
			},
			status: 203, err: "restrict: exec /no/program: no such file or directory (203/EXEC)",
		},
		{
			name: "users of its own", args: []string{"-p", "PrivateUsers=yes", "echo", "x"}, out: "x\n",
			err: "restrict: PrivateUsers=yes: not applied: a process that has threads",
		},
		{
			name: "temporary files", args: []string{"-p", "PrivateTmp=yes", "echo", "x"}, out: "x\n",
			err: "restrict: PrivateTmp=yes: ",
		},
		{
			name: "no directory", args: []string{"-p", "WorkingDirectory=/no/dir", "true"},
			status: 200,
			err:    "restrict: WorkingDirectory=: chdir /no/dir: no such file or directory (200/CHDIR)",
		},
		{
			name: "report", args: []string{"-report", "-p", "Nice=5", "echo", "x"}, out: "x\n",
			err: "restrict: Nice=5: applied\n",
		},
		{
			name: "strict", args: []string{
				"-enforce=strict", "-p", "StateDirectory=a", "echo", "x",
			},
			status: 219, err: "restrict: StateDirectory=a: not applied: this is for a service manager",
		},
		{
			name: "strict and whole", args: []string{"-enforce=strict", "-p", "Nice=5", "echo", "x"},
			out: "x\n",
		},
		{
			name: "bad mode", args: []string{"-enforce=maybe", "true"},
			status: 2, err: "not strict or best-effort",
		},
		{
			name: "implied", args: []string{"-report", "-p", "ProtectClock=yes", "true"},
			err: "restrict: CapabilityBoundingSet: ",
		},
		{
			name: "the root's device", args: []string{"-report", "-io_max=10G/s", "true"},
			err: "restrict: IOReadBandwidthMax=/ 10G: ",
		},
		{name: "no command", status: 2, err: "restrict: no command"},
		{name: "empty command", args: []string{""}, status: 2, err: "restrict: the command is an empty"},
		{name: "nothing left", args: []string{"-cmd", "$NO"}, status: 2, err: "leave nothing"},
		{name: "two commands", args: []string{"-cmd", "a", "b"}, status: 2, err: "both -cmd and"},
		{name: "bad line", args: []string{"-cmd", "'a"}, status: 2, err: "restrict: -cmd 'a: "},
		{name: "many", args: []string{"-cmd", "/a ; /b"}, status: 2, err: "2 commands, not one"},
		{name: "no value", args: []string{"-p", "Nice", "true"}, status: 2, err: "not NAME=VALUE"},
		{
			name: "bad value", args: []string{"-p", "Nice=99", "true"},
			status: 2, err: "restrict: Nice=99: ",
		},
		{
			name: "unknown", args: []string{"-p", "Mice=1", "true"},
			status: 2, err: "restrict: Mice=1: unknown setting",
		},
		{name: "bad io", args: []string{"-io_max=/dev/sda x=1", "true"}, status: 2, err: "x: not one of"},
		{name: "help", args: []string{"-help"}, err: "Usage: restrict"},
	} {
		t.Run(c.name, func(t *testing.T) {
			switch {
			case c.root && os.Geteuid() != 0:
				t.Skip("needs root")
			case c.notRoot && os.Geteuid() == 0:
				t.Skip("needs to be without privileges")
			}
			cmd := exec.Command(os.Args[0], c.args...)
			cmd.Env = []string{asRestrict + "=1", "PATH=/usr/bin:/bin", "HOME=/home/test", "A=b c"}
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			if got := cmd.ProcessState.ExitCode(); got != c.status {
				t.Errorf("status %d, want %d", got, c.status)
			}
			if stdout.String() != c.out {
				t.Errorf("output %q, want %q", stdout.String(), c.out)
			}
			got := stderr.String()
			if !strings.Contains(got, c.err) || c.err == "" && got != "" {
				t.Errorf("errors %q, want %q", got, c.err)
			}
		})
	}
}

func TestIOMax(t *testing.T) {
	l, err := parse([]string{"-io_max", "/dev/sda 5M wiops=7", "true"}, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range l.properties {
		got = append(got, a.Name+"="+a.Value)
	}
	want := "IOReadBandwidthMax=/dev/sda 5M,IOWriteBandwidthMax=/dev/sda 5M,IOWriteIOPSMax=/dev/sda 7"
	if s := strings.Join(got, ","); s != want {
		t.Errorf("%s, want %s", s, want)
	}
}

// No command line makes it panic.
func FuzzLine(f *testing.F) {
	f.Add("-p\nNice=5\n-cmd\n/bin/sh -c 'a b' $X")
	f.Add("-io_max\n/dev/sda 5M\n-mem_max=5G\n--\na\nb")
	users := identity.New(f.TempDir())
	f.Fuzz(func(t *testing.T, text string) {
		l, err := parse(strings.Split(text, "\n"), &bytes.Buffer{})
		if err != nil {
			return
		}
		j, err := l.resolve([]string{"PATH=/bin"}, users)
		if err == nil && (j.request.Command.Path == "" || len(j.request.Command.Argv) == 0) {
			t.Errorf("%q: %+v", text, j.request.Command)
		}
	})
}
