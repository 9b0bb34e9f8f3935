package keyfile

import "syscall"

// NoAtime opens a file without its time of access being marked, where the system
// can do that; only the file's owner may. Elsewhere it is 0.
const NoAtime = syscall.O_NOATIME
