package spawn

// A Trial is something that a new process tries, for nothing but to find out whether this
// place lets it: capabilities and kernel versions do not tell, for filters of system calls,
// security modules and limits of namespaces refuse, too.
type Trial uint8

// The trials. Each is carried out in a process of its own, which leaves nothing behind.
const (
	TrialMounts      Trial = iota // a mount namespace, and mounts in it
	TrialProc                     // /proc mounted anew, with what it hides
	TrialNetwork                  // a network namespace
	TrialIPC                      // an IPC namespace
	TrialHostName                 // a namespace for the host name
	TrialUsers                    // a user namespace
	TrialUserMounts               // mounts as above, in a user namespace
	TrialUserNetwork              // a network namespace in a user namespace
	TrialFilter                   // a filter of system calls
	TrialKeyring                  // a session keyring
	TrialMemory                   // a NUMA policy
	TrialChroot                   // another root directory
	TrialGroups                   // other supplementary groups
	Trials
)
