package spawn

// appliedHere are the directives that are carried out on Linux alone.
var appliedHere = []string{
	"AmbientCapabilities",
	"AppArmorProfile",
	"CPUAffinity",
	"CPUSchedulingPolicy",
	"CPUSchedulingPriority",
	"CPUSchedulingResetOnFork",
	"CapabilityBoundingSet",
	"CoredumpFilter",
	"IOSchedulingClass",
	"IOSchedulingPriority",
	"KeyringMode",
	"NUMAMask",
	"NUMAPolicy",
	"NoNewPrivileges",
	"OOMScoreAdjust",
	"Personality",
	"SELinuxContext",
	"SecureBits",
	"SmackProcessLabel",
	"TimerSlackNSec",
}
