package peer

import "golang.org/x/sys/unix"

// Supported says whether UID works on this system.
const Supported = true

// uidOf reads SO_PEERCRED: unix(7).
func uidOf(fd int) (uint32, error) {
	credentials, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0, err
	}
	return credentials.Uid, nil
}
