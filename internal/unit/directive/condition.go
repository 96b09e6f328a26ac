package directive

import (
	"rouse/internal/unit"
)

var conditionRows = []Row{
	{Name: "AssertACPower", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "ACPower", false},
		Doc: "As ConditionACPower=; the start fails where it is not met."},
	{Name: "AssertArchitecture", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "Architecture", false},
		Doc: "As ConditionArchitecture=; the start fails where it is not met."},
	{Name: "AssertCPUFeature", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "CPUFeature", false},
		Doc: "As ConditionCPUFeature=; the start fails where it is not met."},
	{Name: "AssertCPUPressure", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "CPUPressure", false},
		Doc: "As ConditionCPUPressure=; the start fails where it is not met."},
	{Name: "AssertCPUs", Group: conditionGroup, Bus: "Asserts", in: condition{&assert, "CPUs", false},
		Doc: "As ConditionCPUs=; the start fails where it is not met."},
	{Name: "AssertCapability", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "Capability", false},
		Doc: "As ConditionCapability=; the start fails where it is not met."},
	{Name: "AssertControlGroupController", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "ControlGroupController", false},
		Doc: "As ConditionControlGroupController=; the start fails where it is not met."},
	{Name: "AssertCredential", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "Credential", false},
		Doc: "As ConditionCredential=; the start fails where it is not met."},
	{Name: "AssertDirectoryNotEmpty", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "DirectoryNotEmpty", true},
		Doc: "As ConditionDirectoryNotEmpty=; the start fails where it is not met."},
	{Name: "AssertEnvironment", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "Environment", false},
		Doc: "As ConditionEnvironment=; the start fails where it is not met."},
	{Name: "AssertFileIsExecutable", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "FileIsExecutable", true},
		Doc: "As ConditionFileIsExecutable=; the start fails where it is not met."},
	{Name: "AssertFileNotEmpty", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "FileNotEmpty", true},
		Doc: "As ConditionFileNotEmpty=; the start fails where it is not met."},
	{Name: "AssertFirstBoot", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "FirstBoot", false},
		Doc: "As ConditionFirstBoot=; the start fails where it is not met."},
	{Name: "AssertGroup", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "Group", false},
		Doc: "As ConditionGroup=; the start fails where it is not met."},
	{Name: "AssertHost", Group: conditionGroup, Bus: "Asserts", in: condition{&assert, "Host", false},
		Doc: "As ConditionHost=; the start fails where it is not met."},
	{Name: "AssertIOPressure", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "IOPressure", false},
		Doc: "As ConditionIOPressure=; the start fails where it is not met."},
	{Name: "AssertKernelCommandLine", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "KernelCommandLine", false},
		Doc: "As ConditionKernelCommandLine=; the start fails where it is not met."},
	{Name: "AssertKernelVersion", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "KernelVersion", false},
		Doc: "As ConditionKernelVersion=; the start fails where it is not met."},
	{Name: "AssertMemory", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "Memory", false},
		Doc: "As ConditionMemory=; the start fails where it is not met."},
	{Name: "AssertMemoryPressure", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "MemoryPressure", false},
		Doc: "As ConditionMemoryPressure=; the start fails where it is not met."},
	{Name: "AssertNeedsUpdate", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "NeedsUpdate", true},
		Doc: "As ConditionNeedsUpdate=; the start fails where it is not met."},
	{Name: "AssertOSRelease", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "OSRelease", false},
		Doc: "As ConditionOSRelease=; the start fails where it is not met."},
	{Name: "AssertPathExists", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "PathExists", true},
		Doc: "As ConditionPathExists=; the start fails where it is not met."},
	{Name: "AssertPathExistsGlob", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "PathExistsGlob", true},
		Doc: "As ConditionPathExistsGlob=; the start fails where it is not met."},
	{Name: "AssertPathIsDirectory", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "PathIsDirectory", true},
		Doc: "As ConditionPathIsDirectory=; the start fails where it is not met."},
	{Name: "AssertPathIsEncrypted", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "PathIsEncrypted", true},
		Doc: "As ConditionPathIsEncrypted=; the start fails where it is not met."},
	{Name: "AssertPathIsMountPoint", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "PathIsMountPoint", true},
		Doc: "As ConditionPathIsMountPoint=; the start fails where it is not met."},
	{Name: "AssertPathIsReadWrite", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "PathIsReadWrite", true},
		Doc: "As ConditionPathIsReadWrite=; the start fails where it is not met."},
	{Name: "AssertPathIsSymbolicLink", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "PathIsSymbolicLink", true},
		Doc: "As ConditionPathIsSymbolicLink=; the start fails where it is not met."},
	{Name: "AssertSecurity", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "Security", false},
		Doc: "As ConditionSecurity=; the start fails where it is not met."},
	{Name: "AssertUser", Group: conditionGroup, Bus: "Asserts", in: condition{&assert, "User", false},
		Doc: "As ConditionUser=; the start fails where it is not met."},
	{Name: "AssertVirtualization", Group: conditionGroup, Bus: "Asserts",
		in:  condition{&assert, "Virtualization", false},
		Doc: "As ConditionVirtualization=; the start fails where it is not met."},
	{Name: "ConditionACPower", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "ACPower", false},
		Doc: "Whether the machine runs on AC power."},
	{Name: "ConditionArchitecture", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "Architecture", false},
		Doc: "Whether the machine has an architecture."},
	{Name: "ConditionCPUFeature", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "CPUFeature", false},
		Doc: "Whether the CPU has a feature."},
	{Name: "ConditionCPUPressure", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "CPUPressure", false},
		Doc: "Whether pressure on CPUs is below a limit."},
	{Name: "ConditionCPUs", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "CPUs", false},
		Doc: "Whether there are so many CPUs."},
	{Name: "ConditionCapability", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "Capability", false},
		Doc: "Whether the manager may have a capability."},
	{Name: "ConditionControlGroupController", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "ControlGroupController", false},
		Doc: "Whether a control group controller is there."},
	{Name: "ConditionCredential", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "Credential", false},
		Doc: "Whether the manager was given a credential."},
	{Name: "ConditionDirectoryNotEmpty", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "DirectoryNotEmpty", true},
		Doc: "Whether a path is a directory that is not empty."},
	{Name: "ConditionEnvironment", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "Environment", false},
		Doc: "Whether the manager's environment has a variable."},
	{Name: "ConditionFileIsExecutable", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "FileIsExecutable", true},
		Doc: "Whether a path is a file that may be executed."},
	{Name: "ConditionFileNotEmpty", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "FileNotEmpty", true},
		Doc: "Whether a path is a file that is not empty."},
	{Name: "ConditionFirmware", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "Firmware", false},
		Doc: "Whether the machine has a kind of firmware."},
	{Name: "ConditionFirstBoot", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "FirstBoot", false},
		Doc: "Whether the system boots for the first time."},
	{Name: "ConditionGroup", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "Group", false},
		Doc: "Whether the manager runs as a member of a group."},
	{Name: "ConditionHost", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "Host", false},
		Doc: "Whether the host name or machine ID is a certain one."},
	{Name: "ConditionIOPressure", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "IOPressure", false},
		Doc: "Whether pressure on input and output is below a limit."},
	{Name: "ConditionKernelCommandLine", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "KernelCommandLine", false},
		Doc: "Whether the kernel was given a word."},
	{Name: "ConditionKernelVersion", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "KernelVersion", false},
		Doc: "Whether the kernel's version is in a range."},
	{Name: "ConditionMemory", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "Memory", false},
		Doc: "Whether the machine has so much memory."},
	{Name: "ConditionMemoryPressure", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "MemoryPressure", false},
		Doc: "Whether pressure on memory is below a limit."},
	{Name: "ConditionNeedsUpdate", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "NeedsUpdate", true},
		Doc: "Whether /etc or /var is older than /usr."},
	{Name: "ConditionOSRelease", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "OSRelease", false},
		Doc: "Whether os-release has a field of a value."},
	{Name: "ConditionPathExists", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "PathExists", true},
		Doc: "Whether a path exists."},
	{Name: "ConditionPathExistsGlob", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "PathExistsGlob", true},
		Doc: "Whether a glob matches any path."},
	{Name: "ConditionPathIsDirectory", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "PathIsDirectory", true},
		Doc: "Whether a path is a directory."},
	{Name: "ConditionPathIsEncrypted", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "PathIsEncrypted", true},
		Doc: "Whether a path lies on an encrypted block device."},
	{Name: "ConditionPathIsMountPoint", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "PathIsMountPoint", true},
		Doc: "Whether a path is a mount point."},
	{Name: "ConditionPathIsReadWrite", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "PathIsReadWrite", true},
		Doc: "Whether a path lies on a file system mounted for writing."},
	{Name: "ConditionPathIsSymbolicLink", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "PathIsSymbolicLink", true},
		Doc: "Whether a path is a symbolic link."},
	{Name: "ConditionSecurity", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "Security", false},
		Doc: "Whether a security technology is at work."},
	{Name: "ConditionUser", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "User", false},
		Doc: "Whether the manager runs as a user."},
	{Name: "ConditionVirtualization", Group: conditionGroup, Bus: "Conditions",
		in:  condition{&check, "Virtualization", false},
		Doc: "Whether the system runs in a virtual machine or container."},
}

// condition is one Condition…= or Assert…= setting.
type condition struct {
	family *family
	name   string // without "Condition" or "Assert"
	isPath bool
}

// family is one of the two lists that conditions go into.
type family struct {
	prefix string
	list   func(u *unit.Unit) *[]unit.Condition
}

var (
	check  = family{"Condition", func(u *unit.Unit) *[]unit.Condition { return &u.Conditions }}
	assert = family{"Assert", func(u *unit.Unit) *[]unit.Condition { return &u.Asserts }}
)

func (s condition) signature() string { return "a(sbbsi)" }

func (s condition) syntax() string {
	if s.isPath {
		return "[|][!]absolute path"
	}
	return "[|][!]text"
}

// assign adds a condition. An empty value takes away all that the unit has so
// far, of whatever kind. Blanks may follow the prefixes, save before paths.
func (s condition) assign(p *parse) error {
	list := s.family.list(p.u)
	rest := p.value
	if rest == "" {
		*list = nil
		return nil
	}
	var c unit.Condition
	c.Name = s.name
	c.Trigger, rest = cutPrefix(rest, '|', !s.isPath)
	c.Negate, rest = cutPrefix(rest, '!', !s.isPath)
	var err error
	if s.isPath {
		c.Param, err = p.absolute(rest)
	} else {
		c.Param, err = p.expand(rest)
	}
	if err == nil {
		*list = append(*list, c)
	}
	return err
}

// cutPrefix takes prefix off s, with the blanks behind it if blanks is set.
func cutPrefix(s string, prefix byte, blanks bool) (bool, string) {
	if s == "" || s[0] != prefix {
		return false, s
	}
	s = s[1:]
	for blanks && s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	return true, s
}

// property lists the conditions, the last one first, as systemd does. The last
// field, the result of the last check, is the manager's to fill in.
func (s condition) property(u *unit.Unit) any {
	conditions := *s.family.list(u)
	list := make([]any, 0, len(conditions))
	for i := len(conditions) - 1; i >= 0; i-- {
		c := conditions[i]
		list = append(list, []any{s.family.prefix + c.Name, c.Trigger, c.Negate, c.Param, int32(0)})
	}
	return list
}
