package transient

import (
	"math/bits"
	"strconv"
	"strings"

	"rouse/internal/unit/directive"
	"rouse/internal/unit/value"
	"rouse/internal/unit/value/linux"
)

// conditionLines writes a(sbbs): the setting, |, ! and the parameter.
func conditionLines(_ string, v any) ([]Line, error) {
	list, ok := entries(v)
	if !ok {
		return nil, ErrPropertyType
	}
	lines := []Line{}
	for _, e := range list {
		f, ok := fields(e, 4)
		if !ok {
			return nil, ErrPropertyType
		}
		setting, ok1 := f[0].(string)
		trigger, ok2 := f[1].(bool)
		negate, ok3 := f[2].(bool)
		param, ok4 := f[3].(string)
		if !ok1 || !ok2 || !ok3 || !ok4 {
			return nil, ErrPropertyType
		}
		if !strings.HasPrefix(setting, "Condition") && !strings.HasPrefix(setting, "Assert") {
			return nil, &ErrPropertyValue{"Conditions", setting, "no condition"}
		}
		text, err := wholeText(param)
		if err != nil {
			return nil, &ErrPropertyValue{setting, param, "it cannot stand in one line"}
		}
		if negate {
			text = "!" + text
		}
		if trigger {
			text = "|" + text
		}
		lines = append(lines, Line{Name: setting, Value: text})
	}
	return lines, nil
}

// prefixes are what a command line begins with, by the name of the flag.
var prefixes = [...]struct {
	flag value.CommandFlags
	text string
}{
	{value.IgnoreFailure, "-"}, {value.NoExpand, ":"}, {value.FullPrivilege, "+"},
	{value.NoSetuid, "!"}, {value.AmbientMagic, "!!"},
}

// commandLines writes a(sasb) or a(sasas): a line for each command.
func commandLines(setting string, v any) ([]Line, error) {
	list, ok := entries(v)
	if !ok {
		return nil, ErrPropertyType
	}
	if len(list) == 0 {
		return one(setting, "")
	}
	var lines []Line
	for _, e := range list {
		f, ok := fields(e, 3)
		if !ok {
			return nil, ErrPropertyType
		}
		path, ok1 := f[0].(string)
		argv, ok2 := texts(f[1])
		flags, err := commandFlags(f[2])
		switch {
		case !ok1 || !ok2:
			return nil, ErrPropertyType
		case err != nil:
			return nil, err
		case path == "" || path[0] != '/' && strings.Contains(path, "/") || path == "." || path == "..":
			return nil, &ErrPropertyValue{setting, path,
				"neither a valid executable name nor an absolute path"}
		case len(argv) == 0 || argv[0] == "":
			return nil, &ErrPropertyValue{setting, path, "argv cannot be empty"}
		}
		text := ""
		for _, p := range prefixes {
			if flags&p.flag != 0 {
				text += p.text
			}
		}
		if path != argv[0] {
			text += "@" + argument(path) + " "
		}
		for i, a := range argv {
			if i > 0 {
				text += " "
			}
			text += argument(a)
		}
		lines = append(lines, Line{Name: setting, Value: text})
	}
	return lines, nil
}

// argument is a word of a command line. It is quoted always: a lone ; ends a command.
func argument(s string) string { return `"` + doubled(escaped(s, `"`)) + `"` }

func commandFlags(v any) (value.CommandFlags, error) {
	if ignore, ok := v.(bool); ok {
		if ignore {
			return value.IgnoreFailure, nil
		}
		return 0, nil
	}
	names, ok := texts(v)
	if !ok {
		return 0, ErrPropertyType
	}
	flags, err := value.ParseFlagNames(names)
	if err != nil {
		return 0, &ErrPropertyValue{"Exec", strings.Join(names, " "), err.Error()}
	}
	return flags, nil
}

// pairs lists the structs of two of an array.
func pairs(v any) ([][2]any, error) {
	list, ok := entries(v)
	if !ok {
		return nil, ErrPropertyType
	}
	all := make([][2]any, len(list))
	for i, e := range list {
		f, ok := fields(e, 2)
		if !ok {
			return nil, ErrPropertyType
		}
		all[i] = [2]any{f[0], f[1]}
	}
	return all, nil
}

// textPairs writes a(ss): the words that name a setting, and its text. None resets.
func textPairs(v any, reset string, setting func(word string) (string, bool)) ([]Line, error) {
	list, err := pairs(v)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return one(reset, "")
	}
	var lines []Line
	for _, p := range list {
		word, ok1 := p[0].(string)
		param, ok2 := p[1].(string)
		if !ok1 || !ok2 {
			return nil, ErrPropertyType
		}
		name, ok := setting(word)
		text, err := wholeText(param)
		if !ok || err != nil {
			return nil, &ErrPropertyValue{reset, word + " " + param, "not of a known kind"}
		}
		lines = append(lines, Line{Name: name, Value: text})
	}
	return lines, nil
}

func listenLines(setting string, v any) ([]Line, error) {
	return textPairs(v, setting, func(word string) (string, bool) {
		switch word {
		case "Stream", "Datagram", "SequentialPacket", "FIFO", "Special", "Netlink", "MessageQueue",
			"USBFunction":
			return "Listen" + word, true
		}
		return "", false
	})
}

func pathLines(setting string, v any) ([]Line, error) {
	return textPairs(v, setting, func(word string) (string, bool) {
		switch word {
		case "PathExists", "PathExistsGlob", "PathChanged", "PathModified", "DirectoryNotEmpty":
			return word, true
		}
		return "", false
	})
}

func calendarLines(setting string, v any) ([]Line, error) {
	return textPairs(v, setting, func(word string) (string, bool) {
		return word, word == "OnCalendar"
	})
}

// monotonicLines writes a(st): the base of a timer, and microseconds.
func monotonicLines(setting string, v any) ([]Line, error) {
	list, err := pairs(v)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return one(setting, "")
	}
	var lines []Line
	for _, p := range list {
		word, ok1 := p[0].(string)
		span, ok2 := p[1].(uint64)
		if !ok1 || !ok2 {
			return nil, ErrPropertyType
		}
		name := strings.TrimSuffix(strings.TrimSuffix(word, "USec"), "Sec")
		switch name {
		case "OnActive", "OnBoot", "OnStartup", "OnUnitActive", "OnUnitInactive":
		default:
			return nil, &ErrPropertyValue{setting, word, "not the base of a timer"}
		}
		lines = append(lines, Line{Name: name + "Sec", Value: micros(span)})
	}
	return lines, nil
}

// namedLines writes a number that unit files have a word for; less than none is unset.
func namedLines(_ string, number func(string) (int, bool), words ...string) func(string, any) (
	[]Line, error) {
	return func(setting string, v any) ([]Line, error) {
		n, ok := v.(int32)
		if !ok {
			return nil, ErrPropertyType
		}
		if n < 0 {
			return one(setting, "")
		}
		for _, w := range words {
			if have, ok := number(w); ok && have == int(n) {
				return one(setting, w)
			}
		}
		return nil, &ErrPropertyValue{setting, strconv.Itoa(int(n)), "unknown"}
	}
}

func protocolLines(setting string, v any) ([]Line, error) {
	n, ok := v.(int32)
	if !ok {
		return nil, ErrPropertyType
	}
	switch n {
	case 0:
		return one(setting, "")
	case 132:
		return one(setting, "sctp")
	case 136:
		return one(setting, "udplite")
	}
	return nil, &ErrPropertyValue{setting, strconv.Itoa(int(n)), "not a known protocol"}
}

func secureBitLines(setting string, v any) ([]Line, error) {
	n, ok := v.(int32)
	if !ok {
		return nil, ErrPropertyType
	}
	var words []string
	for _, w := range [...]string{
		"noroot", "noroot-locked", "no-setuid-fixup", "no-setuid-fixup-locked", "keep-caps",
		"keep-caps-locked",
	} {
		if bit, _ := linux.SecureBit(w); int(n)&bit != 0 {
			words = append(words, w)
		}
	}
	return one(setting, strings.Join(words, " "))
}

func propagationLines(setting string, v any) ([]Line, error) {
	n, ok := v.(uint64)
	if !ok {
		return nil, ErrPropertyType
	}
	for _, w := range [...]string{"shared", "slave", "private"} {
		if flag, _ := linux.Propagation(w); flag == n {
			return one(setting, w)
		}
	}
	if n == 0 {
		return one(setting, "")
	}
	return nil, &ErrPropertyValue{setting, strconv.FormatUint(n, 10), "not a kind of propagation"}
}

func hexLines(setting string, v any) ([]Line, error) {
	n, ok := v.(uint64)
	if !ok {
		return nil, ErrPropertyType
	}
	return one(setting, "0x"+strconv.FormatUint(n, 16))
}

// namespaceLines writes the flags of the namespaces that can be made.
func namespaceLines(setting string, v any) ([]Line, error) {
	n, ok := v.(uint64)
	switch {
	case !ok:
		return nil, ErrPropertyType
	case n&linux.Namespaces == linux.Namespaces:
		return one(setting, "no")
	case n == 0:
		return one(setting, "yes")
	}
	var words []string
	for _, w := range [...]string{"cgroup", "ipc", "net", "mnt", "pid", "user", "uts"} {
		if flag, _ := linux.Namespace(w); n&flag != 0 {
			words = append(words, w)
		}
	}
	lines, _ := one(setting, "")
	return append(lines, Line{Name: setting, Value: strings.Join(words, " ")}), nil
}

// capabilityLines writes a set of capabilities, or what is not in it if that is less.
func capabilityLines(setting string, v any) ([]Line, error) {
	n, ok := v.(uint64)
	if !ok {
		return nil, ErrPropertyType
	}
	all := uint64(0)
	for c := uint(0); strings.HasPrefix(linux.CapabilityName(c), "CAP_"); c++ {
		all |= 1 << c
	}
	n &= all
	prefix := ""
	if bits.OnesCount64(n) > bits.OnesCount64(all&^n) {
		prefix, n = "~", all&^n
	}
	var words []string
	for c := uint(0); c < 64; c++ {
		if n>>c&1 != 0 {
			words = append(words, linux.CapabilityName(c))
		}
	}
	if setting == "AmbientCapabilities" && prefix == "" && len(words) == 0 {
		return one(setting, "")
	}
	return one(setting, prefix+strings.Join(words, " "))
}

// filterLines writes (bas): whether it lists what is allowed, and the list.
func filterLines(setting string, v any) ([]Line, error) {
	f, ok := fields(v, 2)
	if !ok {
		return nil, ErrPropertyType
	}
	allow, ok1 := f[0].(bool)
	list, ok2 := texts(f[1])
	if !ok1 || !ok2 {
		return nil, ErrPropertyType
	}
	words := make([]string, len(list))
	for i, w := range list {
		words[i] = quoted(w)
	}
	text := strings.Join(words, " ")
	if len(list) == 0 && setting == "RestrictAddressFamilies" && allow {
		text = "none"
	}
	if !allow {
		text = "~" + text
	}
	return one(setting, text)
}

func errnoLines(setting string, v any) ([]Line, error) {
	n, ok := v.(int32)
	switch {
	case !ok:
		return nil, ErrPropertyType
	case n == 0x7fffffff:
		return one(setting, "kill")
	case n == 0:
		return one(setting, "")
	}
	if name := linux.ErrnoName(int(n)); name != "" {
		return one(setting, name)
	}
	return one(setting, strconv.Itoa(int(n)))
}

// optionalLines writes (bs): a label, with - before it if it need not be there.
func optionalLines(setting string, v any) ([]Line, error) {
	f, ok := fields(v, 2)
	if !ok {
		return nil, ErrPropertyType
	}
	ignore, ok1 := f[0].(bool)
	label, ok2 := f[1].(string)
	text, err := wholeText(label)
	if !ok1 || !ok2 || err != nil {
		return nil, ErrPropertyType
	}
	if ignore {
		text = "-" + text
	}
	return one(setting, text)
}

// controllerLines writes names of controllers in one line.
func controllerLines(setting string, v any) ([]Line, error) {
	list, ok := texts(v)
	if !ok {
		return nil, ErrPropertyType
	}
	words := make([]string, len(list))
	for i, w := range list {
		words[i] = quoted(w)
	}
	return one(setting, strings.Join(words, " "))
}

// quotaLines writes CPU time per second as a percentage.
func quotaLines(setting string, v any) ([]Line, error) {
	n, ok := v.(uint64)
	switch {
	case !ok:
		return nil, ErrPropertyType
	case n == uint64(value.Infinity):
		return one(setting, "")
	}
	return one(setting, percent(n/100))
}

// percent writes hundredths of a percent.
func percent(n uint64) string {
	text := strconv.FormatUint(n/100, 10)
	if rest := n % 100; rest != 0 {
		text += "." + strconv.FormatUint(rest/10, 10) + strconv.FormatUint(rest%10, 10)
		text = strings.TrimSuffix(text, "0")
	}
	return text + "%"
}

// rawLines writes words that are not unquoted, a line each.
func rawLines(setting string, v any) ([]Line, error) {
	list, ok := texts(v)
	if !ok {
		return nil, ErrPropertyType
	}
	if len(list) == 0 {
		return one(setting, "")
	}
	var lines []Line
	for _, w := range list {
		text, err := wholeText(w)
		if err != nil || text == "" {
			return nil, &ErrPropertyValue{setting, w, "it cannot stand in one line"}
		}
		lines = append(lines, Line{Name: setting, Value: text})
	}
	return lines, nil
}

// fromNUMALines writes whether the CPUs are those of the NUMA nodes.
func fromNUMALines(setting string, v any) ([]Line, error) {
	on, ok := v.(bool)
	switch {
	case !ok:
		return nil, ErrPropertyType
	case on:
		return one(setting, "numa")
	}
	return one(setting, "")
}

// limitOf gives the limit that a property sets, "" if it sets none.
func limitOf(property string) (setting string, soft bool) {
	setting, soft = strings.CutSuffix(property, "Soft")
	if !strings.HasPrefix(setting, "Limit") || directive.Lookup("Service", setting) == nil {
		return "", false
	}
	return setting, soft
}

// Limits writes the hard and the soft limit of a resource, of which clients set one after
// the other: one alone is both.
func limits(list []directive.Property) (lines []Line, rest []directive.Property, err error) {
	type pair struct{ soft, hard uint64 }
	have := map[string]*pair{}
	var order []string
	for _, p := range list {
		setting, soft := limitOf(p.Name)
		if setting == "" {
			rest = append(rest, p)
			continue
		}
		n, ok := p.Value.(uint64)
		if !ok || p.Type != "t" {
			return nil, nil, ErrPropertyType
		}
		l := have[setting]
		switch {
		case l == nil:
			have[setting] = &pair{n, n}
			order = append(order, setting)
		case soft:
			l.soft = n
		default:
			l.hard = n
		}
	}
	for _, setting := range order {
		l := have[setting]
		text := bare(l.soft) + ":" + bare(l.hard)
		if l.soft == l.hard {
			text = bare(l.soft)
		}
		lines = append(lines, Line{Name: setting, Value: text})
	}
	return lines, rest, nil
}

// bare writes a limit without a unit, which for times would be seconds.
func bare(n uint64) string { return number(n) }

// scaleLines writes a share of 2^32-1 as a percentage.
func scaleLines(setting string, v any) ([]Line, error) {
	n, ok := v.(uint32)
	if !ok {
		return nil, ErrPropertyType
	}
	return one(setting, percent((uint64(n)*10000+(1<<32-1)/2)/(1<<32-1)))
}
