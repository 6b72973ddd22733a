//go:build darwin || freebsd

package peer

import "golang.org/x/sys/unix"

// Supported says whether UID works on this system.
const Supported = true

// uidOf reads LOCAL_PEERCRED: unix(4).
func uidOf(fd int) (uint32, error) {
	credentials, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return 0, err
	}
	return credentials.Uid, nil
}
