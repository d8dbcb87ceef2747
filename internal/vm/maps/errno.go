package maps

import "strconv"

// Errno is an error number of Linux, whatever system the engine runs on.
type Errno int

// The numbers that maps and helpers return.
const (
	OK           Errno = 0
	EPERM        Errno = 1
	ENOENT       Errno = 2
	ESRCH        Errno = 3
	EINTR        Errno = 4
	EIO          Errno = 5
	E2BIG        Errno = 7
	EBADF        Errno = 9
	EAGAIN       Errno = 11
	ENOMEM       Errno = 12
	EACCES       Errno = 13
	EFAULT       Errno = 14
	EBUSY        Errno = 16
	EEXIST       Errno = 17
	ENODEV       Errno = 19
	EINVAL       Errno = 22
	ENOSPC       Errno = 28
	ERANGE       Errno = 34
	EDEADLK      Errno = 35
	ENAMETOOLONG Errno = 36
	ELOOP        Errno = 40
	ENODATA      Errno = 61
	EPROTO       Errno = 71
	EOVERFLOW    Errno = 75
	EOPNOTSUPP   Errno = 95
	EALREADY     Errno = 114
	ENOTSUPP     Errno = 524
)

var errnoNames = map[Errno]string{
	EPERM: "EPERM", ENOENT: "ENOENT", ESRCH: "ESRCH", EINTR: "EINTR", EIO: "EIO", E2BIG: "E2BIG", EBADF: "EBADF", EAGAIN: "EAGAIN",
	ENOMEM: "ENOMEM", EACCES: "EACCES", EFAULT: "EFAULT", EBUSY: "EBUSY", EEXIST: "EEXIST", ENODEV: "ENODEV", EINVAL: "EINVAL",
	ENOSPC: "ENOSPC", ERANGE: "ERANGE", EDEADLK: "EDEADLK", ENAMETOOLONG: "ENAMETOOLONG", ELOOP: "ELOOP", ENODATA: "ENODATA",
	EPROTO: "EPROTO", EOVERFLOW: "EOVERFLOW", EOPNOTSUPP: "EOPNOTSUPP", EALREADY: "EALREADY", ENOTSUPP: "ENOTSUPP",
}

func (e Errno) Error() string {
	if s, ok := errnoNames[e]; ok {
		return s
	}
	return "errno " + strconv.Itoa(int(e))
}

// Result is the number as helpers return it: 0, or the negative errno.
func (e Errno) Result() uint64 { return uint64(-int64(e)) }

// Err is the number as an error, nil for OK.
func (e Errno) Err() error {
	if e == OK {
		return nil
	}
	return e
}
