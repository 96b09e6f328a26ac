package directive

import (
	"math"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
	"rouse/internal/unit/value/linux"
)

// Finish completes u when all its files have been applied: it chooses what was
// left open, adds what settings imply, and checks that they fit together. The
// error says why the unit must not be used; its load state is u.Broken if that
// is set, else bad-setting. A nil c is an empty one, a nil d is c.Defaults.
func Finish(u *unit.Unit, c *Context, d *Defaults) error {
	if c == nil {
		c = &Context{}
	}
	if d == nil {
		d = c.defaults()
	}
	broken := u.Broken != unit.Stub
	if u.Exec != nil && (!broken || u.Mount != nil || u.Swap != nil) {
		finishExec(u, c, d)
	}
	if broken {
		finishBroken(u)
		return why("a setting that cannot be read is too important to be left out")
	}
	if err := finishPart(u, d); err != nil {
		return err
	}
	c.share(u)
	return nil
}

// finishPart completes the part of its own that units of the type have.
func finishPart(u *unit.Unit, d *Defaults) error {
	switch u.Type {
	case name.Service:
		return finishService(u, d)
	case name.Socket:
		return finishSocket(u)
	case name.Mount:
		return finishMount(u)
	case name.Automount:
		return finishAutomount(u)
	case name.Swap:
		return finishSwap(u)
	case name.Timer:
		return finishTimer(u)
	case name.Path:
		return finishPath(u)
	case name.Scope:
		if !u.Scope.OOMPolicySet {
			u.Scope.OOMPolicy, u.Scope.OOMPolicySet = d.OOMPolicy, true
			if u.Resources.Delegate {
				u.Scope.OOMPolicy = unit.OOMContinue
			}
		}
	case name.Slice:
		if path, err := name.ToPath(u.Name); err == nil {
			path = "Slice " + path
			if u.Name == "-.slice" {
				path = "Root Slice"
			}
			describe(u, &path)
		}
	case name.Bad, name.Target, name.Device, name.Types:
	}
	return nil
}

// finishBroken completes what shows of mounts and swaps that must not be used.
func finishBroken(u *unit.Unit) {
	if u.Mount != nil && u.Mount.Where != "" {
		describe(u, &u.Mount.Where)
	}
	if u.Swap != nil && u.Swap.What != "" {
		describe(u, &u.Swap.What)
	}
}

// finishExec adds what settings of the execution context imply for others.
func finishExec(u *unit.Unit, c *Context, d *Defaults) {
	x := u.Exec
	for i := range x.Limits {
		if !x.Limits[i].Set && d.Limits[i].Set {
			x.Limits[i] = d.Limits[i]
		}
	}
	if c.User && x.WorkingDirectory == "" && !x.WorkingDirectoryHome && c.Home != "" {
		x.WorkingDirectory, x.WorkingDirectoryMissingOK = c.Home, true
	}
	if x.PrivateDevices {
		x.CapabilityBoundingSet &^= 1<<linux.CapMknod | 1<<linux.CapSysRawIO
	}
	if x.ProtectKernelModules {
		x.CapabilityBoundingSet &^= 1 << linux.CapSysModule
	}
	if x.ProtectKernelLogs {
		x.CapabilityBoundingSet &^= 1 << linux.CapSyslog
	}
	if x.ProtectClock {
		x.CapabilityBoundingSet &^= 1<<linux.CapSysTime | 1<<linux.CapWakeAlarm
	}
	if x.DynamicUser {
		finishDynamicUser(u)
	}
	if u.Resources != nil {
		finishDevices(u)
	}
}

// finishDynamicUser: a user that exists for a while must not leave anything
// behind. systemd.exec(5), DynamicUser=.
func finishDynamicUser(u *unit.Unit) {
	x := u.Exec
	if x.User == "" {
		x.User = dynamicName(u.Name)
	}
	if x.Group == "" {
		x.Group = x.User
	}
	x.PrivateTmp, x.RemoveIPC, x.NoNewPrivileges, x.RestrictSUIDSGID = true, true, true, true
	x.ProtectSystem = unit.ProtectSystemStrict
	if x.ProtectHome == unit.ProtectHomeNo {
		x.ProtectHome = unit.ProtectHomeReadOnly
	}
}

// dynamicName is the name of the user of a unit with DynamicUser= and without
// User=: what stands before the suffix, if it can be the name of a user, or else
// something that is always the same for a unit.
func dynamicName(unitName string) string {
	prefix := name.Prefix(unitName)
	if strictAccount(prefix) {
		return prefix
	}
	hash := name.SipHash(userKey, prefix)
	const digits = "0123456789abcdef"
	user := []byte("_du")
	for shift := 60; shift >= 0; shift -= 4 {
		user = append(user, digits[hash>>shift&15])
	}
	return string(user)
}

// userKey is the key of the hash in names of users, as systemd has fixed it.
var userKey = [16]byte{
	0x58, 0x1a, 0xaf, 0xe6, 0x28, 0x58, 0x4e, 0x96, 0xb4, 0x4e, 0xf5, 0x3b, 0x8c, 0x92, 0x07, 0xec,
}

// strictAccount reports whether s is a name that every tool takes for a user.
func strictAccount(s string) bool {
	if s == "" || len(s) > 31 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	return true
}

// finishDevices adds the devices that settings need, where devices are
// restricted at all.
func finishDevices(u *unit.Unit) {
	x, r := u.Exec, u.Resources
	if x.PrivateDevices && r.DevicePolicy == unit.DeviceAuto {
		r.DevicePolicy = unit.DeviceClosed
	}
	if r.DevicePolicy == unit.DeviceAuto && len(r.DeviceAllow) == 0 {
		return
	}
	if x.RootImage != "" || len(x.MountImages) > 0 {
		r.DeviceAllow = append(r.DeviceAllow,
			unit.DeviceAllow{Path: "/dev/loop-control", Access: "rw"},
			unit.DeviceAllow{Path: "/dev/mapper/control", Access: "rw"},
			unit.DeviceAllow{Path: "block-loop", Access: "rwm"},
			unit.DeviceAllow{Path: "block-blkext", Access: "rwm"},
			unit.DeviceAllow{Path: "block-device-mapper", Access: "rwm"})
	}
	if x.ProtectClock {
		r.DeviceAllow = append(r.DeviceAllow, unit.DeviceAllow{Path: "char-rtc", Access: "r"})
	}
}

func finishService(u *unit.Unit, d *Defaults) error {
	s := u.Service
	start, stop := s.Commands[unit.ExecStart], s.Commands[unit.ExecStop]
	if !s.TypeSet {
		s.TypeSet = true
		switch {
		case s.BusName != "":
			s.Type = unit.DBus
		case len(start) > 0:
			s.Type = unit.Simple
		default:
			s.Type = unit.Oneshot
		}
	}
	if s.Type == unit.Oneshot && !s.TimeoutStartSet {
		s.TimeoutStart = value.Infinity
	}
	finishStdio(u.Exec, d)
	if s.NotifyAccess == unit.NotifyNone && needsNotify(s) {
		s.NotifyAccess = unit.NotifyMain
	}
	if s.RestartSteps > 0 { // the time cannot shrink
		s.RestartDelay = min(s.RestartDelay, s.RestartMaxDelay)
	}
	if !s.OOMPolicySet {
		s.OOMPolicySet, s.OOMPolicy = true, d.OOMPolicy
		if u.Resources.Delegate {
			s.OOMPolicy = unit.OOMContinue
		}
	}
	return checkService(u, len(start), len(stop))
}

// needsNotify reports whether the service has something to tell the manager.
func needsNotify(s *unit.Service) bool {
	return s.Type == unit.Notify || s.Type == unit.NotifyReload || s.Watchdog > 0 ||
		s.FileDescriptorStoreMax > 0
}

// finishStdio gives a service the manager's default outputs, unless its input
// says that it talks to somebody.
func finishStdio(x *unit.Exec, d *Defaults) {
	if x.Stdin == unit.StdioNull && len(x.StdinData) > 0 {
		x.Stdin = unit.StdioData
	}
	switch x.Stdin {
	case unit.StdioTTY, unit.StdioTTYForce, unit.StdioTTYFail, unit.StdioSocket, unit.StdioFD:
		return
	case unit.StdioUnset, unit.StdioNull, unit.StdioInherit, unit.StdioJournal,
		unit.StdioJournalConsole,
		unit.StdioKmsg, unit.StdioKmsgConsole, unit.StdioData, unit.StdioFile, unit.StdioAppend,
		unit.StdioTruncate, unit.Stdios:
	}
	if x.Stdout == unit.StdioInherit {
		if x.Stderr == unit.StdioInherit {
			x.Stderr = d.Stderr
		}
		x.Stdout = d.Stdout
	}
}

func checkService(u *unit.Unit, starts, stops int) error {
	s := u.Service
	switch {
	case starts == 0 && stops == 0 && u.SuccessAction == unit.ActionNone:
		return why("no ExecStart=, ExecStop= or SuccessAction=: nothing to do")
	case s.Type != unit.Oneshot && starts == 0:
		return why("no ExecStart=, which only Type=oneshot can do without")
	case starts == 0 && !s.RemainAfterExit && u.SuccessAction == unit.ActionNone:
		return why("no ExecStart=, which needs RemainAfterExit=yes")
	case s.Type != unit.Oneshot && starts > 1:
		return why("more than one ExecStart=, which only Type=oneshot can have")
	case s.Type == unit.Oneshot && (s.Restart == unit.RestartAlways ||
		s.Restart == unit.RestartOnSuccess):
		return why("Restart= would start a Type=oneshot service again and again")
	case s.Type == unit.Oneshot && !emptySet(s.RestartForceExitStatus):
		return why("RestartForceExitStatus= would start a Type=oneshot service again and again")
	case s.Type == unit.Oneshot && s.ExitType == unit.ExitCgroup:
		return why("ExitType=cgroup means nothing for Type=oneshot")
	case s.Type == unit.DBus && s.BusName == "":
		return why("Type=dbus without BusName=")
	case u.Exec.PAMName != "" && u.Kill.Mode != unit.KillControlGroup && u.Kill.Mode != unit.KillMixed:
		return why("PAMName= needs KillMode=control-group or mixed")
	case s.USBFunctionDescriptors == "" && s.USBFunctionStrings != "",
		s.USBFunctionDescriptors != "" && s.USBFunctionStrings == "":
		return nil // only a warning in systemd
	}
	return nil
}

func emptySet(e value.ExitSet) bool { return len(e.Statuses) == 0 && len(e.Signals) == 0 }

func finishSocket(u *unit.Unit) error {
	s := u.Socket
	burst := uint(20)
	if s.Accept {
		burst = 200
	}
	finishTrigger(&s.TriggerLimitInterval, &s.TriggerLimitBurst, burst)
	switch {
	case len(s.Listen) == 0:
		return why("nothing to listen on")
	case s.Accept && !canAccept(s):
		return why("Accept=yes is for sockets with connections only")
	case s.Accept && s.MaxConnections == 0:
		return why("Accept=yes with MaxConnections=0: nobody would be served")
	case len(s.Symlinks) > 0 && nodes(s) != 1:
		return why("Symlinks= needs exactly one path that is listened on")
	case s.Accept && s.Service != "":
		return why("Accept=yes does not go with Service=")
	case u.Exec.PAMName != "" && u.Kill.Mode != unit.KillControlGroup && u.Kill.Mode != unit.KillMixed:
		return why("PAMName= needs KillMode=control-group or mixed")
	}
	return nil
}

// nodes counts what is listened on that has a path of its own.
func nodes(s *unit.Socket) (n int) {
	for _, l := range s.Listen {
		switch l.Kind {
		case unit.ListenStream, unit.ListenDatagram, unit.ListenSequentialPacket, unit.ListenFIFO:
			if strings.HasPrefix(l.Address, "/") {
				n++
			}
		case unit.ListenNetlink, unit.ListenSpecial, unit.ListenMessageQueue, unit.ListenUSBFunction,
			unit.ListenKinds:
		}
	}
	return n
}

// canAccept reports whether all that is listened on has connections.
func canAccept(s *unit.Socket) bool {
	for _, l := range s.Listen {
		if l.Kind != unit.ListenStream && l.Kind != unit.ListenSequentialPacket {
			return false
		}
	}
	return true
}

// finishTrigger replaces the limits that are not set.
func finishTrigger(interval *value.Span, burst *uint, usual uint) {
	if *interval == value.Infinity {
		*interval = 2 * value.Second
	}
	if *burst == math.MaxUint32 {
		*burst = usual
	}
}

func finishMount(u *unit.Unit) error {
	m := u.Mount
	defer describe(u, &m.Where)
	if m.Where == "" {
		where, err := name.ToPath(u.Name)
		if err != nil {
			return why("no Where=, and the name is not that of a path")
		}
		m.Where = where
	}
	switch {
	case !namedAfter(u.Name, m.Where, ".mount"):
		return why("Where=" + m.Where + " does not go with the name of the unit")
	case unit.IsSystemMount(m.Where):
		return why("the system itself has something mounted at " + m.Where)
	case m.What == "" && !m.Found:
		return why("no What=")
	case u.Exec.PAMName != "" && u.Kill.Mode != unit.KillControlGroup && u.Kill.Mode != unit.KillMixed:
		return why("PAMName= needs KillMode=control-group or mixed")
	}
	return nil
}

// describe gives a unit without a Description= that of what it is about.
func describe(u *unit.Unit, what *string) {
	if u.Description == "" {
		u.Description = *what
	}
}

// namedAfter reports whether a unit is called after a path.
func namedAfter(unitName, path, suffix string) bool {
	want, err := name.FromPath(path, suffix)
	return err == nil && want == unitName
}

func finishAutomount(u *unit.Unit) error {
	a := u.Automount
	if a.Where == "" {
		where, err := name.ToPath(u.Name)
		if err != nil {
			return why("no Where=, and the name is not that of a path")
		}
		a.Where = where
	}
	switch {
	case a.Where == "/":
		return why("the root directory cannot be an automount point")
	case !namedAfter(u.Name, a.Where, ".automount"):
		return why("Where=" + a.Where + " does not go with the name of the unit")
	}
	return nil
}

func finishSwap(u *unit.Unit) error {
	s := u.Swap
	defer describe(u, &s.What)
	if s.What == "" {
		what, err := name.ToPath(u.Name)
		if err != nil {
			return why("no What=, and the name is not that of a path")
		}
		s.What = what
	}
	if !namedAfter(u.Name, s.What, ".swap") {
		return why("What=" + s.What + " does not go with the name of the unit")
	}
	return nil
}

func finishTimer(u *unit.Unit) error {
	t := u.Timer
	if len(t.Specs) == 0 && !t.OnClockChange && !t.OnTimezoneChange {
		return why("no time to fire at")
	}
	return nil
}

func finishPath(u *unit.Unit) error {
	finishTrigger(&u.Path.TriggerLimitInterval, &u.Path.TriggerLimitBurst, 200)
	if len(u.Path.Specs) == 0 {
		return why("no path to watch")
	}
	return nil
}
