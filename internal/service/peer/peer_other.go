//go:build !linux && !darwin && !freebsd

package peer

// Supported says whether UID works on this system.
const Supported = false

func uidOf(int) (uint32, error) { return 0, ErrUnsupported }
