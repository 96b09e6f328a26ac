package directive

import (
	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

var unitRows = []Row{
	{Name: "After", Group: unitGroup, in: dep{unit.After},
		Doc: "Start after these units, and stop before them."},
	{Name: "AllowIsolate", Group: unitGroup, Default: "no",
		Doc: "Let the unit be isolated, that is, be all that runs.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.AllowIsolate }}},
	{Name: "Before", Group: unitGroup, in: dep{unit.Before},
		Doc: "Start before these units, and stop after them."},
	{Name: "BindTo", Group: unitGroup, Same: "BindsTo", Doc: "Old name of BindsTo=."},
	{Name: "BindsTo", Group: unitGroup, in: dep{unit.BindsTo},
		Doc: "Require these units, and stop when one of them goes away for whatever reason."},
	{Name: "CollectMode", Group: unitGroup, Default: "inactive",
		Doc: "When the unit is dropped from memory: not while it is failed, or then too.",
		in: enum[unit.CollectMode]{unit.CollectModes,
			func(u *unit.Unit) *unit.CollectMode { return &u.Collect }}},
	{Name: "Conflicts", Group: unitGroup, in: dep{unit.Conflicts},
		Doc: "Starting the unit stops these units, and starting one of them stops it."},
	{Name: "DefaultDependencies", Group: unitGroup, Default: "yes",
		Doc: "Add the dependencies that units of the type usually have.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.DefaultDependencies }}},
	{Name: "Description", Group: unitGroup,
		Doc: "What the unit is, in a few words.",
		in: does{"text", "s", func(p *parse) error { return parseExpanded(p, &p.u.Description) },
			busDescription}},
	{Name: "Documentation", Group: unitGroup,
		Doc: "Where the unit is described: http, https, file, info and man addresses.",
		in:  in[[]string]{&documents, func(u *unit.Unit) *[]string { return &u.Documentation }}},
	{Name: "FailureActionExitStatus", Group: unitGroup,
		Doc: "What the manager exits with if FailureAction=exit.",
		in:  in[int]{&actionStatus, func(u *unit.Unit) *int { return &u.FailureActionExitStatus }}},
	{Name: "IgnoreOnIsolate", Group: unitGroup, Default: "no",
		Doc: "Leave the unit running when another is isolated. On by default for what is no service.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.IgnoreOnIsolate }}},
	{Name: "JobRunningTimeoutSec", Group: unitGroup, Bus: "JobRunningTimeoutUSec",
		Default: "JobTimeoutSec=",
		Doc:     "How long a job may run once it has begun.",
		in: does{"time span", "t", parseJobRunningTimeout,
			func(u *unit.Unit) any { return uint64(u.JobRunningTimeout) }}},
	{Name: "JobTimeoutAction", Group: unitGroup, Default: "none",
		Doc: "What is done with the whole system when a job took too long.",
		in:  in[unit.Action]{&action, func(u *unit.Unit) *unit.Action { return &u.JobTimeoutAction }}},
	{Name: "JobTimeoutRebootArgument", Group: unitGroup,
		Doc: "What reboot(2) is told when JobTimeoutAction= reboots.",
		in:  in[string]{&expanded, func(u *unit.Unit) *string { return &u.JobTimeoutRebootArgument }}},
	{Name: "JobTimeoutSec", Group: unitGroup, Bus: "JobTimeoutUSec", Default: "infinity",
		Doc: "How long a job may be queued and run.",
		in: does{"time span", "t", parseJobTimeout,
			func(u *unit.Unit) any { return uint64(u.JobTimeout) }}},
	{Name: "JoinsNamespaceOf", Group: unitGroup, in: dep{unit.JoinsNamespaceOf},
		Support: LinuxOnly, Note: byMounts,
		Doc: "Share private /tmp, network and IPC with these units."},
	{Name: "OnFailure", Group: unitGroup, in: dep{unit.OnFailure},
		Doc: "Start these units when the unit fails."},
	{Name: "OnFailureIsolate", Group: unitGroup, Bus: "-", Default: "no",
		Doc: "Old way to write OnFailureJobMode=isolate (yes) or replace (no).",
		in:  does{name: "boolean", parse: parseOnFailureIsolate}},
	{Name: "OnFailureJobMode", Group: unitGroup, Default: "replace",
		Doc: "How jobs for OnFailure= units deal with those already queued.",
		in: enum[unit.JobMode]{unit.JobModes,
			func(u *unit.Unit) *unit.JobMode { return &u.OnFailureJobMode }}},
	{Name: "OnSuccess", Group: unitGroup, in: dep{unit.OnSuccess},
		Doc: "Start these units when the unit has ended well."},
	{Name: "OnSuccessJobMode", Group: unitGroup, Default: "fail",
		Doc: "How jobs for OnSuccess= units deal with those already queued.",
		in: enum[unit.JobMode]{unit.JobModes,
			func(u *unit.Unit) *unit.JobMode { return &u.OnSuccessJobMode }}},
	{Name: "PartOf", Group: unitGroup, in: dep{unit.PartOf},
		Doc: "Stop and restart when one of these units is stopped or restarted."},
	{Name: "PropagateReloadFrom", Group: unitGroup, Same: "ReloadPropagatedFrom",
		Doc: "Old name of ReloadPropagatedFrom=."},
	{Name: "PropagateReloadTo", Group: unitGroup, Same: "PropagatesReloadTo",
		Doc: "Old name of PropagatesReloadTo=."},
	{Name: "PropagatesReloadTo", Group: unitGroup, in: dep{unit.PropagatesReloadTo},
		Doc: "A reload of the unit reloads these units too."},
	{Name: "PropagatesStopTo", Group: unitGroup, in: dep{unit.PropagatesStopTo},
		Doc: "A stop of the unit stops these units too."},
	{Name: "RefuseManualStart", Group: unitGroup, Default: "no",
		Doc: "Let the unit be started as a dependency only.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.RefuseManualStart }}},
	{Name: "RefuseManualStop", Group: unitGroup, Default: "no",
		Doc: "Let the unit be stopped as a dependency only.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.RefuseManualStop }}},
	{Name: "ReloadPropagatedFrom", Group: unitGroup, in: dep{unit.ReloadPropagatedFrom},
		Doc: "A reload of one of these units reloads the unit too."},
	{Name: "Requires", Group: unitGroup, in: dep{unit.Requires},
		Doc: "Start these units with the unit, fail if one of them fails, stop when one is stopped."},
	{Name: "RequiresMountsFor", Group: unitGroup,
		Doc: "Require the mount units below which these paths lie, and start after them.",
		in:  in[[]string]{&mountsFor, func(u *unit.Unit) *[]string { return &u.RequiresMountsFor }}},
	{Name: "RequiresOverridable", Group: unitGroup, Same: "Requires",
		Doc: "Obsolete; treated as Requires=."},
	{Name: "Requisite", Group: unitGroup, in: dep{unit.Requisite},
		Doc: "Fail at once unless these units are already active."},
	{Name: "RequisiteOverridable", Group: unitGroup, Same: "Requisite",
		Doc: "Obsolete; treated as Requisite=."},
	{Name: "SourcePath", Group: unitGroup,
		Doc: "The file that a generator made the unit from.",
		in:  in[string]{&path, func(u *unit.Unit) *string { return &u.SourcePath }}},
	{Name: "StartLimitIntervalSec", Group: unitGroup, Bus: "StartLimitIntervalUSec", Default: "10s",
		Doc: "The time in which StartLimitBurst= starts are allowed; 0 is no limit.",
		in:  in[value.Span]{&span, func(u *unit.Unit) *value.Span { return &u.StartLimitInterval }}},
	{Name: "StopPropagatedFrom", Group: unitGroup, in: dep{unit.StopPropagatedFrom},
		Doc: "A stop of one of these units stops the unit too."},
	{Name: "StopWhenUnneeded", Group: unitGroup, Default: "no",
		Doc: "Stop the unit when no other that is active needs it.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.StopWhenUnneeded }}},
	{Name: "SuccessAction", Group: unitGroup, Default: "none",
		Doc: "What is done with the whole system when the unit has ended well.",
		in:  in[unit.Action]{&action, func(u *unit.Unit) *unit.Action { return &u.SuccessAction }}},
	{Name: "SuccessActionExitStatus", Group: unitGroup,
		Doc: "What the manager exits with if SuccessAction=exit.",
		in:  in[int]{&actionStatus, func(u *unit.Unit) *int { return &u.SuccessActionExitStatus }}},
	{Name: "SurviveFinalKillSignal", Group: unitGroup, Bus: "-", Default: "no", Since: 255,
		Doc: "Leave the unit's processes alone when all others are killed at shutdown.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.SurviveFinalKill }}},
	{Name: "Upholds", Group: unitGroup, in: dep{unit.Upholds},
		Doc: "Start these units whenever they are down while the unit is active."},
	{Name: "Wants", Group: unitGroup, in: dep{unit.Wants},
		Doc: "Start these units with the unit, whatever becomes of them."},
}

// limitRows may also stand in [Service], where they stood long ago.
var limitRows = []Row{
	{Name: "FailureAction", Group: limitGroup, Default: "none",
		Doc: "What is done with the whole system when the unit fails.",
		in:  in[unit.Action]{&action, func(u *unit.Unit) *unit.Action { return &u.FailureAction }}},
	{Name: "RebootArgument", Group: limitGroup,
		Doc: "What reboot(2) is told when an action reboots.",
		in:  in[string]{&expanded, func(u *unit.Unit) *string { return &u.RebootArgument }}},
	{Name: "StartLimitAction", Group: limitGroup, Default: "none",
		Doc: "What is done with the whole system when the unit was started too often.",
		in:  in[unit.Action]{&action, func(u *unit.Unit) *unit.Action { return &u.StartLimitAction }}},
	{Name: "StartLimitBurst", Group: limitGroup, Default: "5",
		Doc: "How many starts are allowed in StartLimitIntervalSec=.",
		in:  in[uint]{&unsigned, func(u *unit.Unit) *uint { return &u.StartLimitBurst }}},
	{Name: "StartLimitInterval", Group: limitGroup, Same: "StartLimitIntervalSec",
		Doc: "Old name of StartLimitIntervalSec=."},
}

var installRows = []Row{
	{Name: "Alias", Group: installGroup, Bus: "-",
		Doc: "Further names that the unit gets when it is enabled.",
		in:  in[[]string]{&unitNames, func(u *unit.Unit) *[]string { return &u.Install.Alias }}},
	{Name: "Also", Group: installGroup, Bus: "-",
		Doc: "Units that are enabled and disabled together with the unit.",
		in:  in[[]string]{&unitNames, func(u *unit.Unit) *[]string { return &u.Install.Also }}},
	{Name: "DefaultInstance", Group: installGroup, Bus: "-",
		Doc: "The instance of a template that is enabled when none is named.",
		in:  in[string]{&instance, func(u *unit.Unit) *string { return &u.Install.DefaultInstance }}},
	{Name: "RequiredBy", Group: installGroup, Bus: "-",
		Doc: "Units that require the unit once it is enabled.",
		in:  in[[]string]{&unitNames, func(u *unit.Unit) *[]string { return &u.Install.RequiredBy }}},
	{Name: "UpheldBy", Group: installGroup, Bus: "-", Since: 254,
		Doc: "Units that uphold the unit once it is enabled.",
		in:  in[[]string]{&unitNames, func(u *unit.Unit) *[]string { return &u.Install.UpheldBy }}},
	{Name: "WantedBy", Group: installGroup, Bus: "-",
		Doc: "Units that want the unit once it is enabled.",
		in:  in[[]string]{&unitNames, func(u *unit.Unit) *[]string { return &u.Install.WantedBy }}},
}

// unitNames are names of units that nothing is done with yet; an empty value
// takes all away. instance is the instance part of a unit name.
var (
	unitNames = kind[[]string]{"unit names", "as", parseUnitNames, list}
	instance  = kind[string]{"instance name", "s", parseInstance, plain[string]}
)

func parseUnitNames(p *parse, v *[]string) error {
	if p.value == "" {
		*v = nil
		return nil
	}
	return p.eachWord(value.Unquote|value.RetainEscape, func(w string) {
		s, err := p.expandName(w)
		switch {
		case err != nil:
			p.ignore(w, err.Error())
		case name.KindOf(s) == 0:
			p.ignore(w, "not a unit name")
		default:
			*v = append(*v, s)
		}
	})
}

func parseInstance(p *parse, v *string) error {
	s, err := p.expandName(p.value)
	if err != nil {
		return err
	}
	if s != "" && !name.Valid("x@"+s+".service", name.Instance) {
		return why("not an instance name")
	}
	*v = s
	return nil
}
