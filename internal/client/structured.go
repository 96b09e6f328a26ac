package client

import (
	"fmt"
	"math"
	"net/netip"
	"strings"

	"rouse/internal/unit/value"
)

// renderer gives the lines for a value that has a form of its own. With empty,
// what is empty is shown as well.
type renderer = func(a *app, v any, empty bool) []string

// structured are the renderers by the name of the property.
var structured = map[string]renderer{
	"Job": oneOf(func(_ *app, r []any) string {
		if id, _ := r[0].(uint32); id != 0 {
			return fmt.Sprint(id)
		}
		return ""
	}),
	"LoadError": oneOf(func(_ *app, r []any) string {
		name, _ := r[0].(string)
		if name == "" {
			return ""
		}
		return fmt.Sprintf("%s \"%v\"", name, r[1])
	}),
	"AppArmorProfile":           oneOf(optional),
	"SELinuxContext":            oneOf(optional),
	"SmackProcessLabel":         oneOf(optional),
	"RestartPreventExitStatus":  oneOf(exitSet),
	"RestartForceExitStatus":    oneOf(exitSet),
	"SuccessExitStatus":         oneOf(exitSet),
	"SystemCallFilter":          allowList,
	"SystemCallLog":             allowList,
	"RestrictAddressFamilies":   allowList,
	"RestrictFileSystems":       allowList,
	"RestrictNetworkInterfaces": allowList,

	"NUMAPolicy":          numaPolicy,
	"LogExtraFields":      logExtraFields,
	"IPAddressAllow":      joined(address),
	"IPAddressDeny":       joined(address),
	"BindPaths":           joined(bind),
	"BindReadOnlyPaths":   joined(bind),
	"TemporaryFileSystem": joined(func(_ *app, r []any) string { return colon(r[0], r[1]) }),
	"RootImageOptions":    lines(func(_ *app, r []any) string { return colon(r[0], r[1]) }),

	"ConfigurationDirectorySymlink": lines(symlink),
	"CacheDirectorySymlink":         lines(symlink),
	"LogsDirectorySymlink":          lines(symlink),
	"RuntimeDirectorySymlink":       lines(symlink),
	"StateDirectorySymlink":         lines(symlink),

	"SocketBindAllow": lines(socketBind),
	"SocketBindDeny":  lines(socketBind),
	"EnvironmentFiles": lines(func(_ *app, r []any) string {
		return fmt.Sprintf("%v (ignore_errors=%s)", r[0], yesNo(r[1]))
	}),
	"BPFProgram":  lines(pathValue),
	"DeviceAllow": lines(func(_ *app, r []any) string { return fmt.Sprintf("%v %v", r[0], r[1]) }),
	"Enforcement": lines(func(_ *app, r []any) string { return factLine(r) }),
	"Listen":      lines(func(_ *app, r []any) string { return fmt.Sprintf("%v (%v)", r[1], r[0]) }),
	"Paths":       lines(func(_ *app, r []any) string { return fmt.Sprintf("%v (%v)", r[1], r[0]) }),
	"TimersMonotonic": lines(func(_ *app, r []any) string {
		return fmt.Sprintf("{ %v=%s ; next_elapse=%s }", r[0], span(r[1]), span(r[2]))
	}),
	"TimersCalendar": lines(func(a *app, r []any) string {
		next, _ := r[2].(uint64)
		return fmt.Sprintf("{ %v=%v ; next_elapse=%s }", r[0], r[1], a.orNever(next))
	}),

	"BlockIODeviceWeight": lines(pathValue), "BlockIOReadBandwidth": lines(pathValue),
	"BlockIOWriteBandwidth": lines(pathValue), "IODeviceWeight": lines(pathValue),
	"IOReadBandwidthMax": lines(pathValue), "IOWriteBandwidthMax": lines(pathValue),
	"IOReadIOPSMax": lines(pathValue), "IOWriteIOPSMax": lines(pathValue),
	"IODeviceLatencyTargetUSec": lines(func(_ *app, r []any) string {
		return fmt.Sprintf("%v %s", r[0], span(r[1]))
	}),

	"ExecCondition": lines(command), "ExecConditionEx": lines(command),
	"ExecStartPre": lines(command), "ExecStartPreEx": lines(command),
	"ExecStart": lines(command), "ExecStartEx": lines(command),
	"ExecStartPost": lines(command), "ExecStartPostEx": lines(command),
	"ExecReload": lines(command), "ExecReloadEx": lines(command),
	"ExecStop": lines(command), "ExecStopEx": lines(command),
	"ExecStopPre":  lines(command),
	"ExecStopPost": lines(command), "ExecStopPostEx": lines(command),
	"ExecMount": lines(command), "ExecUnmount": lines(command), "ExecRemount": lines(command),
	"ExecActivate": lines(command), "ExecDeactivate": lines(command),

	"Conditions": always(unprintable), "Asserts": always(unprintable),
	"ActivationDetails": always(unprintable),
	"SetCredential":     always(unprintable), "SetCredentialEncrypted": always(unprintable),
	"LoadCredential": always(unprintable), "LoadCredentialEncrypted": always(unprintable),
}

// orNever is stamp, with a word for no time.
func (a *app) orNever(usec uint64) string {
	if s := a.stamp(usec); s != "" {
		return s
	}
	return "(null)"
}

// always gives a text whatever the value, and only where empty values are shown.
func always(text string) renderer {
	return func(_ *app, _ any, empty bool) []string {
		if !empty {
			return nil
		}
		return []string{text}
	}
}

// rowsOf takes an array of structs apart; each has at least two members.
func rowsOf(v any) [][]any {
	items, _ := v.([]any)
	var out [][]any
	for _, item := range items {
		if r, ok := item.([]any); ok && len(r) >= 2 {
			out = append(out, r)
		}
	}
	return out
}

// oneOf renders one struct as one line.
func oneOf(f func(*app, []any) string) renderer {
	return func(a *app, v any, empty bool) []string {
		r, _ := v.([]any)
		text := ""
		if len(r) >= 2 {
			text = f(a, r)
		}
		if text == "" && !empty {
			return nil
		}
		return []string{text}
	}
}

// lines renders each struct of an array as a line.
func lines(f func(*app, []any) string) renderer {
	return func(a *app, v any, empty bool) []string {
		var out []string
		for _, r := range rowsOf(v) {
			out = append(out, f(a, r))
		}
		return out
	}
}

// joined renders the structs of an array into one line.
func joined(f func(*app, []any) string) renderer {
	return func(a *app, v any, empty bool) []string {
		var out []string
		for _, r := range rowsOf(v) {
			out = append(out, f(a, r))
		}
		if len(out) == 0 && !empty {
			return nil
		}
		return []string{strings.Join(out, " ")}
	}
}

func yesNo(v any) string {
	if b, _ := v.(bool); b {
		return "yes"
	}
	return "no"
}

func span(v any) string {
	n, _ := v.(uint64)
	return value.Span(n).String()
}

// colon joins two texts, if there is a second one.
func colon(a, b any) string {
	if b == "" {
		return fmt.Sprint(a)
	}
	return fmt.Sprintf("%v:%v", a, b)
}

// optional is a text with a "-" before it if it may fail.
func optional(_ *app, r []any) string {
	if ignore, _ := r[0].(bool); ignore {
		return fmt.Sprintf("-%v", r[1])
	}
	return fmt.Sprint(r[1])
}

func pathValue(_ *app, r []any) string { return fmt.Sprintf("%v %v", r[0], r[1]) }

func symlink(_ *app, r []any) string { return colon(r[0], r[1]) }

// exitSet is a set of exit statuses and signals.
func exitSet(_ *app, r []any) string {
	var out []string
	for i, part := range r[:2] {
		items, _ := part.([]any)
		for _, item := range items {
			n, _ := item.(int32)
			text := fmt.Sprint(n)
			if i == 1 {
				text = signalName(int(n))
			}
			out = append(out, text)
		}
	}
	return strings.Join(out, " ")
}

// signalName is the name of a signal without SIG.
func signalName(n int) string {
	if s := value.Signal(n); s.Valid() {
		return strings.TrimPrefix(s.String(), "SIG")
	}
	return fmt.Sprint(n)
}

// allowList is a list with "~" before it if it says what is refused.
func allowList(_ *app, v any, empty bool) []string {
	r, _ := v.([]any)
	if len(r) < 2 {
		return nil
	}
	allow, _ := r[0].(bool)
	items, _ := r[1].([]string)
	text := strings.Join(items, " ")
	if !allow {
		text = "~" + text
	}
	if !allow && len(items) == 0 && !empty {
		return nil
	}
	return []string{text}
}

// numaPolicies are the policies of set_mempolicy(2) by number.
var numaPolicies = []string{"default", "preferred", "bind", "interleave", "local"}

func numaPolicy(_ *app, v any, _ bool) []string {
	n, _ := v.(int32)
	if n < 0 || int(n) >= len(numaPolicies) {
		return []string{"n/a"}
	}
	return []string{numaPolicies[n]}
}

func logExtraFields(_ *app, v any, empty bool) []string {
	items, _ := v.([]any)
	var out []string
	for _, item := range items {
		if b, ok := item.([]byte); ok {
			out = append(out, string(b))
		}
	}
	if len(out) == 0 && !empty {
		return nil
	}
	return []string{strings.Join(out, " ")}
}

// address is an address with the length of its prefix.
func address(_ *app, r []any) string {
	if len(r) < 3 {
		return unprintable
	}
	b, _ := r[1].([]byte)
	ip, ok := netip.AddrFromSlice(b)
	if !ok {
		return unprintable
	}
	return fmt.Sprintf("%s/%v", ip, r[2])
}

// bind is one bind mount.
func bind(_ *app, r []any) string {
	if len(r) < 4 {
		return unprintable
	}
	text := fmt.Sprintf("%v:%v", r[0], r[1])
	if ignore, _ := r[2].(bool); ignore {
		text = "-" + text
	}
	if recursive, _ := r[3].(uint64); recursive != 0 {
		text += ":rbind"
	}
	return text
}

// socketBind is one rule: family, protocol, number of ports, first port. That no
// colon stands before the port is systemd 252's way.
func socketBind(_ *app, r []any) string {
	if len(r) < 4 {
		return unprintable
	}
	text := ""
	switch r[0] {
	case int32(2): // AF_INET
		text = "ipv4:"
	case int32(10): // AF_INET6
		text = "ipv6:"
	}
	switch r[1] {
	case int32(6): // IPPROTO_TCP
		text += "tcp"
	case int32(17): // IPPROTO_UDP
		text += "udp"
	}
	n, _ := r[2].(uint16)
	first, _ := r[3].(uint16)
	switch {
	case n == 0:
		return text + "any"
	case n == 1:
		return text + fmt.Sprint(first)
	}
	return text + fmt.Sprintf("%d-%d", first, uint32(first)+uint32(n)-1)
}

// command is one command with what became of it: path, arguments, ignore_errors or
// flags, four times, pid, code and status.
func command(a *app, r []any) string {
	if len(r) < 10 {
		return unprintable
	}
	argv, _ := r[1].([]string)
	flags := "ignore_errors=" + yesNo(r[2])
	if names, ok := r[2].([]string); ok {
		flags = "flags=" + strings.Join(names, " ")
	}
	at := func(v any) string {
		usec, _ := v.(uint64)
		if usec == 0 || usec == math.MaxUint64 {
			return "n/a"
		}
		return a.stamp(usec)
	}
	code, _ := r[8].(int32)
	status, _ := r[9].(int32)
	text := fmt.Sprint(status)
	if code != codeExited {
		text += "/" + signalName(int(status))
	}
	return fmt.Sprintf("{ path=%v ; argv[]=%s ; %s ; start_time=[%s] ; stop_time=[%s] ; "+
		"pid=%v ; code=%s ; status=%s }",
		r[0], strings.Join(argv, " "), flags, at(r[3]), at(r[5]), r[7], codeName(code), text)
}

// The codes of waitid(2).
const (
	codeExited = 1
	codeKilled = 2
	codeDumped = 3
)

func codeName(code int32) string {
	switch code {
	case codeExited:
		return "exited"
	case codeKilled:
		return "killed"
	case codeDumped:
		return "dumped"
	}
	return "(null)"
}
