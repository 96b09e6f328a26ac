package client

import (
	"slices"
)

// verb is one row of the table of verbs. max is -1 for any number of arguments.
type verb struct {
	name     string
	min, max int
	args     string // as help shows them
	help     string // one line; "" keeps the verb out of the help
	run      func(a *app, args []string) (int, error)
}

// verbs gives all verbs, in the order of the help.
func verbs() []verb {
	return []verb{
		{"list-units", 0, -1, "[PATTERN…]", "List units in memory", listUnits},
		{"list-jobs", 0, -1, "[PATTERN…]", "List jobs in the queue", listJobs},
		{"list-sockets", 0, -1, "[PATTERN…]", "List sockets, by address", listSockets},
		{"list-automounts", 0, -1, "[PATTERN…]", "List automounts, by path", listAutomounts},
		{"list-machines", 0, -1, "[PATTERN…]", "List this machine", listMachines},
		{"list-timers", 0, -1, "[PATTERN…]", "List timers, by next elapse", listTimers},
		{"list-dependencies", 0, -1, "[UNIT…]", "Show what a unit needs, as a tree", listDependencies},
		{"list-unit-files", 0, -1, "[PATTERN…]", "List installed unit files", listUnitFiles},
		{"status", 0, -1, "[PATTERN…|PID…]", "Show how units are", status},
		{"show", 0, -1, "[PATTERN…|JOB…]", "Show properties of units or of the manager", show},
		{"cat", 1, -1, "PATTERN…", "Show files of units", cat},
		{"why", 1, -1, "UNIT…", "Tell what led to the last change of a unit", why},
		{"plan", 2, 2, "VERB UNIT", "Show the jobs that a verb would queue", plan},
		{"verify", 1, -1, "FILE…|UNIT…", "Show all faults of unit files", verify},
		{"is-active", 1, -1, "PATTERN…", "Check whether units are active", isActive},
		{"is-failed", 1, -1, "PATTERN…", "Check whether units have failed", isFailed},
		{"is-enabled", 1, -1, "UNIT…", "Check whether unit files are enabled", isEnabled},
		{"is-system-running", 0, 0, "", "Check whether the system is up", isSystemRunning},
		{"enable", 1, -1, "UNIT…|PATH…", "Enable unit files", changeFiles},
		{"disable", 1, -1, "UNIT…", "Disable unit files", changeFiles},
		{"reenable", 1, -1, "UNIT…|PATH…", "Disable and enable unit files", changeFiles},
		{"preset", 1, -1, "UNIT…", "Enable or disable unit files as the presets say", changeFiles},
		{"preset-all", 0, 0, "", "Do so with all unit files", changeFiles},
		{"mask", 1, -1, "UNIT…", "Make unit files impossible to start", changeFiles},
		{"unmask", 1, -1, "UNIT…", "Undo that", changeFiles},
		{"link", 1, -1, "PATH…", "Make unit files outside of the search path known", changeFiles},
		{"revert", 1, -1, "UNIT…", "Go back to the unit files that were shipped", changeFiles},
		{"add-wants", 2, -1, "TARGET UNIT…", "Have a target want units", changeFiles},
		{"add-requires", 2, -1, "TARGET UNIT…", "Have a target require units", changeFiles},
		{"set-default", 1, 1, "TARGET", "Set what default.target is", changeFiles},
		{"edit", 1, -1, "UNIT…", "Edit drop-ins of units, or with --full their files", edit},
		{"start", 1, -1, "UNIT…", "Start units", changeState},
		{"stop", 1, -1, "UNIT…", "Stop units", changeState},
		{"reload", 1, -1, "UNIT…", "Reload units", changeState},
		{"restart", 1, -1, "UNIT…", "Start or restart units", changeState},
		{"try-restart", 1, -1, "UNIT…", "Restart units that are active", changeState},
		{"condrestart", 1, -1, "", "", changeState},
		{"reload-or-restart", 1, -1, "UNIT…", "Reload units, or start or restart them", changeState},
		{"reload-or-try-restart", 1, -1, "", "", changeState},
		{"try-reload-or-restart", 1, -1, "UNIT…", "Reload or restart active units", changeState},
		{"condreload", 1, -1, "", "", changeState},
		{"force-reload", 1, -1, "", "", changeState},
		{"isolate", 1, 1, "UNIT", "Start one unit and stop all others", changeState},
		{"default", 0, 0, "", "Isolate default.target", changeState},
		{"rescue", 0, 0, "", "Isolate rescue.target", changeState},
		{"emergency", 0, 0, "", "Isolate emergency.target", changeState},
		{"suspend", 0, 0, "", "Suspend the machine", changeState},
		{"hibernate", 0, 0, "", "Hibernate the machine", changeState},
		{"hybrid-sleep", 0, 0, "", "Hibernate and suspend the machine", changeState},
		{"suspend-then-hibernate", 0, 0, "", "Suspend, and hibernate later", changeState},
		{"clean", 1, -1, "UNIT…", "Remove what units keep on disk", clean},
		{"freeze", 1, -1, "UNIT…", "Halt the processes of units", freeze},
		{"thaw", 1, -1, "UNIT…", "Let them go on", thaw},
		{"set-property", 2, -1, "UNIT PROPERTY=VALUE…", "Set settings of a running unit", setProperty},
		{"bind", 2, 3, "UNIT PATH [PATH]", "Mount a path into a unit's file systems", bindMount},
		{"mount-image", 2, 4, "UNIT PATH [PATH [OPTIONS]]", "Mount an image there", bindMount},
		{"service-log-level", 1, 2, "SERVICE [LEVEL]", "Show or set how much a service logs",
			serviceSetting},
		{"service-log-target", 1, 2, "SERVICE [TARGET]", "Show or set where it logs to", serviceSetting},
		{"kill", 1, -1, "UNIT…", "Send a signal to processes of units", kill},
		{"reset-failed", 0, -1, "[PATTERN…]", "Forget that units have failed", resetFailed},
		{"cancel", 0, -1, "[JOB…]", "Cancel all, or some, jobs", cancel},
		{"load", 1, -1, "UNIT…", "Load units into memory", loadUnits},
		{"remove", 1, -1, "UNIT…", "Drop stopped units from memory", removeUnits},
		{"daemon-reexec", 0, 0, "", "Execute the manager's program again", daemonReexec},
		{"daemon-reload", 0, 0, "", "Read all unit files again", daemonReload},
		{"get-default", 0, 0, "", "Show what default.target is", getDefault},
		{"show-environment", 0, 0, "", "Show the environment of services", showEnvironment},
		{"set-environment", 1, -1, "VARIABLE=VALUE…", "Set variables of it", setEnvironment},
		{"unset-environment", 1, -1, "VARIABLE…", "Take variables out of it", unsetEnvironment},
		{"import-environment", 0, -1, "VARIABLE…", "Set variables as they are here", importEnvironment},
		{"log-level", 0, 1, "[LEVEL]", "Show or set how much the manager logs", managerSetting},
		{"log-target", 0, 1, "[TARGET]", "Show or set where the manager logs to", managerSetting},
		{"service-watchdogs", 0, 1, "[BOOL]", "Show or set whether watchdogs count", managerSetting},
		{"switch-root", 0, 2, "", "", switchRoot},
		{"exit", 0, 1, "[STATUS]", "End the manager", shutdown},
		{"poweroff", 0, 0, "", "Power the machine off", shutdown},
		{"reboot", 0, 1, "", "Reboot the machine", shutdown},
		{"halt", 0, 0, "", "Halt the machine", shutdown},
		{"kexec", 0, 0, "", "Reboot the machine through kexec", shutdown},
		{"completion", 1, 1, "SHELL", "Print completions for bash, zsh or fish", completion},
		{"manual", 0, 1, "[COMMAND]", "Print a manual page for man -l", manual},
		{"help", 0, -1, "", "", help},
	}
}

// verbNamed finds a verb, or nil.
func verbNamed(word string) *verb {
	all := verbs()
	i := slices.IndexFunc(all, func(v verb) bool { return v.name == word })
	if i < 0 {
		return nil
	}
	return &all[i]
}
