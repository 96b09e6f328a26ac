package client

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"rouse/internal/unit/value"
)

// moments are the properties that are moments although their names do not end
// in Timestamp.
var moments = map[string]bool{"NextElapseUSecRealtime": true, "LastTriggerUSec": true}

// renderNumber gives the text of a 64-bit number.
func (a *app) renderNumber(n string, v uint64) string {
	switch {
	case strings.HasSuffix(n, "Timestamp") || moments[n]:
		return a.stamp(v)
	case strings.HasSuffix(n, "USec") || n == "NextElapseUSecMonotonic" ||
		n == "LastTriggerUSecMonotonic":
		return value.Span(v).String()
	}
	if v == math.MaxUint64 {
		if w, ok := limitlessWord(n); ok {
			return w
		}
	}
	switch n {
	case "CapabilityBoundingSet", "AmbientCapabilities":
		return capabilities(v)
	case "RestrictNamespaces":
		return namespaces(v)
	case "CoredumpFilter":
		return fmt.Sprintf("0x%x", v)
	case "MountFlags":
		return mountFlags[v]
	}
	return strconv.FormatUint(v, 10)
}

// renderSmall gives the text of a 32-bit number.
func renderSmall(n string, v uint32) string {
	switch {
	case strings.HasSuffix(n, "Mode") || n == "UMask":
		return value.Mode(v).String()
	case (n == "UID" || n == "GID") && v == math.MaxUint32:
		return notSet
	}
	return strconv.FormatUint(uint64(v), 10)
}

// mountFlags are the names of the propagation flags of mount(2).
var mountFlags = map[uint64]string{1 << 18: "private", 1 << 19: "slave", 1 << 20: "shared"}

// capabilityNames are the capabilities of Linux by number. capabilities(7).
var capabilityNames = strings.Fields(`
	cap_chown cap_dac_override cap_dac_read_search cap_fowner cap_fsetid cap_kill cap_setgid
	cap_setuid cap_setpcap cap_linux_immutable cap_net_bind_service cap_net_broadcast
	cap_net_admin cap_net_raw cap_ipc_lock cap_ipc_owner cap_sys_module cap_sys_rawio
	cap_sys_chroot cap_sys_ptrace cap_sys_pacct cap_sys_admin cap_sys_boot cap_sys_nice
	cap_sys_resource cap_sys_time cap_sys_tty_config cap_mknod cap_lease cap_audit_write
	cap_audit_control cap_setfcap cap_mac_override cap_mac_admin cap_syslog cap_wake_alarm
	cap_block_suspend cap_audit_read cap_perfmon cap_bpf cap_checkpoint_restore`)

// capabilities gives the names of a set; those without a name are not shown.
func capabilities(set uint64) string {
	var names []string
	for set != 0 {
		n := bits.TrailingZeros64(set)
		set &^= 1 << n
		if n < len(capabilityNames) {
			names = append(names, capabilityNames[n])
		}
	}
	return strings.Join(names, " ")
}

// namespaceFlags are the flags of clone(2), in the order in which they are shown.
var namespaceFlags = []struct {
	flag uint64
	name string
}{
	{0x02000000, "cgroup"}, {0x08000000, "ipc"}, {0x40000000, "net"}, {0x00020000, "mnt"},
	{0x20000000, "pid"}, {0x10000000, "user"}, {0x04000000, "uts"},
}

// namespaces gives what RestrictNamespaces= leaves: "yes" for none, "no" for all.
func namespaces(set uint64) string {
	var names []string
	var all uint64
	for _, f := range namespaceFlags {
		all |= f.flag
		if set&f.flag != 0 {
			names = append(names, f.name)
		}
	}
	switch set & all {
	case 0:
		return "yes"
	case all:
		return "no"
	}
	return strings.Join(names, " ")
}

// renderBytes gives the text of bytes: sets of CPUs, an ID, or data.
func renderBytes(n string, v []byte) string {
	switch n {
	case "StandardInputData":
		return base64.StdEncoding.EncodeToString(v)
	case "InvocationID", "RootHash", "RootHashSignature":
		return hex.EncodeToString(v)
	}
	var set value.CPUSet
	for i, b := range v {
		for bit := range 8 {
			if b&(1<<bit) != 0 {
				set = append(set, uint(8*i+bit))
			}
		}
	}
	return set.String()
}

// joinWords joins words by blanks; those that a shell would take apart or change
// stand in double quotes.
func joinWords(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = quoteWord(w)
	}
	return strings.Join(out, " ")
}

// quoteWord quotes as systemctl show does: where a word has a character that means
// something to a shell, with backslashes before those that do so inside quotes.
func quoteWord(w string) string {
	if w != "" && !strings.ContainsAny(w, "\"\\`$ *?['()<>|&;!") &&
		!strings.ContainsFunc(w, isControl) {
		return w
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(w) {
		switch {
		case strings.IndexByte("\"\\`$", c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case isControl(rune(c)):
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
