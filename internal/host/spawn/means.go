package spawn

// A means is a way to make a process carry out a plan.
type means uint8

const (
	meansUnset means = iota
	// meansClone3 runs the plan as bare system calls in a child that shares the
	// manager's memory until exec (vfork), and is born in its control group.
	meansClone3
	// meansClone does the same with the older call, where a seccomp filter refuses
	// clone3: signal handlers and control group are seen to by the child.
	meansClone
	// meansFork runs the same system calls from Go code, in a copy of the manager's
	// memory: for architectures without assembler.
	meansFork
	// meansExecutor starts the manager's own program, which carries the plan out and
	// then executes: for other systems.
	meansExecutor
)
