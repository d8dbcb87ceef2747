//go:build !linux

package sys

// ObjectFD fails: there is no Linux kernel here.
func ObjectFD(ObjectKind, uint32, uint32) (FD, error) { return -1, ErrNotLinux }

// ObjectInfo fails: there is no Linux kernel here.
func ObjectInfo(FD, []byte, ...InfoBuffer) (int, error) { return 0, ErrNotLinux }

// ObjectPin fails: there is no Linux kernel here.
func ObjectPin(FD, string) error { return ErrNotLinux }

// ObjectGet fails: there is no Linux kernel here.
func ObjectGet(string, uint32) (FD, error) { return -1, ErrNotLinux }

// MapCreate fails: there is no Linux kernel here.
func MapCreate(MapSpec) (FD, error) { return -1, ErrNotLinux }

// MapLookup fails: there is no Linux kernel here.
func MapLookup(FD, []byte, []byte, uint64) error { return ErrNotLinux }

// MapUpdate fails: there is no Linux kernel here.
func MapUpdate(FD, []byte, []byte, uint64) error { return ErrNotLinux }

// MapDelete fails: there is no Linux kernel here.
func MapDelete(FD, []byte) error { return ErrNotLinux }

// MapTake fails: there is no Linux kernel here.
func MapTake(FD, []byte, []byte) error { return ErrNotLinux }

// MapNextKey fails: there is no Linux kernel here.
func MapNextKey(FD, []byte, []byte) error { return ErrNotLinux }

// MapFreeze fails: there is no Linux kernel here.
func MapFreeze(FD) error { return ErrNotLinux }

// Lookup fails: there is no Linux kernel here.
func (b *MapBatch) Lookup(FD, int, []byte, []byte, int) (int, bool, error) {
	return 0, false, ErrNotLinux
}

// Run fails: there is no Linux kernel here.
func (r *TestRun) Run(FD) error { return ErrNotLinux }

// ProgAttach fails: there is no Linux kernel here.
func ProgAttach(FD, FD, uint32, uint32) error { return ErrNotLinux }

// ProgDetach fails: there is no Linux kernel here.
func ProgDetach(FD, FD, uint32) error { return ErrNotLinux }

// LinkDetach fails: there is no Linux kernel here.
func LinkDetach(FD) error { return ErrNotLinux }

// ProgQuery fails: there is no Linux kernel here.
func ProgQuery(uint32, uint32, uint32) (*AttachQuery, error) { return nil, ErrNotLinux }

// QueryTaskFD fails: there is no Linux kernel here.
func QueryTaskFD(uint32, uint32) (*TaskFD, error) { return nil, ErrNotLinux }

// EnableStats fails: there is no Linux kernel here.
func EnableStats() (FD, error) { return -1, ErrNotLinux }

// BTFLoad fails: there is no Linux kernel here.
func BTFLoad([]byte) (FD, error) { return -1, ErrNotLinux }

// IsBPFFS fails: there is no Linux kernel here.
func IsBPFFS(string) (bool, error) { return false, ErrNotLinux }

// MountBPFFS fails: there is no Linux kernel here.
func MountBPFFS(string) error { return ErrNotLinux }

// BootOffset fails: there is no Linux kernel here.
func BootOffset() (int64, error) { return 0, ErrNotLinux }

// OpenPath fails: there is no Linux kernel here.
func OpenPath(string) (FD, error) { return -1, ErrNotLinux }
