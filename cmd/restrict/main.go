// Command restrict limits itself and then executes a program in its place: the
// directives of systemd.exec(5) for a single command, without a manager.
//
//	restrict -p User=nobody -p LimitNOFILE=100 -- /my/binary arg1
//	restrict -cmd "/my/binary arg1" -mem_max=5G -io_max=10G/s
//
// What cannot be applied is said on the standard error, one line each, and the
// program runs all the same, unless -enforce=strict is given. If something that can be
// applied fails, or the program cannot be executed, the exit status is that of
// systemd.exec(5), PROCESS EXIT CODES; after bad use it is 2.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"rouse/internal/host/identity"
	"rouse/internal/host/spawn"
)

// statusUsage is systemd's EXIT_INVALIDARGUMENT.
const statusUsage = 2

func main() {
	spawn.Executor()
	os.Exit(restrict(os.Args[1:], os.Environ(), os.Stderr))
}

// restrict gives an exit status, and does not return if all went well.
func restrict(args, environ []string, stderr io.Writer) int {
	say := func(format string, args ...any) {
		fmt.Fprintf(stderr, "restrict: "+format+"\n", args...)
	}
	line, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		say("%v", err)
		return statusUsage
	}
	users := identity.New("")
	job, err := line.resolve(environ, users)
	if err != nil {
		say("%v", err)
		return statusUsage
	}
	if status := job.settle(line, say); status != 0 {
		return status
	}
	spawner := spawn.Spawner{Users: users}
	err = spawner.Become(job.request, job.only)
	say("%v", err)
	var failed *spawn.StepError
	if errors.As(err, &failed) {
		return failed.Status
	}
	return statusUsage
}
