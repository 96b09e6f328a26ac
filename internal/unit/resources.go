package unit

import (
	"math"
	"net/netip"

	"rouse/internal/unit/value"
)

// WeightUnset is a weight or share that is not set; WeightIdle is CPUWeight=idle.
const (
	WeightUnset uint64 = math.MaxUint64
	WeightIdle  uint64 = 0
)

// Resources are the settings of systemd.resource-control(5).
type Resources struct {
	CPUAccounting, IOAccounting, BlockIOAccounting  bool
	MemoryAccounting, TasksAccounting, IPAccounting bool

	CPUWeight, StartupCPUWeight                   uint64
	CPUShares, StartupCPUShares                   uint64
	CPUQuota                                      value.Span // of CPU time per second; infinity: none
	CPUQuotaPeriod                                value.Span // infinity: not set
	AllowedCPUs, StartupAllowedCPUs               value.CPUSet
	AllowedMemoryNodes, StartupAllowedMemoryNodes value.CPUSet

	MemoryMin, MemoryLow               value.Size
	MemoryMinSet, MemoryLowSet         bool
	DefaultMemoryMin, DefaultMemoryLow value.Size
	MemoryHigh, MemoryMax              value.Size
	MemorySwapMax                      value.Size
	MemoryLimit                        value.Size

	TasksMax uint64 // value.SizeInfinity: none

	IOWeight, StartupIOWeight           uint64
	IODeviceWeight                      []DeviceWeight
	IODeviceLatency                     []DeviceLatency
	IOReadBandwidth, IOWriteBandwidth   []DeviceLimit // bytes per second
	IOReadIOPS, IOWriteIOPS             []DeviceLimit // operations per second
	BlockIOWeight, StartupBlockIOWeight uint64
	BlockIODeviceWeight                 []DeviceWeight
	BlockIOReadBandwidth                []DeviceLimit
	BlockIOWriteBandwidth               []DeviceLimit

	DeviceAllow  []DeviceAllow
	DevicePolicy DevicePolicy

	Delegate            bool
	DelegateControllers []string // in the order of the kernel
	DisableControllers  []string

	IPAddressAllow, IPAddressDeny            []netip.Prefix
	IPIngressFilterPath, IPEgressFilterPath  []string
	BPFPrograms                              []BPFProgram
	SocketBindAllow, SocketBindDeny          []SocketBind
	RestrictNetworkInterfaces                Restriction
	ManagedOOMSwap, ManagedOOMMemoryPressure ManagedOOM
	ManagedOOMMemoryPressureLimit            uint32 // of 2^32-1; 0: oomd's own
	ManagedOOMPreference                     ManagedOOMPreference
}

// DeviceWeight is the weight of one block device.
type DeviceWeight struct {
	Path   string
	Weight uint64
}

// DeviceLimit is a limit on one block device.
type DeviceLimit struct {
	Path string
	Max  uint64
}

// DeviceLatency is the latency aimed at on one block device.
type DeviceLatency struct {
	Path   string
	Target value.Span
}

// DeviceAllow is one line of DeviceAllow=: a node, or "char-NAME", "block-NAME".
type DeviceAllow struct {
	Path, Access string // Access is some of "rwm"
}

// BPFProgram is one line of BPFProgram=.
type BPFProgram struct{ Attach, Path string }

// SocketBind is one rule of SocketBindAllow= or SocketBindDeny=.
type SocketBind struct {
	Family   int // AF_INET, AF_INET6; 0 both
	Protocol int // IPPROTO_TCP, IPPROTO_UDP; 0 both
	Count    uint16
	Port     uint16 // the first of Count; Count 0 is all ports
}

// DevicePolicy is DevicePolicy=.
type DevicePolicy uint8

// The device policies.
const (
	DeviceAuto DevicePolicy = iota
	DeviceClosed
	DeviceStrict
	DevicePolicies
)

var devicePolicyWords = [DevicePolicies]string{"auto", "closed", "strict"}

func (p DevicePolicy) String() string { return devicePolicyWords[p] }

// ManagedOOM is ManagedOOMSwap= and ManagedOOMMemoryPressure=.
type ManagedOOM uint8

// What oomd does about a unit.
const (
	ManagedOOMAuto ManagedOOM = iota
	ManagedOOMKill
	ManagedOOMs
)

var managedOOMWords = [ManagedOOMs]string{"auto", "kill"}

func (m ManagedOOM) String() string { return managedOOMWords[m] }

// ManagedOOMPreference is ManagedOOMPreference=.
type ManagedOOMPreference uint8

// How gladly oomd picks a unit.
const (
	OOMPreferNone ManagedOOMPreference = iota
	OOMPreferAvoid
	OOMPreferOmit
	ManagedOOMPreferences
)

var oomPreferenceWords = [ManagedOOMPreferences]string{"none", "avoid", "omit"}

func (p ManagedOOMPreference) String() string { return oomPreferenceWords[p] }
