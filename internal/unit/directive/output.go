package directive

import (
	"encoding/base64"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
	"rouse/internal/unit/value/linux"
)

const noTTY = "elsewhere terminals are opened and nothing else is done to them"

var outputRows = []Row{
	{Name: "LogExtraFields", Group: outputGroup, Support: Full,
		Doc: "Fields added to all log messages of the unit.",
		in:  does{"FIELD=value …", "aay", parseLogFields, busLogFields}},
	{Name: "LogLevelMax", Group: outputGroup, Support: Full,
		Doc: "The least urgent level that is stored.",
		in:  in[int]{&logLevel, func(u *unit.Unit) *int { return &u.Exec.LogLevelMax }}},
	{Name: "LogNamespace", Group: outputGroup, Support: LinuxOnly, Note: byMounts,
		Doc: "The journal namespace that messages go to.",
		in:  in[string]{&namespaceName, func(u *unit.Unit) *string { return &u.Exec.LogNamespace }}},
	{Name: "LogRateLimitBurst", Group: outputGroup, Default: "the journal's",
		Support: Full,
		Doc:     "How many messages are stored in LogRateLimitIntervalSec=.",
		in:      in[uint]{&unsigned, func(u *unit.Unit) *uint { return &u.Exec.LogRateLimitBurst }}},
	{Name: "LogRateLimitIntervalSec", Group: outputGroup, Bus: "LogRateLimitIntervalUSec",
		Default: "the journal's",
		Support: Full,
		Doc:     "The time in which LogRateLimitBurst= messages are stored.",
		in: in[value.Span]{&span,
			func(u *unit.Unit) *value.Span { return &u.Exec.LogRateLimitInterval }}},
	{Name: "StandardError", Group: outputGroup, Default: "DefaultStandardError=",
		Doc: "Where standard error goes.",
		in: with{does{outputWords, "s", parseStderr,
			func(u *unit.Unit) any { return stdioName(u.Exec.Stderr, unit.StdioInherit) }},
			func(u *unit.Unit, list []Property) []Property {
				return append(list, Property{"StandardErrorFileDescriptorName", "s",
					fdName(u.Exec.Stderr, u.Exec.StderrFDName, "stderr")})
			}}},
	{Name: "StandardInput", Group: outputGroup, Default: "null",
		Doc: "Where standard input comes from.",
		in: with{does{inputWords, "s", parseStdin,
			func(u *unit.Unit) any { return stdioName(u.Exec.Stdin, unit.StdioNull) }},
			func(u *unit.Unit, list []Property) []Property {
				return append(list, Property{"StandardInputFileDescriptorName", "s",
					fdName(u.Exec.Stdin, u.Exec.StdinFDName, "stdin")})
			}}},
	{Name: "StandardInputData", Group: outputGroup,
		Doc: "What standard input reads, in base64.",
		in:  does{"base64", "ay", parseInputData, busInputData}},
	{Name: "StandardInputText", Group: outputGroup, Bus: "StandardInputData",
		Doc: "A line that standard input reads.",
		in:  does{"text", "ay", parseInputText, busInputData}},
	{Name: "StandardOutput", Group: outputGroup, Default: "DefaultStandardOutput=",
		Doc: "Where standard output goes.",
		in: with{does{outputWords, "s", parseStdout,
			func(u *unit.Unit) any { return stdioName(u.Exec.Stdout, unit.StdioInherit) }},
			func(u *unit.Unit, list []Property) []Property {
				return append(list, Property{"StandardOutputFileDescriptorName", "s",
					fdName(u.Exec.Stdout, u.Exec.StdoutFDName, "stdout")})
			}}},
	{Name: "SyslogFacility", Group: outputGroup, Default: "daemon",
		Doc: "The facility of log messages.",
		in: with{in[int]{&logFacility, func(u *unit.Unit) *int { return &u.Exec.SyslogFacility }},
			func(u *unit.Unit, list []Property) []Property {
				priority := u.Exec.SyslogFacility<<3 | u.Exec.SyslogLevel
				return append(list, Property{"SyslogPriority", "i", int32(priority)})
			}}},
	{Name: "SyslogIdentifier", Group: outputGroup, Default: "the name of the program",
		Doc: "What log messages begin with.",
		in:  in[string]{&expanded, func(u *unit.Unit) *string { return &u.Exec.SyslogIdentifier }}},
	{Name: "SyslogLevel", Group: outputGroup, Default: "info",
		Doc: "The level of log messages.",
		in:  in[int]{&logLevel, func(u *unit.Unit) *int { return &u.Exec.SyslogLevel }}},
	{Name: "SyslogLevelPrefix", Group: outputGroup, Default: "yes",
		Doc: "Take a level like <3> at the beginning of a line as that of the message.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.SyslogLevelPrefix }}},
	{Name: "TTYColumns", Group: outputGroup, Support: LinuxOnly, Note: noTTY,
		Doc: "The width that the terminal is given.",
		in:  in[uint]{&terminalSize, func(u *unit.Unit) *uint { return &u.Exec.TTYColumns }}},
	{Name: "TTYPath", Group: outputGroup, Default: "/dev/console",
		Doc: "The terminal.",
		in:  in[string]{&path, func(u *unit.Unit) *string { return &u.Exec.TTYPath }}},
	{Name: "TTYReset", Group: outputGroup, Default: "no", Support: LinuxOnly, Note: noTTY,
		Doc: "Reset the terminal before and after.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.TTYReset }}},
	{Name: "TTYRows", Group: outputGroup, Support: LinuxOnly, Note: noTTY,
		Doc: "The height that the terminal is given.",
		in:  in[uint]{&terminalSize, func(u *unit.Unit) *uint { return &u.Exec.TTYRows }}},
	{Name: "TTYVHangup", Group: outputGroup, Default: "no", Support: LinuxOnly, Note: noTTY,
		Doc: "Hang up whoever has the terminal, before and after.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.TTYVHangup }}},
	{Name: "TTYVTDisallocate", Group: outputGroup, Default: "no", Support: LinuxOnly, Note: noTTY,
		Doc: "Clear a virtual terminal and its scrollback, before and after.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.TTYVTDisallocate }}},
}

const (
	inputWords  = "null, tty, tty-force, tty-fail, data, file:path, socket, fd[:name]"
	outputWords = "inherit, null, tty, journal, kmsg, journal+console, kmsg+console, file:path, " +
		"append:path, truncate:path, socket, fd[:name]"
)

var (
	logLevel      = kind[int]{"emerg to debug, or 0 to 7", "i", parseLevel, busInt}
	logFacility   = kind[int]{"kern, user, …, local7", "i", parseFacility, busInt}
	namespaceName = kind[string]{"journal namespace", "s", parseNamespaceName, plain[string]}
	terminalSize  = kind[uint]{"number", "q", parseTerminalSize,
		func(v *uint) any { return uint16(*v) }}
)

func parseLevel(p *parse, v *int) error {
	n, ok := linux.Level(p.value)
	if !ok {
		return why("not a log level, emerg to debug or 0 to 7")
	}
	*v = n
	return nil
}

func parseFacility(p *parse, v *int) error {
	n, ok := linux.Facility(p.value)
	if !ok {
		return why("not a log facility")
	}
	*v = n
	return nil
}

func parseNamespaceName(p *parse, v *string) error {
	s, err := p.expand(p.value)
	if err != nil {
		return err
	}
	valid := name.Valid("x@"+s+".service", name.Instance) && !strings.Contains(s, `\`)
	if s == "." || s == ".." || s != "" && !valid {
		return why("not a journal namespace")
	}
	*v = s
	return nil
}

func parseTerminalSize(p *parse, v *uint) error {
	if p.value == "" {
		*v = unit.TTYSizeUnset
		return nil
	}
	return parseUnsigned(p, v)
}

// stdioName is the word for s; unset stands for what s is if it is not set.
func stdioName(s, unset unit.Stdio) string {
	if s == unit.StdioUnset {
		s = unset
	}
	return s.String()
}

// fdName is the name of a descriptor, if a stream is one.
func fdName(s unit.Stdio, name, standard string) string {
	if s != unit.StdioFD {
		return ""
	}
	if name == "" {
		return standard
	}
	return name
}

func parseStdin(p *parse) error {
	x := p.u.Exec
	word, file, fd, err := p.stream()
	if err != nil {
		return err
	}
	switch word {
	case "null", "tty", "tty-force", "tty-fail", "socket", "fd", "data", "file":
		x.StdinFile = file
		if fd != "" {
			x.StdinFDName = fd
		}
		return parseEnum(word, unit.Stdios, &x.Stdin)
	}
	return why("not one of " + inputWords)
}

func parseStdout(p *parse) error {
	return p.outputStream(&p.u.Exec.Stdout, &p.u.Exec.StdoutFile, &p.u.Exec.StdoutFDName)
}

func parseStderr(p *parse) error {
	return p.outputStream(&p.u.Exec.Stderr, &p.u.Exec.StderrFile, &p.u.Exec.StderrFDName)
}

func (p *parse) outputStream(to *unit.Stdio, toFile, toFD *string) error {
	word, file, fd, err := p.stream()
	if err != nil {
		return err
	}
	switch word {
	case "syslog", "syslog+console":
		now := "journal" + strings.TrimPrefix(word, "syslog")
		p.fault(word+" is an old name of "+now, "using "+now)
		word = now
	case "tty-force", "tty-fail", "data":
		return why("not one of " + outputWords)
	}
	if err := parseEnum(word, unit.Stdios, to); err != nil {
		return why("not one of " + outputWords)
	}
	*toFile = file
	if fd != "" {
		*toFD = fd
	}
	return nil
}

// stream takes the value of StandardInput= and kin apart.
func (p *parse) stream() (word, file, fd string, err error) {
	word, rest, ok := strings.Cut(p.value, ":")
	if !ok {
		return word, "", "", nil
	}
	if rest, err = p.expand(rest); err != nil {
		return "", "", "", err
	}
	switch word {
	case "fd":
		if rest != "" && !value.IsFDName(rest) {
			return "", "", "", why("not the name of a file descriptor")
		}
		return word, "", rest, nil
	case "file", "append", "truncate":
		file, err = cleanAbsolute(rest)
		return word, file, "", err
	}
	return "", "", "", why("there is nothing that takes a colon but file:, append:, truncate: and fd:")
}

// parseInputText adds a line.
func parseInputText(p *parse) error {
	x := p.u.Exec
	if p.value == "" {
		x.StdinData = nil
		return nil
	}
	s, err := unescape(p.value)
	if err == nil {
		s, err = p.expand(s)
	}
	if err != nil {
		return err
	}
	return p.addInput(s + "\n")
}

func parseInputData(p *parse) error {
	if p.value == "" {
		p.u.Exec.StdinData = nil
		return nil
	}
	data, err := decode64(p.value)
	if err != nil {
		return err
	}
	return p.addInput(data)
}

// maxInput is the most that StandardInputText= and StandardInputData= may hold.
const maxInput = 4 << 20

func (p *parse) addInput(data string) error {
	if len(p.u.Exec.StdinData)+len(data) > maxInput {
		return why("more than 4M of standard input")
	}
	p.u.Exec.StdinData = append(p.u.Exec.StdinData, data...)
	return nil
}

func busInputData(u *unit.Unit) any {
	return append([]byte{}, u.Exec.StdinData...)
}

// decode64 decodes base64 in which blanks do not count.
func decode64(s string) (string, error) {
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		return "", why("not base64")
	}
	return string(data), nil
}

// unescape replaces the escapes of C in s, which is one word with its blanks.
func unescape(s string) (string, error) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	word, _, ok, err := value.NextWord(s, "\x00", value.CUnescape)
	if err != nil || !ok || strings.IndexByte(word, 0) >= 0 {
		return "", why("not a valid escape")
	}
	return word, nil
}

func parseLogFields(p *parse) error {
	x := p.u.Exec
	if p.value == "" {
		x.LogExtraFields = nil
		return nil
	}
	return p.eachWord(value.CUnescape|value.Unquote, func(w string) {
		s, err := p.expand(w)
		if err == nil && !validLogField(s) {
			err = why("not a field: a name of A-Z, 0-9 and _, then =")
		}
		if err != nil {
			p.ignore(w, err.Error())
			return
		}
		x.LogExtraFields = append(x.LogExtraFields, s)
	})
}

// validLogField reports whether s is a field that a client of the journal may set.
func validLogField(s string) bool {
	name, _, ok := strings.Cut(s, "=")
	if !ok || name == "" || len(name) > 64 || name[0] == '_' || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		if !(c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_') {
			return false
		}
	}
	return true
}

func busLogFields(u *unit.Unit) any {
	list := make([]any, len(u.Exec.LogExtraFields))
	for i, f := range u.Exec.LogExtraFields {
		list[i] = []byte(f)
	}
	return list
}
