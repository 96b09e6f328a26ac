package face

import "context"

// Files is about unit files and the links that enable them. What changes a link tells
// subscribers so with an event "unit-files-changed"; it loads no unit again.
type Files interface {
	// ChangeFiles enables, disables, masks and so on. The reply is what systemd's methods of
	// these names give; an error is one that left nothing changed.
	ChangeFiles(ctx context.Context, req FilesRequest) (FilesReply, error)
	// FileState is the word of is-enabled for a unit file, by its name or path.
	FileState(ctx context.Context, unitFile string) (string, error)
	// UnitFiles lists unit files by path, those in one of the states and whose name one of
	// the patterns matches; none means all.
	UnitFiles(ctx context.Context, states, patterns []string) ([]UnitFile, error)
	// FileLinks lists the links that disabling the unit file would remove.
	FileLinks(ctx context.Context, unitFile string, runtime bool) ([]string, error)
	// DefaultTarget names the target that is started at boot.
	DefaultTarget(ctx context.Context) (string, error)
}

// FilesRequest asks for unit files to be changed.
type FilesRequest struct {
	// "enable", "disable", "reenable", "preset", "preset-all", "mask", "unmask", "link",
	// "revert", "set-default", "add-wants" or "add-requires"
	Verb  string
	Units []string // names; for enable, reenable and link paths, too
	// Target is what add-wants and add-requires add to.
	Target string
	// PresetMode is "full", "enable-only" or "disable-only"; "" is "full".
	PresetMode string
	Runtime    bool // until the next boot
	Force      bool // in place of links to elsewhere
}

// FilesReply tells what was changed.
type FilesReply struct {
	// HasInstallInfo reports that there was an [Install] section to carry out.
	HasInstallInfo bool
	Changes        []FileChange
}

// FileChange is one change, or what stood in the way of one.
type FileChange struct {
	// "symlink", "unlink", "masked", "masked by generator", "dangling",
	// "destination not present" or "auxiliary unit failed"
	Type   string
	Path   string
	Source string // where a symlink leads, or the unit at fault
}

// UnitFile is one line of list-unit-files.
type UnitFile struct{ Path, State string }

// NoFiles is for those who can do none of Files: each call is refused.
type NoFiles struct{}

var _ Files = NoFiles{}

// ChangeFiles implements Files.
func (NoFiles) ChangeFiles(_ context.Context, req FilesRequest) (FilesReply, error) {
	return FilesReply{}, notHere(req.Verb)
}

// FileState implements Files.
func (NoFiles) FileState(context.Context, string) (string, error) {
	return "", notHere("GetUnitFileState")
}

// UnitFiles implements Files.
func (NoFiles) UnitFiles(context.Context, []string, []string) ([]UnitFile, error) {
	return nil, notHere("ListUnitFiles")
}

// FileLinks implements Files.
func (NoFiles) FileLinks(context.Context, string, bool) ([]string, error) {
	return nil, notHere("GetUnitFileLinks")
}

// DefaultTarget implements Files.
func (NoFiles) DefaultTarget(context.Context) (string, error) {
	return "", notHere("GetDefaultTarget")
}
