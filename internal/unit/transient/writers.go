package transient

import (
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"

	"rouse/internal/unit/directive"
	"rouse/internal/unit/value"
	"rouse/internal/unit/value/linux"
)

// A writer turns a property that needs more than its row knows into lines. Those that
// write gives have no section yet.
type writer struct {
	property, setting, sig string
	write                  func(setting string, v any) ([]Line, error)

	inUnit, live bool
}

func (w *writer) lines(p directive.Property) ([]Line, error) {
	if p.Type != w.sig {
		return nil, ErrPropertyType
	}
	return w.write(w.setting, p.Value)
}

// special finds the writer of a property of units with a section.
func special(section, property string) (writer, bool) {
	for i := range writers {
		w := writers[i]
		if w.property != property {
			continue
		}
		if w.setting == "" {
			w.inUnit = true
			return w, true
		}
		if row := directive.Lookup(section, w.setting); row != nil {
			w.live = isResource(row)
			return w, true
		}
	}
	return writer{}, false
}

// writers are all of them. The setting is one that units which have the property have.
var writers = [...]writer{
	{property: "Conditions", sig: "a(sbbs)", write: conditionLines},
	{property: "Asserts", sig: "a(sbbs)", write: conditionLines},

	{property: "ExecCondition", setting: "ExecCondition", sig: "a(sasb)", write: commandLines},
	{property: "ExecStartPre", setting: "ExecStartPre", sig: "a(sasb)", write: commandLines},
	{property: "ExecStart", setting: "ExecStart", sig: "a(sasb)", write: commandLines},
	{property: "ExecStartPost", setting: "ExecStartPost", sig: "a(sasb)", write: commandLines},
	{property: "ExecReload", setting: "ExecReload", sig: "a(sasb)", write: commandLines},
	{property: "ExecStop", setting: "ExecStop", sig: "a(sasb)", write: commandLines},
	{property: "ExecStopPre", setting: "ExecStopPre", sig: "a(sasb)", write: commandLines},
	{property: "ExecStopPost", setting: "ExecStopPost", sig: "a(sasb)", write: commandLines},
	{property: "ExecConditionEx", setting: "ExecCondition", sig: "a(sasas)", write: commandLines},
	{property: "ExecStartPreEx", setting: "ExecStartPre", sig: "a(sasas)", write: commandLines},
	{property: "ExecStartEx", setting: "ExecStart", sig: "a(sasas)", write: commandLines},
	{property: "ExecStartPostEx", setting: "ExecStartPost", sig: "a(sasas)", write: commandLines},
	{property: "ExecReloadEx", setting: "ExecReload", sig: "a(sasas)", write: commandLines},
	{property: "ExecStopEx", setting: "ExecStop", sig: "a(sasas)", write: commandLines},
	{property: "ExecStopPostEx", setting: "ExecStopPost", sig: "a(sasas)", write: commandLines},
	{property: "RestartPreventExitStatus", setting: "RestartPreventExitStatus", sig: "(aiai)",
		write: exitLines},
	{property: "RestartForceExitStatus", setting: "RestartForceExitStatus", sig: "(aiai)",
		write: exitLines},
	{property: "SuccessExitStatus", setting: "SuccessExitStatus", sig: "(aiai)", write: exitLines},
	{property: "WatchdogUSec", setting: "WatchdogSec", sig: "t", write: spanLines},
	{property: "WorkingDirectory", setting: "WorkingDirectory", sig: "s", write: textLines("")},

	{property: "Listen", setting: "ListenStream", sig: "a(ss)", write: listenLines},
	{property: "SocketProtocol", setting: "SocketProtocol", sig: "i", write: protocolLines},
	{property: "TimersMonotonic", setting: "OnActiveSec", sig: "a(st)", write: monotonicLines},
	{property: "TimersCalendar", setting: "OnCalendar", sig: "a(ss)", write: calendarLines},
	{property: "OnCalendar", setting: "OnCalendar", sig: "s", write: textLines("")},
	{property: "OnActiveSec", setting: "OnActiveSec", sig: "t", write: spanLines},
	{property: "OnBootSec", setting: "OnBootSec", sig: "t", write: spanLines},
	{property: "OnStartupSec", setting: "OnStartupSec", sig: "t", write: spanLines},
	{property: "OnUnitActiveSec", setting: "OnUnitActiveSec", sig: "t", write: spanLines},
	{property: "OnUnitInactiveSec", setting: "OnUnitInactiveSec", sig: "t", write: spanLines},
	{property: "Paths", setting: "PathExists", sig: "a(ss)", write: pathLines},
	{property: "PathExists", setting: "PathExists", sig: "s", write: textLines("")},
	{property: "PathExistsGlob", setting: "PathExistsGlob", sig: "s", write: textLines("")},
	{property: "PathChanged", setting: "PathChanged", sig: "s", write: textLines("")},
	{property: "PathModified", setting: "PathModified", sig: "s", write: textLines("")},
	{property: "DirectoryNotEmpty", setting: "DirectoryNotEmpty", sig: "s", write: textLines("")},

	{property: "EnvironmentFiles", setting: "EnvironmentFile", sig: "a(sb)",
		write: structLines("", "", optionalPath)},
	{property: "LogExtraFields", setting: "LogExtraFields", sig: "aay", write: fieldLines},
	{property: "StandardInputFileDescriptorName", setting: "StandardInput", sig: "s",
		write: textLines("fd:")},
	{property: "StandardOutputFileDescriptorName", setting: "StandardOutput", sig: "s",
		write: textLines("fd:")},
	{property: "StandardErrorFileDescriptorName", setting: "StandardError", sig: "s",
		write: textLines("fd:")},
	{property: "StandardInputFile", setting: "StandardInput", sig: "s", write: textLines("file:")},
	{property: "StandardOutputFile", setting: "StandardOutput", sig: "s", write: textLines("file:")},
	{property: "StandardErrorFile", setting: "StandardError", sig: "s", write: textLines("file:")},
	{property: "StandardOutputFileToAppend", setting: "StandardOutput", sig: "s",
		write: textLines("append:")},
	{property: "StandardErrorFileToAppend", setting: "StandardError", sig: "s",
		write: textLines("append:")},
	{property: "StandardOutputFileToTruncate", setting: "StandardOutput", sig: "s",
		write: textLines("truncate:")},
	{property: "StandardErrorFileToTruncate", setting: "StandardError", sig: "s",
		write: textLines("truncate:")},
	{property: "StandardInputData", setting: "StandardInputData", sig: "ay", write: base64Lines("")},

	{property: "CPUAffinityFromNUMA", setting: "CPUAffinity", sig: "b", write: fromNUMALines},
	{property: "SupplementaryGroups", setting: "SupplementaryGroups", sig: "as", write: rawLines},
	{property: "ExecSearchPath", setting: "ExecSearchPath", sig: "as", write: rawLines},
	{property: "IPIngressFilterPath", setting: "IPIngressFilterPath", sig: "as", write: rawLines},
	{property: "IPEgressFilterPath", setting: "IPEgressFilterPath", sig: "as", write: rawLines},
	{property: "CPUSchedulingPolicy", setting: "CPUSchedulingPolicy", sig: "i",
		write: namedLines("other", linux.Scheduler, "other", "batch", "idle", "fifo", "rr")},
	{property: "IOSchedulingClass", setting: "IOSchedulingClass", sig: "i",
		write: namedLines("best-effort", linux.IOClass, "realtime", "best-effort", "idle")},
	{property: "NUMAPolicy", setting: "NUMAPolicy", sig: "i", write: namedLines("", linux.NUMAPolicy,
		"default", "preferred", "bind", "interleave", "local")},
	{property: "SecureBits", setting: "SecureBits", sig: "i", write: secureBitLines},
	{property: "MountFlags", setting: "MountFlags", sig: "t", write: propagationLines},
	{property: "CoredumpFilter", setting: "CoredumpFilter", sig: "t", write: hexLines},
	{property: "RestrictNamespaces", setting: "RestrictNamespaces", sig: "t", write: namespaceLines},
	{property: "CapabilityBoundingSet", setting: "CapabilityBoundingSet", sig: "t",
		write: capabilityLines},
	{property: "AmbientCapabilities", setting: "AmbientCapabilities", sig: "t",
		write: capabilityLines},
	{property: "SystemCallFilter", setting: "SystemCallFilter", sig: "(bas)", write: filterLines},
	{property: "SystemCallLog", setting: "SystemCallLog", sig: "(bas)", write: filterLines},
	{property: "RestrictAddressFamilies", setting: "RestrictAddressFamilies", sig: "(bas)",
		write: filterLines},
	{property: "RestrictFileSystems", setting: "RestrictFileSystems", sig: "(bas)",
		write: filterLines},
	{property: "RestrictNetworkInterfaces", setting: "RestrictNetworkInterfaces", sig: "(bas)",
		write: filterLines},
	{property: "SystemCallErrorNumber", setting: "SystemCallErrorNumber", sig: "i",
		write: errnoLines},
	{property: "AppArmorProfile", setting: "AppArmorProfile", sig: "(bs)",
		write: optionalLines},
	{property: "SELinuxContext", setting: "SELinuxContext", sig: "(bs)", write: optionalLines},
	{property: "SmackProcessLabel", setting: "SmackProcessLabel", sig: "(bs)", write: optionalLines},

	{property: "BindPaths", setting: "BindPaths", sig: "a(ssbt)",
		write: structLines("", "", bindPath)},
	{property: "BindReadOnlyPaths", setting: "BindReadOnlyPaths", sig: "a(ssbt)",
		write: structLines("", "", bindPath)},
	{property: "TemporaryFileSystem", setting: "TemporaryFileSystem", sig: "a(ss)",
		write: structLines("", "", temporary)},
	{property: "MountImages", setting: "MountImages", sig: "a(ssba(ss))",
		write: structLines("", "", mountImage)},
	{property: "ExtensionImages", setting: "ExtensionImages", sig: "a(sba(ss))",
		write: structLines("", "", extensionImage)},
	{property: "RootImageOptions", setting: "RootImageOptions", sig: "a(ss)",
		write: structLines(":", "", pair)},
	{property: "RootHash", setting: "RootHash", sig: "ay", write: digestLines},
	{property: "RootHashPath", setting: "RootHash", sig: "s", write: textLines("")},
	{property: "RootHashSignature", setting: "RootHashSignature", sig: "ay",
		write: base64Lines("base64:")},
	{property: "RootHashSignaturePath", setting: "RootHashSignature", sig: "s", write: textLines("")},
	{property: "RuntimeDirectorySymlink", setting: "RuntimeDirectory", sig: "a(sst)",
		write: structLines("", "", linkedDirectory)},
	{property: "StateDirectorySymlink", setting: "StateDirectory", sig: "a(sst)",
		write: structLines("", "", linkedDirectory)},
	{property: "CacheDirectorySymlink", setting: "CacheDirectory", sig: "a(sst)",
		write: structLines("", "", linkedDirectory)},
	{property: "LogsDirectorySymlink", setting: "LogsDirectory", sig: "a(sst)",
		write: structLines("", "", linkedDirectory)},

	{property: "SetCredential", setting: "SetCredential", sig: "a(say)", write: credentialLines},
	{property: "SetCredentialEncrypted", setting: "SetCredentialEncrypted", sig: "a(say)",
		write: sealedLines},
	{property: "LoadCredential", setting: "LoadCredential", sig: "a(ss)",
		write: structLines("", "", credentialPath)},
	{property: "LoadCredentialEncrypted", setting: "LoadCredentialEncrypted", sig: "a(ss)",
		write: structLines("", "", credentialPath)},

	{property: "DelegateControllers", setting: "Delegate", sig: "as", write: controllerLines},
	{property: "DisableControllers", setting: "DisableControllers", sig: "as",
		write: controllerLines},
	{property: "CPUQuotaPerSecUSec", setting: "CPUQuota", sig: "t", write: quotaLines},
	{property: "TasksMaxScale", setting: "TasksMax", sig: "u", write: scaleLines},
	{property: "MemoryMinScale", setting: "MemoryMin", sig: "u", write: scaleLines},
	{property: "MemoryLowScale", setting: "MemoryLow", sig: "u", write: scaleLines},
	{property: "DefaultMemoryMinScale", setting: "DefaultMemoryMin", sig: "u", write: scaleLines},
	{property: "DefaultMemoryLowScale", setting: "DefaultMemoryLow", sig: "u", write: scaleLines},
	{property: "MemoryHighScale", setting: "MemoryHigh", sig: "u", write: scaleLines},
	{property: "MemoryMaxScale", setting: "MemoryMax", sig: "u", write: scaleLines},
	{property: "MemorySwapMaxScale", setting: "MemorySwapMax", sig: "u", write: scaleLines},
	{property: "MemoryLimitScale", setting: "MemoryLimit", sig: "u", write: scaleLines},
	{property: "ManagedOOMMemoryPressureLimit", setting: "ManagedOOMMemoryPressureLimit", sig: "u",
		write: scaleLines},
	{property: "DeviceAllow", setting: "DeviceAllow", sig: "a(ss)",
		write: structLines(" ", "", device)},
	{property: "IOReadBandwidthMax", setting: "IOReadBandwidthMax", sig: "a(st)",
		write: structLines(" ", "", device)},
	{property: "IOWriteBandwidthMax", setting: "IOWriteBandwidthMax", sig: "a(st)",
		write: structLines(" ", "", device)},
	{property: "IOReadIOPSMax", setting: "IOReadIOPSMax", sig: "a(st)",
		write: structLines(" ", "", device)},
	{property: "IOWriteIOPSMax", setting: "IOWriteIOPSMax", sig: "a(st)",
		write: structLines(" ", "", device)},
	{property: "IODeviceWeight", setting: "IODeviceWeight", sig: "a(st)",
		write: structLines(" ", "", device)},
	{property: "IODeviceLatencyTargetUSec", setting: "IODeviceLatencyTargetSec", sig: "a(st)",
		write: structLines(" ", "us", device)},
	{property: "BlockIODeviceWeight", setting: "BlockIODeviceWeight", sig: "a(st)",
		write: structLines(" ", "", device)},
	{property: "BlockIOReadBandwidth", setting: "BlockIOReadBandwidth", sig: "a(st)",
		write: structLines(" ", "", device)},
	{property: "BlockIOWriteBandwidth", setting: "BlockIOWriteBandwidth", sig: "a(st)",
		write: structLines(" ", "", device)},
	{property: "BPFProgram", setting: "BPFProgram", sig: "a(ss)", write: structLines(":", "", device)},
	{property: "IPAddressAllow", setting: "IPAddressAllow", sig: "a(iayu)",
		write: structLines("", "", address)},
	{property: "IPAddressDeny", setting: "IPAddressDeny", sig: "a(iayu)",
		write: structLines("", "", address)},
	{property: "SocketBindAllow", setting: "SocketBindAllow", sig: "a(iiqq)",
		write: structLines("", "", bindRule)},
	{property: "SocketBindDeny", setting: "SocketBindDeny", sig: "a(iiqq)",
		write: structLines("", "", bindRule)},
}

// one is the one line of a setting.
func one(setting, v string) ([]Line, error) { return []Line{{Name: setting, Value: v}}, nil }

// textLines writes one text that is not quoted, after a prefix.
func textLines(prefix string) func(string, any) ([]Line, error) {
	return func(setting string, v any) ([]Line, error) {
		s, ok := v.(string)
		if !ok {
			return nil, ErrPropertyType
		}
		text, err := wholeText(s)
		if err != nil {
			return nil, &ErrPropertyValue{setting, s, "it cannot stand in one line"}
		}
		return one(setting, prefix+text)
	}
}

func spanLines(setting string, v any) ([]Line, error) {
	n, ok := v.(uint64)
	if !ok {
		return nil, ErrPropertyType
	}
	return one(setting, micros(n))
}

// structLines writes a line for each struct of an array; none resets. between stands
// between its fields, where the entry's function asks for that, and after at the end.
func structLines(between, after string, entry func(f []any, between string) (string, bool)) func(
	string, any) ([]Line, error) {
	return func(setting string, v any) ([]Line, error) {
		list, ok := entries(v)
		if !ok {
			return nil, ErrPropertyType
		}
		if len(list) == 0 {
			return one(setting, "")
		}
		var lines []Line
		for _, e := range list {
			f, _ := e.([]any)
			text, ok := entry(f, between)
			if !ok {
				return nil, ErrPropertyType
			}
			lines = append(lines, Line{Name: setting, Value: text + after})
		}
		return lines, nil
	}
}

// optionalPath is a path with - before it if it need not be there.
func optionalPath(f []any, _ string) (string, bool) {
	if len(f) != 2 {
		return "", false
	}
	path, ok := f[0].(string)
	optional, also := f[1].(bool)
	text, err := wholeText(path)
	if optional {
		text = "-" + text
	}
	return text, ok && also && err == nil
}

// pair is a word of two parts.
func pair(f []any, between string) (string, bool) {
	if len(f) < 2 {
		return "", false
	}
	a, ok := f[0].(string)
	b, also := f[1].(string)
	switch {
	case b == "":
	case a == "":
		a = b
	default:
		a = colon(a) + between + b
	}
	return quoted(a), ok && also
}

// linkedDirectory is directory:symlink.
func linkedDirectory(f []any, _ string) (string, bool) {
	if len(f) != 3 {
		return "", false
	}
	path, ok := f[0].(string)
	link, also := f[1].(string)
	return directory(path, link), ok && also
}

// temporary is path:options; there are no specifiers in the options.
func temporary(f []any, _ string) (string, bool) {
	if len(f) != 2 {
		return "", false
	}
	path, ok := f[0].(string)
	options, also := f[1].(string)
	text := doubled(colon(path))
	if options != "" {
		text += ":" + options
	}
	return `"` + escaped(text, `"`) + `"`, ok && also
}

// colon keeps a part of a word from being ended by a colon in it.
func colon(s string) string { return strings.ReplaceAll(s, ":", `\:`) }

// part is one of the parts of a word that colons separate.
func part(s string) string {
	if strings.Contains(s, ":") {
		return `"` + doubled(escaped(s, `"`)) + `"`
	}
	return quoted(s)
}

// bindPath is [-]source:destination:flags.
func bindPath(f []any, _ string) (string, bool) {
	if len(f) != 4 {
		return "", false
	}
	from, ok1 := f[0].(string)
	to, ok2 := f[1].(string)
	missing, ok3 := f[2].(bool)
	flags, ok4 := f[3].(uint64)
	text := part(from) + ":" + part(to) + ":norbind"
	if flags != 0 { // MS_REC
		text = part(from) + ":" + part(to) + ":rbind"
	}
	if missing {
		text = "-" + text
	}
	return text, ok1 && ok2 && ok3 && ok4
}

// imageOptions are the mount options of partitions, as words of MountImages= have them.
func imageOptions(v any) (string, bool) {
	list, ok := entries(v)
	text := ""
	for _, e := range list {
		f, _ := fields(e, 2)
		if f == nil {
			return "", false
		}
		partition, ok1 := f[0].(string)
		options, ok2 := f[1].(string)
		if !ok1 || !ok2 {
			return "", false
		}
		text += ":" + part(partition) + ":" + part(options)
	}
	return text, ok
}

func mountImage(f []any, _ string) (string, bool) {
	if len(f) != 4 {
		return "", false
	}
	from, ok1 := f[0].(string)
	to, ok2 := f[1].(string)
	missing, ok3 := f[2].(bool)
	options, ok4 := imageOptions(f[3])
	text := part(from) + ":" + part(to) + options
	if missing {
		text = "-" + text
	}
	return text, ok1 && ok2 && ok3 && ok4
}

func extensionImage(f []any, _ string) (string, bool) {
	if len(f) != 3 {
		return "", false
	}
	from, ok1 := f[0].(string)
	missing, ok2 := f[1].(bool)
	options, ok3 := imageOptions(f[2])
	text := part(from) + options
	if missing {
		text = "-" + text
	}
	return text, ok1 && ok2 && ok3
}

// credentialPath is name:path, to which no blank and no colon gives another meaning.
func credentialPath(f []any, _ string) (string, bool) {
	if len(f) != 2 {
		return "", false
	}
	id, ok := f[0].(string)
	path, also := f[1].(string)
	text, err := wholeText(id + ":" + path)
	return text, ok && also && err == nil && !strings.Contains(id, ":")
}

// device is a path and what goes with it.
func device(f []any, between string) (string, bool) {
	if len(f) != 2 {
		return "", false
	}
	path, ok := f[0].(string)
	path = quoted(path)
	switch v := f[1].(type) {
	case string:
		if v == "" {
			return path, ok
		}
		return path + between + quoted(v), ok
	case uint64:
		return path + between + number(v), ok
	}
	return "", false
}

// address is an IP address with the length of its prefix.
func address(f []any, _ string) (string, bool) {
	if len(f) != 3 {
		return "", false
	}
	_, ok := f[0].(int32)
	bytes, ok2 := f[1].([]byte)
	bits, ok3 := f[2].(uint32)
	ip, ok4 := netip.AddrFromSlice(bytes)
	if !ok || !ok2 || !ok3 || !ok4 {
		return "", false
	}
	return ip.String() + "/" + strconv.FormatUint(uint64(bits), 10), true
}

// bindRule is [family:][protocol:]ports.
func bindRule(f []any, _ string) (string, bool) {
	if len(f) != 4 {
		return "", false
	}
	family, ok1 := f[0].(int32)
	protocol, ok2 := f[1].(int32)
	count, ok3 := f[2].(uint16)
	port, ok4 := f[3].(uint16)
	text := map[int32]string{0: "", 2: "ipv4:", 10: "ipv6:"}[family] +
		map[int32]string{0: "", 6: "tcp:", 17: "udp:"}[protocol]
	switch {
	case count == 0:
		text += "any"
	case count == 1:
		text += strconv.Itoa(int(port))
	default:
		text += strconv.Itoa(int(port)) + "-" + strconv.Itoa(int(port)+int(count)-1)
	}
	return text, ok1 && ok2 && ok3 && ok4
}

// fieldLines writes fields for the journal.
func fieldLines(setting string, v any) ([]Line, error) {
	list, ok := entries(v)
	if !ok {
		return nil, ErrPropertyType
	}
	lines := []Line{}
	for _, e := range list {
		b, ok := e.([]byte)
		if !ok {
			return nil, ErrPropertyType
		}
		lines = append(lines, Line{Name: setting, Value: quoted(string(b))})
	}
	if len(lines) == 0 {
		return one(setting, "")
	}
	return lines, nil
}

func base64Lines(prefix string) func(string, any) ([]Line, error) {
	return func(setting string, v any) ([]Line, error) {
		b, ok := v.([]byte)
		switch {
		case !ok:
			return nil, ErrPropertyType
		case len(b) == 0:
			return one(setting, "")
		}
		return one(setting, prefix+base64.StdEncoding.EncodeToString(b))
	}
}

func digestLines(setting string, v any) ([]Line, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, ErrPropertyType
	}
	return one(setting, hex.EncodeToString(b))
}

// credentialLines writes name:text, with escapes as in C.
func credentialLines(setting string, v any) ([]Line, error) {
	return credentials(setting, v, func(b []byte) string {
		return unended(escapedBytes(b))
	})
}

func sealedLines(setting string, v any) ([]Line, error) {
	return credentials(setting, v, base64.StdEncoding.EncodeToString)
}

func credentials(setting string, v any, text func([]byte) string) ([]Line, error) {
	list, ok := entries(v)
	if !ok {
		return nil, ErrPropertyType
	}
	lines := []Line{}
	for _, e := range list {
		f, ok := fields(e, 2)
		if !ok {
			return nil, ErrPropertyType
		}
		id, ok1 := f[0].(string)
		data, ok2 := f[1].([]byte)
		if !ok1 || !ok2 {
			return nil, ErrPropertyType
		}
		plain, err := wholeText(id)
		if err != nil || strings.Contains(id, ":") {
			return nil, &ErrPropertyValue{setting, id, "not the name of a credential"}
		}
		lines = append(lines, Line{Name: setting, Value: plain + ":" + text(data)})
	}
	if len(lines) == 0 {
		return one(setting, "")
	}
	return lines, nil
}

// escapedBytes is escaped for what need not be text, blanks at its ends included.
func escapedBytes(b []byte) string {
	var s strings.Builder
	for i, c := range b {
		if c == ' ' && (i == 0 || i == len(b)-1) || c >= 0x7f {
			s.WriteString(`\x` + hex.EncodeToString([]byte{c}))
		} else {
			s.WriteString(escaped(string(rune(c)), ""))
		}
	}
	return s.String()
}

// exitLines writes exit statuses and signals.
func exitLines(setting string, v any) ([]Line, error) {
	f, ok := fields(v, 2)
	if !ok {
		return nil, ErrPropertyType
	}
	var words []string
	for i, list := range f {
		all, ok := entries(list)
		if !ok {
			return nil, ErrPropertyType
		}
		for _, e := range all {
			n, ok := e.(int32)
			switch {
			case !ok:
				return nil, ErrPropertyType
			case i == 0:
				words = append(words, strconv.Itoa(int(n)))
			case !value.Signal(n).Valid():
				return nil, &ErrPropertyValue{setting, strconv.Itoa(int(n)), "not a signal"}
			default:
				words = append(words, value.Signal(n).String())
			}
		}
	}
	return one(setting, strings.Join(words, " "))
}
