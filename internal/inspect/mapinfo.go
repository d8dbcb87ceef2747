package inspect

import (
	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/sys"
)

// Map is what the kernel says about a map.
type Map struct {
	ID         uint32
	Type       facts.MapType
	Name       string
	Flags      uint32
	KeySize    uint32
	ValueSize  uint32
	MaxEntries uint32
	Extra      uint64

	BTFID, KeyType, ValueType uint32
	VmlinuxValueType          uint32 // of the kernel's BTF, for struct_ops
	VmlinuxBTF                uint32 // the BTF that VmlinuxValueType belongs to
	Device                    Device
}

// The offsets of struct bpf_map_info.
const (
	mapInfoSize     = 104
	mapType         = 0
	mapID           = 4
	mapKeySize      = 8
	mapValueSize    = 12
	mapMaxEntries   = 16
	mapFlags        = 20
	mapName         = 24
	mapIfIndex      = 40
	mapVmlinuxValue = 44
	mapNetnsDev     = 48
	mapNetnsIno     = 56
	mapBTF          = 64
	mapBTFKey       = 68
	mapBTFValue     = 72
	mapVmlinuxBTF   = 76
	mapExtra        = 80
)

// OpenMap opens a map by its id; the caller closes it. A map that may not be
// written from user space is opened for reading only.
func OpenMap(id uint32, readOnly bool) (sys.FD, error) {
	var flags uint32
	if readOnly {
		flags = mapReadOnly
	}
	return sys.ObjectFD(sys.Maps, id, flags)
}

const mapReadOnly = 1 << 3 // BPF_F_RDONLY

// MapInfo asks about an open map.
func MapInfo(fd sys.FD) (*Map, error) {
	r := make(record, mapInfoSize)
	if _, err := sys.ObjectInfo(fd, r); err != nil {
		return nil, err
	}
	return &Map{
		ID: r.u32(mapID), Type: facts.MapType(r.u32(mapType)), Name: r.text(mapName, objectName), Flags: r.u32(mapFlags),
		KeySize: r.u32(mapKeySize), ValueSize: r.u32(mapValueSize), MaxEntries: r.u32(mapMaxEntries), Extra: r.u64(mapExtra),
		BTFID: r.u32(mapBTF), KeyType: r.u32(mapBTFKey), ValueType: r.u32(mapBTFValue),
		VmlinuxValueType: r.u32(mapVmlinuxValue), VmlinuxBTF: r.u32(mapVmlinuxBTF),
		Device: Device{r.u32(mapIfIndex), r.u64(mapNetnsDev), r.u64(mapNetnsIno)},
	}, nil
}

// IsPerCPU reports whether the map has a value per possible CPU.
func (m *Map) IsPerCPU() bool {
	switch m.Type {
	case facts.MapTypePercpuHash, facts.MapTypePercpuArray, facts.MapTypeLRUPercpuHash, facts.MapTypePercpuCgroupStorage:
		return true
	}
	return false
}

// IsMapOfMaps reports whether the values are maps.
func (m *Map) IsMapOfMaps() bool {
	return m.Type == facts.MapTypeArrayOfMaps || m.Type == facts.MapTypeHashOfMaps
}

// IsMapOfProgs reports whether the values are programs.
func (m *Map) IsMapOfProgs() bool { return m.Type == facts.MapTypeProgArray }

// ValueLen is how many bytes system calls move for a value: for a per-CPU
// map one part per possible CPU, each padded to 8 bytes.
func (m *Map) ValueLen() (int, error) {
	if !m.IsPerCPU() {
		return int(m.ValueSize), nil
	}
	n, err := sys.PossibleCPUs()
	if err != nil {
		return 0, err
	}
	return n * m.Stride(), nil
}

// Stride is the distance of the parts of a per-CPU value.
func (m *Map) Stride() int { return int(m.ValueSize+7) &^ 7 }
