package condition

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"rouse/internal/host/proc"
	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// architectures are systemd's words for what uname(2) says.
var architectures = map[string]string{
	"x86_64": "x86-64", "amd64": "x86-64", "i386": "x86", "i486": "x86", "i586": "x86",
	"i686": "x86", "aarch64": "arm64", "arm64": "arm64", "aarch64_be": "arm64-be",
	"riscv64": "riscv64", "riscv32": "riscv32", "ppc64": "ppc64", "ppc64le": "ppc64-le",
	"ppc": "ppc", "ppcle": "ppc-le", "s390x": "s390x", "s390": "s390", "mips": "mips",
	"mips64": "mips64", "loongarch64": "loongarch64", "sparc64": "sparc64", "sparc": "sparc",
	"ia64": "ia64", "alpha": "alpha", "m68k": "m68k", "sh5": "sh64", "cris": "cris",
	"nios2": "nios2", "tilegx": "tilegx", "arceb": "arc-be", "arc": "arc",
}

// native is systemd's word for what this program was built for.
var native = map[string]string{
	"amd64": "x86-64", "386": "x86", "arm64": "arm64", "arm": "arm", "riscv64": "riscv64",
	"ppc64": "ppc64", "ppc64le": "ppc64-le", "s390x": "s390x", "mips": "mips",
	"mipsle": "mips-le", "mips64": "mips64", "mips64le": "mips64-le", "loong64": "loongarch64",
}

func architecture(param string, _ *Env) (bool, error) {
	u, err := sys.Uname()
	if err != nil {
		return false, err
	}
	have, ok := architectures[u.Machine]
	if !ok && strings.HasPrefix(u.Machine, "arm") {
		have = "arm"
		if strings.HasSuffix(u.Machine, "b") {
			have = "arm-be"
		}
	}
	if param == "native" {
		param = native[runtime.GOARCH]
	}
	return param != "" && param == have, nil
}

// kernelVersion takes versions with an operator before them, and patterns; all
// must hold. Only after the first operator may there be a blank.
func kernelVersion(param string, _ *Env) (bool, error) {
	u, err := sys.Uname()
	if err != nil {
		return false, err
	}
	for first := true; ; first = false {
		word, rest, ok, err := value.NextWord(param, value.Blanks, value.Unquote)
		if err != nil {
			return false, fmt.Errorf("%w: %w", errSyntax, err)
		}
		if !ok {
			return true, nil
		}
		param = rest
		word = strings.TrimSpace(word)
		o, version, ok := cutOrder(word)
		if !ok {
			if !value.Match(word, u.Release, false) {
				return false, nil
			}
			continue
		}
		version = strings.TrimLeft(version, value.Blanks)
		if version == "" && first {
			version, param, _, err = value.NextWord(param, value.Blanks, 0)
		}
		if version == "" || err != nil {
			return false, fmt.Errorf("%w: no version after %s", errSyntax, o)
		}
		if !o.holds(value.CompareVersions(u.Release, version)) {
			return false, nil
		}
	}
}

// osRelease takes words FIELD OPERATOR value about os-release(5); all must hold.
func osRelease(param string, _ *Env) (bool, error) {
	have := map[string]string{}
	for _, path := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		list, err := value.ParseEnvFile(text)
		if err != nil {
			return false, fmt.Errorf("%s: %w", path, err)
		}
		for _, assign := range list {
			k, v, _ := strings.Cut(assign, "=")
			have[k] = v
		}
		break
	}
	words, err := value.Words(param, value.Unquote)
	if err != nil {
		return false, fmt.Errorf("%w: %w", errSyntax, err)
	}
	for _, word := range words {
		at := strings.IndexAny(word, "!<=>")
		if at < 0 {
			return false, fmt.Errorf("%w: %q has no operator", errSyntax, word)
		}
		o, want, ok := cutOrder(word[at:])
		if !ok || want == "" || strings.ContainsAny(want[:1], value.Blanks) ||
			!value.ValidEnvName(word[:at]) {
			return false, fmt.Errorf("%w: %q", errSyntax, word)
		}
		compared := value.CompareVersions(have[word[:at]], want)
		if o.isEquality() {
			compared = strings.Compare(have[word[:at]], want)
		}
		if !o.holds(compared) {
			return false, nil
		}
	}
	return true, nil
}

func kernelCommandLine(param string, _ *Env) (bool, error) {
	line, err := proc.CommandLine()
	if err != nil {
		return false, err
	}
	words, err := value.Words(line, value.Unquote|value.Relax)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(words, func(w string) bool {
		key, _, _ := strings.Cut(w, "=")
		return w == param || key == param
	}), nil
}

func memory(param string, _ *Env) (bool, error) {
	have, err := sys.Memory()
	if err != nil {
		return false, err
	}
	return atLeast(param, have, func(s string) (uint64, error) {
		n, err := value.ParseSize(s)
		return uint64(n), err
	})
}

func cpus(param string, _ *Env) (bool, error) {
	return atLeast(param, uint64(runtime.NumCPU()), func(s string) (uint64, error) {
		return value.ParseUint(s, 32)
	})
}

// features are systemd's names of processor features that Linux names otherwise,
// or else "".
var features = map[string]string{
	"fpu": "", "vme": "", "de": "", "pse": "", "tsc": "", "msr": "", "pae": "", "mce": "",
	"cx8": "", "apic": "", "sep": "", "mtrr": "", "pge": "", "mca": "", "cmov": "", "pat": "",
	"pse36": "", "clflush": "", "mmx": "", "fxsr": "", "sse": "", "sse2": "", "ht": "",
	"pni": "", "pclmul": "pclmulqdq", "monitor": "", "ssse3": "", "fma3": "fma", "cx16": "",
	"sse4_1": "", "sse4_2": "", "movbe": "", "popcnt": "", "aes": "", "xsave": "",
	"osxsave": "xsave", "avx": "", "f16c": "", "rdrand": "", "bmi1": "", "avx2": "",
	"bmi2": "", "rdseed": "", "adx": "", "sha_ni": "", "syscall": "", "rdtscp": "", "lm": "",
	"lahf_lm": "", "abm": "", "constant_tsc": "",
}

// cpuFeature knows processors of the x86 kind only, as systemd does.
func cpuFeature(param string, _ *Env) (bool, error) {
	flag, ok := features[strings.ToLower(param)]
	if !ok || runtime.GOARCH != "amd64" && runtime.GOARCH != "386" {
		return false, nil
	}
	if flag == "" {
		flag = strings.ToLower(param)
	}
	text, err := os.ReadFile("/proc/cpuinfo")
	return proc.CPUFlags(string(text))[flag], err
}

func virtualization(param string, _ *Env) (bool, error) {
	if param == "private-users" {
		text, err := os.ReadFile("/proc/self/uid_map")
		f := strings.Fields(string(text))
		whole := len(f) == 3 && f[0] == "0" && f[1] == "0" && f[2] == "4294967295"
		return err == nil && !whole, nil
	}
	in, kind := proc.Container(), "container"
	if in == "" {
		in, kind = proc.Machine(), "vm"
	}
	if b, err := value.ParseBool(param); err == nil {
		return b == (in != ""), nil
	}
	return in != "" && (param == in || param == kind), nil
}

func firmware(param string, _ *Env) (bool, error) {
	const tree = "/sys/firmware/devicetree/"
	if what, ok := strings.CutPrefix(param, "device-tree-compatible("); ok {
		what, ok = strings.CutSuffix(what, ")")
		text, err := os.ReadFile("/proc/device-tree/compatible")
		list := bytes.Split(bytes.TrimRight(text, "\x00"), []byte{0})
		return ok && err == nil && slices.ContainsFunc(list, func(c []byte) bool {
			return string(c) == what
		}), nil
	}
	if what, ok := strings.CutPrefix(param, "smbios-field("); ok {
		return smbios(what)
	}
	switch param {
	case "device-tree":
		return exists(tree), nil
	case "uefi":
		return exists("/sys/firmware/efi/"), nil
	}
	return false, nil
}

// smbios tests "field OPERATOR value)": = and != of patterns, others of versions.
func smbios(what string) (bool, error) {
	what, ok := strings.CutSuffix(what, ")")
	at := strings.IndexAny(what, "!<=>")
	if !ok || at < 0 {
		return false, errSyntax
	}
	o, want, ok := cutOrder(what[at:])
	field := strings.TrimSpace(what[:at])
	if !ok || field == "" || strings.Contains(field, "/") {
		return false, errSyntax
	}
	text, err := os.ReadFile(filepath.Join("/sys/class/dmi/id", field))
	if err != nil {
		return false, nil
	}
	have, want := strings.TrimRight(string(text), "\n"), strings.TrimSpace(want)
	if o.isEquality() {
		return value.Match(want, have, false) == (o == "=" || o == "=="), nil
	}
	return o.holds(value.CompareVersions(have, want)), nil
}

// acPower compares with yes or no. A machine without any power supply has power.
func acPower(param string, _ *Env) (bool, error) {
	want, err := value.ParseBool(param)
	if err != nil {
		return false, errSyntax
	}
	offline := false
	supplies, _ := filepath.Glob("/sys/class/power_supply/*")
	for _, dir := range supplies {
		kind, _ := os.ReadFile(filepath.Join(dir, "type"))
		online, err := os.ReadFile(filepath.Join(dir, "online"))
		if strings.TrimSpace(string(kind)) != "Mains" || err != nil {
			continue
		}
		if strings.TrimSpace(string(online)) == "1" {
			return want, nil
		}
		offline = true
	}
	return want == !offline, nil
}

// capability tests the bounding set. The parameter is a name, in any case, or a number.
func capability(param string, _ *Env) (bool, error) {
	n := slices.Index(capabilities, strings.ToLower(param))
	if n < 0 {
		number, err := strconv.ParseUint(param, 10, 6)
		if err != nil {
			return false, errSyntax
		}
		n = int(number)
	}
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(string(text)) {
		if set, ok := strings.CutPrefix(line, "CapBnd:"); ok {
			bits, err := strconv.ParseUint(strings.TrimSpace(set), 16, 64)
			return bits&(1<<n) != 0, err
		}
	}
	return false, nil
}

// capabilities are the names by number. capabilities(7).
var capabilities = []string{
	"cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_fsetid",
	"cap_kill", "cap_setgid", "cap_setuid", "cap_setpcap", "cap_linux_immutable",
	"cap_net_bind_service", "cap_net_broadcast", "cap_net_admin", "cap_net_raw",
	"cap_ipc_lock", "cap_ipc_owner", "cap_sys_module", "cap_sys_rawio", "cap_sys_chroot",
	"cap_sys_ptrace", "cap_sys_pacct", "cap_sys_admin", "cap_sys_boot", "cap_sys_nice",
	"cap_sys_resource", "cap_sys_time", "cap_sys_tty_config", "cap_mknod", "cap_lease",
	"cap_audit_write", "cap_audit_control", "cap_setfcap", "cap_mac_override",
	"cap_mac_admin", "cap_syslog", "cap_wake_alarm", "cap_block_suspend", "cap_audit_read",
	"cap_perfmon", "cap_bpf", "cap_checkpoint_restore",
}

// security knows by their files whether security modules are on.
func security(param string, _ *Env) (bool, error) {
	switch param {
	case "selinux":
		return exists("/sys/fs/selinux/enforce"), nil
	case "apparmor":
		text, _ := os.ReadFile("/sys/module/apparmor/parameters/enabled")
		return strings.TrimSpace(string(text)) == "Y", nil
	case "smack":
		return exists("/sys/fs/smackfs/"), nil
	case "ima":
		return exists("/sys/kernel/security/ima/"), nil
	case "tomoyo":
		return exists("/sys/kernel/security/tomoyo/version"), nil
	case "audit":
		fd, err := sys.ListenNetlink("audit", 0)
		if err == nil {
			sys.CloseFD(fd)
		}
		return err == nil, nil
	case "uefi-secureboot":
		const path = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
		text, err := os.ReadFile(path) // four bytes of attributes, then the value
		return err == nil && len(text) == 5 && text[4] == 1, nil
	case "tpm2":
		version, _ := filepath.Glob("/sys/class/tpmrm/tpmrm*")
		return len(version) > 0, nil
	}
	return false, nil
}
