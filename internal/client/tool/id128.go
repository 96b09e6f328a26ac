package tool

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"strings"
)

var idProgram = Program{
	Name: "systemd-id128", Args: "COMMAND", About: "Generate and print 128bit identifiers",
	Verbs: []Verb{
		{"new", "", "Generate a new ID"},
		{"machine-id", "", "Print the ID of current machine"},
		{"boot-id", "", "Print the ID of current boot"},
		{"invocation-id", "", "Print the ID of current invocation"},
		{"show", "[NAME]", "Print one or more well-known GPT partition type IDs"},
		{"help", "", "Show this help"},
	},
	Flags: []Flag{
		{"p", "pretty", "", "Generate samples of program code"},
		{"a", "app-specific", "ID", "Generate app-specific IDs"},
		{"u", "uuid", "", "Output in UUID format"},
	},
	Run: identifiers,
}

type id [16]byte

func (d id) String() string { return hex.EncodeToString(d[:]) }

func (d id) uuid() string {
	s := d.String()
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// parseID reads an ID, as one word or as a UUID.
func parseID(s string) (d id, ok bool) {
	if len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' {
		s = s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(d) {
		return d, false
	}
	return id(b), true
}

// variant4 makes of random bits a UUID of version 4. RFC 4122.
func (d id) variant4() id {
	d[6], d[8] = d[6]&0x0f|0x40, d[8]&0x3f|0x80
	return d
}

// specific derives from an ID that of an application. sd_id128_get_machine(3).
func (d id) specific(app id) id {
	h := hmac.New(sha256.New, d[:])
	h.Write(app[:])
	return id(h.Sum(nil)[:16]).variant4()
}

func identifiers(r *Run) (int, error) {
	var app id
	if r.Has("app-specific") {
		var ok bool
		if app, ok = parseID(r.Value("app-specific")); !ok {
			if s := r.Value("app-specific"); s != "-" {
				return 1, Complain(`Failed to parse "%s" as application-ID: Invalid argument`, s)
			}
		}
	}
	if len(r.Args) == 0 {
		return 1, Complain("Command verb required.")
	}
	verb, args := r.Args[0], r.Args[1:]
	known := false
	for _, v := range r.Program.Verbs {
		known = known || v.Name == verb
	}
	if !known {
		return 1, Complain("Unknown command verb %s.", verb)
	}
	switch verb {
	case "show":
		return r.showIDs(args)
	case "help":
		r.Help()
		return 0, nil
	}
	if len(args) > 0 {
		return 1, Complain("Too many arguments.")
	}
	var d id
	var err error
	switch verb {
	case "new":
		rand.Read(d[:])
		d = d.variant4()
	case "machine-id":
		d, err = r.idOf("machine-ID", "etc/machine-id")
	case "boot-id":
		d, err = r.idOf("boot-ID", "proc/sys/kernel/random/boot_id")
	case "invocation-id":
		if r.Has("app-specific") {
			return 1, Complain(`Verb "invocation-id" cannot be combined with --app-specific=.`)
		}
		var ok bool
		if d, ok = parseID(r.Getenv("INVOCATION_ID")); !ok {
			err = Complain("Failed to get invocation-ID: No such device or address")
		}
	}
	if err != nil {
		return 1, err
	}
	if r.Has("app-specific") {
		d = d.specific(app)
	}
	r.printID("XYZ", d)
	return 0, nil
}

func (r *Run) idOf(what, file string) (id, error) {
	text, err := fs.ReadFile(r.Root("/"), file)
	if err != nil {
		return id{}, Complain("Failed to get %s: No such file or directory", what)
	}
	d, ok := parseID(strings.TrimSpace(string(text)))
	if !ok {
		return id{}, Complain("Failed to get %s: Input/output error", what)
	}
	return d, nil
}

func (r *Run) printID(name string, d id) {
	switch {
	case r.Has("pretty"):
		macro := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		pairs := make([]string, 0, 16)
		for i := range d {
			pairs = append(pairs, hex.EncodeToString(d[i:i+1]))
		}
		r.Print("As string:\n%s\n\nAs UUID:\n%s\n\nAs systemd-id128(1) macro:\n"+
			"#define %s SD_ID128_MAKE(%s)\n\nAs Python constant:\n>>> import uuid\n"+
			">>> %s = uuid.UUID('%s')\n", d, d.uuid(), macro, strings.Join(pairs, ","), macro, d)
	case r.Has("uuid"):
		r.Print("%s\n", d.uuid())
	default:
		r.Print("%s\n", d)
	}
}

// showIDs prints the types of partitions.
func (r *Run) showIDs(names []string) (int, error) {
	if len(names) == 0 {
		names = gptNames()
	}
	width := len("NAME")
	type row struct {
		name string
		d    id
	}
	var rows []row
	for _, n := range names {
		if d, ok := parseID(n); ok {
			n = "XYZ"
			for _, t := range gptNames() {
				if s, _ := gptName(t); s == d.String() {
					n = t
					break
				}
			}
			rows = append(rows, row{n, d})
			continue
		}
		s, ok := gptName(n)
		if !ok {
			return 1, Complain(`Unknown identifier "%s".`, n)
		}
		d, _ := parseID(s)
		rows = append(rows, row{n, d})
	}
	for _, x := range rows {
		width = max(width, len(x.name))
	}
	if !r.Has("pretty") {
		r.Print("%-*s ID\n", width, "NAME")
	}
	for i, x := range rows {
		switch {
		case r.Has("pretty"):
			r.printID(x.name, x.d)
			if i > 0 {
				r.Print("\n") // after the second one, not before it: so does systemd
			}
		case r.Has("uuid"):
			r.Print("%-*s %s\n", width, x.name, x.d.uuid())
		default:
			r.Print("%-*s %s\n", width, x.name, x.d)
		}
	}
	return 0, nil
}
