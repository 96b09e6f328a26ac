package manager

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rouse/internal/host/spawn"
	"rouse/internal/unit"
	"rouse/internal/unit/load"
)

// Whatever a process fails of before it is what the unit wants, it ends with systemd's
// status, and one line names the setting and what the system says. The others of systemd's
// statuses are of what cannot be brought about here (memory, session, signal mask), of what
// is filtered before (a limit of 2:1), or not built (PAM).
func TestStatuses(t *testing.T) {
	rows := []struct {
		status         int
		lines, setting string
		root           bool // others fail of something else, or not at all
	}{
		{200, "WorkingDirectory=/no/dir", "WorkingDirectory", false},
		{202, "OpenFile=/no/file", "OpenFile", false},
		{203, "ExecStart=/no/program", "ExecStart", false},
		{203, "ExecStart=true\nExecStartPre=/no/program", "ExecStartPre", false},
		{208, "StandardInput=file:/no/file", "StandardInput", false},
		{209, "StandardOutput=file:/no/dir/file", "StandardOutput", false},
		{210, "RootDirectory=/no/dir\nMountAPIVFS=no", "RootDirectory", true},
		{215, "CPUAffinity=1023", "CPUAffinity", false},
		{216, "Group=ghosts", "Group", false},
		{216, "SupplementaryGroups=ghosts", "SupplementaryGroups", false},
		{217, "User=ghost", "User", false},
		{222, "StandardError=append:/no/dir/file", "StandardError", false},
		{225, "NetworkNamespacePath=/no/net", "NetworkNamespacePath", true},
		{226, "BindPaths=/no/dir", "BindPaths", true},
		{226, "ReadOnlyPaths=/no/dir", "ReadOnlyPaths", true},
		{226, "InaccessiblePaths=/no/dir", "InaccessiblePaths", true},
		{226, "TemporaryFileSystem=/etc:no=option", "TemporaryFileSystem", true},
		{226, "IPCNamespacePath=/no/ipc", "IPCNamespacePath", true},
		{226, "RootDirectory=/no/dir", "RootDirectory", true},
		{233, "RuntimeDirectory=file/x", "RuntimeDirectory", false},
		{238, "StateDirectory=file/x", "StateDirectory", false},
		{239, "CacheDirectory=file/x", "CacheDirectory", false},
		{240, "LogsDirectory=file/x", "LogsDirectory", false},
		{241, "ConfigurationDirectory=file/x", "ConfigurationDirectory", false},
		{242, "NUMAPolicy=bind\nNUMAMask=60", "NUMAPolicy", false},
		{243, "LoadCredential=a:/no/file", "LoadCredential", false},
		{243, "SetCredentialEncrypted=a:YQ==", "SetCredentialEncrypted", false},
		{243, "ImportCredential=secret.*", "ImportCredential", false},
	}
	units := map[string]string{}
	for i, r := range rows {
		text := "[Service]\nType=oneshot\n" + r.lines + "\n"
		if !strings.Contains(r.lines, "ExecStart=") {
			text += "ExecStart=true\n"
		}
		units[fmt.Sprintf("s%d.service", i)] = text
	}
	f := begin(t, units, func(c *Config, _ *load.Config) {
		places := t.TempDir()
		for kind := range unit.DirectoryKinds {
			base := filepath.Join(places, fmt.Sprint(kind))
			c.Bases[kind] = base
			if err := os.MkdirAll(base, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(base, "file"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		sealed := filepath.Join(places, "sealed")
		c.Credentials.Base, c.Credentials.Sealed = filepath.Join(places, "c"), []string{sealed}
		if err := os.Mkdir(sealed, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(sealed, "secret.a"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	for i, r := range rows {
		t.Run(fmt.Sprintf("%d %s", r.status, r.setting), func(t *testing.T) {
			if r.root && os.Geteuid() != 0 {
				t.Skip("needs root")
			}
			if _, err := os.Stat("/sys/devices/system/node"); r.status == 242 && err != nil {
				t.Skip("where the kernel shows no nodes, the policy is left out")
			}
			n := fmt.Sprintf("s%d.service", i)
			_ = f.job("start", n)
			kind := "ExecMainStatus"
			if r.setting != "ExecStartPre" && f.property(n, kind) != int32(r.status) {
				t.Errorf("%s: status %v", r.lines, f.property(n, kind))
			}
			name := spawn.StatusName(r.status)
			line := regexp.MustCompile(fmt.Sprintf(`%s: (start \S+: )?.*%s=.*: \S.* \(%d/%s\)`,
				regexp.QuoteMeta(n), r.setting, r.status, name))
			if !line.MatchString(f.log.String()) {
				t.Errorf("%s: no line says so", r.lines)
			}
		})
	}
}
