package directive

import (
	"encoding/hex"
	"slices"
	"sort"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

var imageRows = []Row{
	{Name: "ExtensionDirectories", Group: imageGroup, Support: LinuxOnly, Note: byMounts,
		Doc: "Directories laid over /usr and /opt.",
		in: in[[]string]{&optionalPaths,
			func(u *unit.Unit) *[]string { return &u.Exec.ExtensionDirectories }}},
	{Name: "ExtensionImages", Group: imageGroup, Support: Parsed, Note: notBuilt,
		Doc: "Disk images laid over /usr and /opt.",
		in: does{"[-]absolute path[:partition:options …] …", "a(sba(ss))", parseExtensions,
			busExtensions}},
	{Name: "MountAPIVFS", Group: imageGroup, Default: "no, yes with a root directory or image",
		Support: LinuxOnly, Note: byMounts,
		Doc: "Mount /proc, /sys, /dev and /run in the root directory.",
		in:  does{"boolean", "b", parseMountAPIVFS, busMountAPIVFS}},
	{Name: "MountImages", Group: imageGroup, Support: Parsed, Note: notBuilt,
		Doc: "Disk images and where they are mounted.",
		in: does{"[-]absolute path:absolute path[:partition:options …] …", "a(ssba(ss))",
			parseMountImages, busMountImages}},
	{Name: "RootDirectory", Group: imageGroup,
		Support: Partial, Note: "nothing is mounted in it but on Linux",
		Doc: "The root directory of processes.",
		in:  in[string]{&mustPath, func(u *unit.Unit) *string { return &u.Exec.RootDirectory }}},
	{Name: "RootHash", Group: imageGroup, Support: Parsed, Note: notBuilt,
		Doc: "The verity hash of RootImage=, or a file with it.",
		in: with{does{"hexadecimal digits, or absolute path", "ay", parseRootHash,
			func(u *unit.Unit) any { return append([]byte{}, u.Exec.RootHash...) }},
			func(u *unit.Unit, list []Property) []Property {
				return append(list, Property{"RootHashPath", "s", u.Exec.RootHashPath})
			}}},
	{Name: "RootHashSignature", Group: imageGroup, Support: Parsed, Note: notBuilt,
		Doc: "The signature of RootHash=, or a file with it.",
		in: with{does{"base64:…, or absolute path", "ay", parseRootHashSignature,
			func(u *unit.Unit) any { return append([]byte{}, u.Exec.RootHashSignature...) }},
			func(u *unit.Unit, list []Property) []Property {
				return append(list, Property{"RootHashSignaturePath", "s", u.Exec.RootHashSignaturePath})
			}}},
	{Name: "RootImage", Group: imageGroup, Support: Parsed, Note: notBuilt,
		Doc: "A disk image that is the root directory of processes.",
		in:  in[string]{&mustPath, func(u *unit.Unit) *string { return &u.Exec.RootImage }}},
	{Name: "RootImageOptions", Group: imageGroup, Support: Parsed, Note: notBuilt,
		Doc: "Mount options for the partitions of RootImage=.",
		in: does{"[partition:]options …", "a(ss)", parseRootImageOptions,
			func(u *unit.Unit) any { return busImageOptions(u.Exec.RootImageOptions) }}},
	{Name: "RootVerity", Group: imageGroup, Support: Parsed, Note: notBuilt,
		Doc: "The file with the verity data of RootImage=.",
		in:  in[string]{&mustPath, func(u *unit.Unit) *string { return &u.Exec.RootVerity }}},
}

var credentialRows = []Row{
	{Name: "ImportCredential", Group: credentialGroup, Bus: "-", Since: 254,
		Doc: "Credentials of the manager, or from the stores, by name; a last * is for any text.",
		in:  does{name: "name[*]", parse: parseImportCredential}},
	{Name: "LoadCredential", Group: credentialGroup,
		Doc: "A credential from a file, a socket or the manager's own credentials.",
		in:  loadCredential{encrypted: false}},
	{Name: "LoadCredentialEncrypted", Group: credentialGroup,
		Doc: "The same, encrypted, as systemd-creds(1) makes and decrypts them.",
		in:  loadCredential{encrypted: true}},
	{Name: "SetCredential", Group: credentialGroup,
		Doc: "A credential as given here.", in: setCredential{encrypted: false}},
	{Name: "SetCredentialEncrypted", Group: credentialGroup,
		Doc: "The same, encrypted by systemd-creds(1), in base64.", in: setCredential{encrypted: true}},
}

// optionalPaths are absolute paths with "-" before those that may be missing.
var optionalPaths = kind[[]string]{"[-]absolute path …", "as", parseOptionalPaths, list}

func parseOptionalPaths(p *parse, v *[]string) error {
	if p.value == "" {
		*v = nil
		return nil
	}
	return p.eachWord(value.Unquote, func(w string) {
		rest := strings.TrimPrefix(w, "-")
		path, err := p.absolute(rest)
		if err != nil {
			p.ignore(w, err.Error())
			return
		}
		*v = append(*v, w[:len(w)-len(rest)]+path)
	})
}

func parseMountAPIVFS(p *parse) error {
	if p.value == "" {
		p.u.Exec.MountAPIVFS = unit.Unset
		return nil
	}
	b, err := value.ParseBool(p.value)
	if err != nil {
		return err
	}
	p.u.Exec.MountAPIVFS = unit.No
	if b {
		p.u.Exec.MountAPIVFS = unit.Yes
	}
	return nil
}

func busMountAPIVFS(u *unit.Unit) any {
	if u.Exec.MountAPIVFS == unit.Unset {
		dir := u.Exec.RootDirectory
		return dir != "" && dir != "/" || u.Exec.RootImage != ""
	}
	return u.Exec.MountAPIVFS == unit.Yes
}

// minHash is the length of the shortest root hash, in bytes.
const minHash = 16

// parseRootHash: a path is kept as it stands.
func parseRootHash(p *parse) error {
	x := p.u.Exec
	switch {
	case p.value == "":
		x.RootHash, x.RootHashPath = nil, ""
		return nil
	case p.value[0] == '/':
		path, err := p.expand(p.value)
		if err == nil {
			x.RootHash, x.RootHashPath = nil, path
		}
		return err
	}
	hash, err := hex.DecodeString(p.value)
	if err != nil || len(hash) < minHash {
		return why("not a hash of 128 bits or more in hexadecimal digits, nor an absolute path")
	}
	x.RootHash, x.RootHashPath = hash, ""
	return nil
}

func parseRootHashSignature(p *parse) error {
	x := p.u.Exec
	switch {
	case p.value == "":
		x.RootHashSignature, x.RootHashSignaturePath = nil, ""
		return nil
	case p.value[0] == '/':
		path, err := p.expand(p.value)
		if err == nil {
			x.RootHashSignature, x.RootHashSignaturePath = nil, path
		}
		return err
	}
	text, ok := strings.CutPrefix(p.value, "base64:")
	if !ok || text == "" {
		return why("neither base64: and base64, nor an absolute path")
	}
	data, err := decode64(text)
	if err == nil {
		x.RootHashSignature, x.RootHashSignaturePath = []byte(data), ""
	}
	return err
}

// partitions are the words for the partitions of an image.
const partitions = " root root-secondary usr usr-secondary home srv esp xbootldr swap " +
	"root-verity root-secondary-verity usr-verity usr-secondary-verity " +
	"root-verity-sig root-secondary-verity-sig " +
	"usr-verity-sig usr-secondary-verity-sig tmp var "

// imageOption checks one "partition:options"; options alone are for the root.
func (p *parse) imageOption(partition, options string) (unit.ImageOptions, error) {
	if options == "" {
		partition, options = "root", partition
	}
	if strings.Contains(partition, " ") || !strings.Contains(partitions, " "+partition+" ") {
		return unit.ImageOptions{}, why(partition + ": not a kind of partition")
	}
	options, err := p.expand(options)
	return unit.ImageOptions{Partition: partition, Options: options}, err
}

// imageOptions reads "partition:options:partition:options…"; wrong pairs are
// left out.
func (p *parse) imageOptions(parts []string) (list []unit.ImageOptions) {
	for len(parts) > 0 {
		second := ""
		if len(parts) > 1 {
			second = parts[1]
		}
		if option, err := p.imageOption(parts[0], second); err != nil {
			p.fault(err.Error(), "ignoring these options")
		} else {
			list = append(list, option)
		}
		parts = parts[min(2, len(parts)):]
	}
	return list
}

func parseRootImageOptions(p *parse) error {
	x := p.u.Exec
	if p.value == "" {
		x.RootImageOptions = nil
		return nil
	}
	var pairs [][]string
	var bad error
	err := eachWord(p.value, value.Unquote|value.RetainEscape, func(w string) {
		parts, err := colonParts(w)
		if err == nil && len(parts) > 2 {
			err = why(w + ": more than a partition and its options")
		}
		if err != nil {
			bad = err
			return
		}
		pairs = append(pairs, parts)
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return err
	}
	for _, parts := range pairs {
		x.RootImageOptions = append(x.RootImageOptions, p.imageOptions(parts)...)
	}
	return nil
}

func busImageOptions(options []unit.ImageOptions) any {
	list := make([]any, len(options))
	for i, o := range options {
		list[i] = []any{o.Partition, o.Options}
	}
	return list
}

func parseExtensions(p *parse) error {
	return p.images(&p.u.Exec.ExtensionImages, false)
}

func parseMountImages(p *parse) error {
	return p.images(&p.u.Exec.MountImages, true)
}

// images adds images, with the place to mount them at if mounted is set.
func (p *parse) images(to *[]unit.Image, mounted bool) error {
	if p.value == "" {
		*to = nil
		return nil
	}
	return p.eachWord(value.Unquote|value.RetainEscape, func(w string) {
		var i unit.Image
		parts, err := colonParts(w)
		need := 1
		if mounted {
			need = 2
		}
		if err == nil && len(parts) < need {
			err = why("not an image and where to mount it")
		}
		if err == nil {
			var source string
			source, i.Optional = strings.CutPrefix(parts[0], "-")
			i.Source, err = p.absolute(source)
		}
		if err == nil && mounted {
			i.Where, err = p.absolute(parts[1])
		}
		if err != nil {
			p.ignore(w, err.Error())
			return
		}
		i.Options = p.imageOptions(parts[need:])
		*to = append(*to, i)
	})
}

func busExtensions(u *unit.Unit) any {
	list := make([]any, len(u.Exec.ExtensionImages))
	for i, e := range u.Exec.ExtensionImages {
		list[i] = []any{e.Source, e.Optional, busImageOptions(e.Options)}
	}
	return list
}

func busMountImages(u *unit.Unit) any {
	list := make([]any, len(u.Exec.MountImages))
	for i, m := range u.Exec.MountImages {
		list[i] = []any{m.Source, m.Where, m.Optional, busImageOptions(m.Options)}
	}
	return list
}

// credentialID takes the name of a credential off the value, before the first
// colon, and gives what follows. It must be the name of a file too.
func (p *parse) credentialID() (id, rest string, err error) {
	id, rest, _, err = value.NextWord(p.value, ":", value.KeepEmpty)
	if err == nil {
		id, err = p.expand(id)
	}
	if err == nil && !validCredential(id) {
		err = why("not the name of a credential")
	}
	return id, rest, err
}

func validCredential(s string) bool {
	return s != "." && s != ".." && !strings.Contains(s, "/") && s != "" && value.IsFDName(s)
}

// parseImportCredential reads the name of a credential, or how names begin.
func parseImportCredential(p *parse) error {
	x := p.u.Exec
	if p.value == "" {
		x.ImportCredentials = nil
		return nil
	}
	glob, err := p.expand(p.value)
	if err != nil {
		return err
	}
	if start, any := strings.CutSuffix(glob, "*"); start == "" && !any ||
		start != "" && !validCredential(start) || strings.ContainsAny(start, "*?[") {
		return why("neither the name of a credential nor the beginning of one and *")
	}
	if at, ok := slices.BinarySearch(x.ImportCredentials, glob); !ok {
		x.ImportCredentials = slices.Insert(x.ImportCredentials, at, glob)
	}
	return nil
}

// loadCredential is LoadCredential= or LoadCredentialEncrypted=.
type loadCredential struct{ encrypted bool }

func (s loadCredential) signature() string { return "a(ss)" }
func (s loadCredential) syntax() string    { return "name[:absolute path or name]" }

// assign adds a credential, which replaces one of the same name. An empty value
// takes all away, of both kinds.
func (s loadCredential) assign(p *parse) error {
	x := p.u.Exec
	if p.value == "" {
		x.LoadCredentials = nil
		return nil
	}
	id, rest, err := p.credentialID()
	if err != nil {
		return err
	}
	source := id
	if rest != "" {
		if source, err = p.expand(rest); err != nil {
			return err
		}
		if strings.HasPrefix(source, "/") {
			if isNormal(source) {
				err = nil
			} else {
				err = why(`not a normalized path`)
			}
		} else if !validCredential(source) {
			err = why("neither an absolute path nor the name of a credential")
		}
		if err != nil {
			return err
		}
	}
	c := unit.LoadCredential{ID: id, Path: source, Encrypted: s.encrypted}
	at := sort.Search(len(x.LoadCredentials),
		func(i int) bool { return x.LoadCredentials[i].ID >= id })
	if at == len(x.LoadCredentials) || x.LoadCredentials[at].ID != id {
		x.LoadCredentials = append(x.LoadCredentials, c)
		copy(x.LoadCredentials[at+1:], x.LoadCredentials[at:])
	}
	x.LoadCredentials[at] = c
	return nil
}

// isNormal reports whether a path has no ".." and nothing that does not count.
func isNormal(path string) bool {
	s, err := cleanAbsolute(path)
	return err == nil && s == path
}

func (s loadCredential) property(u *unit.Unit) any {
	list := []any{}
	for _, c := range u.Exec.LoadCredentials {
		if c.Encrypted == s.encrypted {
			list = append(list, []any{c.ID, c.Path})
		}
	}
	return list
}

// setCredential is SetCredential= or SetCredentialEncrypted=.
type setCredential struct{ encrypted bool }

func (s setCredential) signature() string { return "a(say)" }

func (s setCredential) syntax() string {
	if s.encrypted {
		return "name:base64"
	}
	return "name:text"
}

// assign adds a credential, which replaces one of the same name. An empty value
// takes all away, of both kinds. Specifiers count in names only.
func (s setCredential) assign(p *parse) error {
	x := p.u.Exec
	if p.value == "" {
		x.SetCredentials = nil
		return nil
	}
	id, rest, err := p.credentialID()
	if err == nil && rest == "" {
		err = why("not a name and a value with a colon between")
	}
	if err != nil {
		return err
	}
	data := ""
	if s.encrypted {
		data, err = decode64(rest)
	} else {
		data, err = unescape(rest)
	}
	if err != nil {
		return err
	}
	c := unit.SetCredential{ID: id, Data: []byte(data), Encrypted: s.encrypted}
	at := sort.Search(len(x.SetCredentials), func(i int) bool { return x.SetCredentials[i].ID >= id })
	if at == len(x.SetCredentials) || x.SetCredentials[at].ID != id {
		x.SetCredentials = append(x.SetCredentials, c)
		copy(x.SetCredentials[at+1:], x.SetCredentials[at:])
	}
	x.SetCredentials[at] = c
	return nil
}

func (s setCredential) property(u *unit.Unit) any {
	list := []any{}
	for _, c := range u.Exec.SetCredentials {
		if c.Encrypted == s.encrypted {
			list = append(list, []any{c.ID, append([]byte{}, c.Data...)})
		}
	}
	return list
}
