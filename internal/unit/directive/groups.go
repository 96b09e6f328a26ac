package directive

// Group is a set of rows that the same sections share, from one manual page.
type Group uint8

// The groups, in the order of the reference manual.
const (
	unitGroup Group = iota
	limitGroup
	conditionGroup
	installGroup
	serviceGroup
	socketGroup
	mountGroup
	automountGroup
	swapGroup
	timerGroup
	pathGroup
	scopeGroup
	execGroup
	environmentGroup
	outputGroup
	scheduleGroup
	sandboxGroup
	filterGroup
	imageGroup
	credentialGroup
	killGroup
	resourceGroup
	accessGroup
	managerGroup
	Groups // the number of groups
)

// groups holds all rows. It is a literal down to the last function, so that it
// costs nothing when a program starts. The rows of a group are sorted by name.
var groups = [Groups]struct {
	title, file, man string
	sections         []string
	rows             []Row
}{
	unitGroup:  {"Unit", "unit", "systemd.unit(5)", inUnit, unitRows},
	limitGroup: {"Limits on starting", "limits", "systemd.unit(5)", inUnitAndService, limitRows},
	conditionGroup: {"Conditions and assertions", "conditions", "systemd.unit(5)", inUnit,
		conditionRows},
	installGroup: {"Install", "install", "systemd.unit(5)", []string{"Install"}, installRows},
	serviceGroup: {"Service", "service", "systemd.service(5)", []string{"Service"}, serviceRows},
	socketGroup:  {"Socket", "socket", "systemd.socket(5)", []string{"Socket"}, socketRows},
	mountGroup:   {"Mount", "mount", "systemd.mount(5)", []string{"Mount"}, mountRows},
	automountGroup: {"Automount", "automount", "systemd.automount(5)", []string{"Automount"},
		automountRows},
	swapGroup:        {"Swap", "swap", "systemd.swap(5)", []string{"Swap"}, swapRows},
	timerGroup:       {"Timer", "timer", "systemd.timer(5)", []string{"Timer"}, timerRows},
	pathGroup:        {"Path", "path", "systemd.path(5)", []string{"Path"}, pathRows},
	scopeGroup:       {"Scope", "scope", "systemd.scope(5)", []string{"Scope"}, scopeRows},
	execGroup:        {"Execution", "exec", "systemd.exec(5)", inExec, execRows},
	environmentGroup: {"Environment", "environment", "systemd.exec(5)", inExec, environmentRows},
	outputGroup:      {"Input, output and logging", "output", "systemd.exec(5)", inExec, outputRows},
	scheduleGroup:    {"Scheduling and limits", "scheduling", "systemd.exec(5)", inExec, scheduleRows},
	sandboxGroup:     {"Sandbox", "sandbox", "systemd.exec(5)", inExec, sandboxRows},
	filterGroup:      {"Filters and capabilities", "filters", "systemd.exec(5)", inExec, filterRows},
	imageGroup:       {"Root directory and images", "images", "systemd.exec(5)", inExec, imageRows},
	credentialGroup:  {"Credentials", "credentials", "systemd.exec(5)", inExec, credentialRows},
	killGroup:        {"Killing", "kill", "systemd.kill(5)", inKill, killRows},
	resourceGroup: {"Resources", "resources", "systemd.resource-control(5)", inResource,
		resourceRows},
	accessGroup: {"Devices, network and input/output", "access", "systemd.resource-control(5)",
		inResource, accessRows},
	managerGroup: {"Manager", "manager", "systemd-system.conf(5)", []string{"Manager"},
		managerRows},
}

// The sections that share settings.
var (
	inUnit           = []string{"Unit"}
	inUnitAndService = []string{"Unit", "Service"}
	inExec           = []string{"Service", "Socket", "Mount", "Swap"}
	inKill           = []string{"Service", "Socket", "Mount", "Swap", "Scope"}
	inResource       = []string{"Service", "Socket", "Mount", "Swap", "Slice", "Scope"}
)

// groupsOf lists the groups that a section takes its settings from, those that
// are used most first; nil for a section that has none.
func groupsOf(section string) []Group {
	switch section {
	case "Unit":
		return ofUnit[:]
	case "Install":
		return ofInstall[:]
	case "Service":
		return ofService[:]
	case "Socket":
		return ofSocket[:]
	case "Mount":
		return ofMount[:]
	case "Automount":
		return ofAutomount[:]
	case "Swap":
		return ofSwap[:]
	case "Timer":
		return ofTimer[:]
	case "Path":
		return ofPath[:]
	case "Slice":
		return ofSlice[:]
	case "Scope":
		return ofScope[:]
	case "Manager":
		return ofManager[:]
	}
	return nil
}

var (
	ofUnit    = [...]Group{unitGroup, conditionGroup, limitGroup}
	ofInstall = [...]Group{installGroup}
	ofService = [...]Group{
		serviceGroup, execGroup, killGroup, sandboxGroup, environmentGroup, outputGroup, filterGroup,
		scheduleGroup, resourceGroup, accessGroup, imageGroup, credentialGroup, limitGroup,
	}
	ofSocket = [...]Group{
		socketGroup, execGroup, killGroup, sandboxGroup, environmentGroup, outputGroup, filterGroup,
		scheduleGroup, resourceGroup, accessGroup, imageGroup, credentialGroup,
	}
	ofMount = [...]Group{
		mountGroup, execGroup, killGroup, sandboxGroup, environmentGroup, outputGroup, filterGroup,
		scheduleGroup, resourceGroup, accessGroup, imageGroup, credentialGroup,
	}
	ofSwap = [...]Group{
		swapGroup, execGroup, killGroup, sandboxGroup, environmentGroup, outputGroup, filterGroup,
		scheduleGroup, resourceGroup, accessGroup, imageGroup, credentialGroup,
	}
	ofAutomount = [...]Group{automountGroup}
	ofTimer     = [...]Group{timerGroup}
	ofPath      = [...]Group{pathGroup}
	ofSlice     = [...]Group{resourceGroup, accessGroup}
	ofScope     = [...]Group{scopeGroup, resourceGroup, accessGroup, killGroup}
	ofManager   = [...]Group{managerGroup}
)

// Title is the heading of the group's reference page.
func (g Group) Title() string { return groups[g].title }

// File is the name of the group's reference page, without its suffix.
func (g Group) File() string { return groups[g].file }

// Man is the manual page that describes the settings of the group.
func (g Group) Man() string { return groups[g].man }

// Sections lists the sections that the settings of the group may stand in.
func (g Group) Sections() []string { return groups[g].sections }

// Rows lists the rows of the group, sorted by name.
func (g Group) Rows() []Row { return groups[g].rows }

// Lookup finds the row of a setting, or nil.
func Lookup(section, name string) *Row {
	for _, g := range groupsOf(section) {
		if r := g.find(name); r != nil {
			return r
		}
	}
	return nil
}

// Rows lists all rows of unit files, group by group, sorted by name.
func Rows() []Row {
	var all []Row
	for g := range managerGroup {
		all = append(all, groups[g].rows...)
	}
	return all
}

// find searches by halves.
func (g Group) find(name string) *Row {
	rows := groups[g].rows
	lo, hi := 0, len(rows)
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if rows[mid].Name < name {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(rows) && rows[lo].Name == name {
		return &rows[lo]
	}
	return nil
}
