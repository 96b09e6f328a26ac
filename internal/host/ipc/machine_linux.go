package ipc

import "rouse/internal/host/sys"

// Machine is this one.
var Machine = Place{
	SystemV: []List{
		{"/proc/sysvipc/shm", "shmid", sys.RemoveSharedMemory},
		{"/proc/sysvipc/sem", "semid", sys.RemoveSemaphores},
		{"/proc/sysvipc/msg", "msqid", sys.RemoveMessageQueue},
	},
	Dirs: []string{"/dev/shm", "/dev/mqueue"},
}
