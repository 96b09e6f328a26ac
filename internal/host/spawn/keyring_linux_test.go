package spawn

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"rouse/internal/unit"
)

const testInvocation = "00112233445566778899aabbccddeeff"

// keyProbe is what the tester prints of its session keyring when it is started as a
// service: whose it is, and the invocation in it.
func keyProbe() { fmt.Println(sessionKeys()) }

func sessionKeys() string {
	var text [256]byte
	n, err := unix.KeyctlBuffer(unix.KEYCTL_DESCRIBE, unix.KEY_SPEC_SESSION_KEYRING, text[:], 0)
	if err != nil {
		return "describe: " + err.Error()
	}
	described := strings.TrimRight(string(text[:n]), "\x00")
	id, err := unix.KeyctlSearch(unix.KEY_SPEC_SESSION_KEYRING, "user", "invocation_id", 0)
	if err != nil {
		return described + " search: " + err.Error()
	}
	n, err = unix.KeyctlBuffer(unix.KEYCTL_READ, id, text[:], 0)
	if err != nil {
		return described + " read: " + err.Error()
	}
	const digits = "0123456789abcdef"
	hex := ""
	for _, b := range text[:n] {
		hex += string(digits[b>>4]) + string(digits[b&15])
	}
	return described + " " + hex
}

// A session keyring of its own has the invocation in it.
func TestKeyring(t *testing.T) {
	if _, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, true); err != nil {
		t.Skip(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[unit.KeyringMode]string{
		unit.KeyringPrivate: testInvocation, unit.KeyringShared: testInvocation,
		unit.KeyringInherit: "search: ",
	} {
		everyMeans(t, func(t *testing.T, s *Spawner) {
			r := sh("")
			r.Command.Path, r.Command.Argv = self, []string{self, "--probe", "keyring"}
			r.Exec.Keyring, r.Invocation = mode, testInvocation
			got := do(t, s, r)
			if got.err != nil || !strings.Contains(got.out, want) {
				t.Errorf("%v: %+v", mode, got)
			}
		})
	}
}

// A session keyring belongs to the user of the service, and nothing of that user's is
// in it unless it is shared.
func TestKeyringOwner(t *testing.T) {
	needRoot(t)
	if !exists("/proc/keys") {
		t.Skip("no /proc/keys")
	}
	everyMeans(t, func(t *testing.T, s *Spawner) {
		r := sh("grep -e ' keyring *_ses' -e ' user *invocation_id' /proc/keys; id -ru; id -rg")
		r.Exec.Keyring, r.Exec.User, r.Invocation = unit.KeyringPrivate, "daemon", testInvocation
		got := do(t, s, r)
		if got.err != nil {
			t.Fatal(got.err)
		}
		lines := strings.Split(strings.TrimSpace(got.out), "\n")
		if len(lines) == 2 {
			t.Skip("keyrings are not permitted here")
		}
		for _, line := range lines[:len(lines)-2] {
			f := strings.Fields(line)
			if len(f) > 6 && f[7] == "keyring" && (f[5] != "1" || f[6] != "1") {
				t.Errorf("the keyring is not the user's: %s", line)
			}
		}
		if !strings.HasSuffix(got.out, "\n1\n1\n") || !strings.Contains(got.out, "invocation_id") {
			t.Errorf("%q", got.out)
		}
	})
}

// Where no keyring can be made, the user and group that it was to belong to are put
// back all the same.
func TestNoKeyring(t *testing.T) {
	needRoot(t)
	s := &Spawner{}
	s.once.Do(s.prepare)
	r := sh("id -ru; id -rg")
	r.Exec.Keyring, r.Exec.User, r.Invocation = unit.KeyringShared, "daemon", testInvocation
	p, err := s.newPlanner(r)
	if err != nil {
		t.Fatal(err)
	}
	if e := p.identify(); e != nil {
		t.Fatal(e)
	}
	p.keyring()
	for i := range p.steps[0].calls {
		if c := &p.steps[0].calls[i]; c.nr == unix.SYS_KEYCTL {
			c.args[0] = num(1 << 20) // fails as if it were forbidden
			break
		}
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	p.r.Stdout = int(write.Fd())
	p.descriptors()
	p.exec()
	pr, failed, err := s.start(p.plan, func(Process) {})
	write.Close()
	if failed != nil || err != nil {
		t.Fatal(failed, err)
	}
	out, err := io.ReadAll(read)
	if wait(t, pr) != 0 || err != nil || string(out) != "0\n0\n" {
		t.Errorf("%q, %v", out, err)
	}
}
