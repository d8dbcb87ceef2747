package lower

import "github.com/skep-dev/skep/internal/ir"

// The map types that scripts use (enum bpf_map_type of the kernel's UAPI).
const (
	mapHash          = 1
	mapPercpuHash    = 5
	mapPercpuArray   = 6
	mapLRUHash       = 9
	mapLRUPercpuHash = 10
	mapRingbuf       = 27
)

// noPrealloc is BPF_F_NO_PREALLOC: elements of a hash are allocated on use.
const noPrealloc = 1

// Flags of map updates.
const (
	updateAny   = 0
	updateNoKey = 1 // BPF_NOEXIST
)

// helper is a helper of the kernel as scripts call it.
type helper struct {
	id     int64
	name   string
	result ir.Type
}

// The numbers are those of enum bpf_func_id of the kernel's UAPI; a test
// compares them with the table of facts.
var (
	mapLookup     = helper{1, "map_lookup_elem", ir.Ptr}
	mapUpdate     = helper{2, "map_update_elem", ir.I64}
	mapDelete     = helper{3, "map_delete_elem", ir.I64}
	probeRead     = helper{4, "probe_read", ir.I64}
	ktime         = helper{5, "ktime_get_ns", ir.I64}
	prandom       = helper{7, "get_prandom_u32", ir.I64}
	processorID   = helper{8, "get_smp_processor_id", ir.I64}
	pidTgid       = helper{14, "get_current_pid_tgid", ir.I64}
	uidGid        = helper{15, "get_current_uid_gid", ir.I64}
	currentComm   = helper{16, "get_current_comm", ir.I64}
	currentTask   = helper{35, "get_current_task", ir.I64}
	numaNode      = helper{42, "get_numa_node_id", ir.I64}
	probeReadStr  = helper{45, "probe_read_str", ir.I64}
	cgroupID      = helper{80, "get_current_cgroup_id", ir.I64}
	readUser      = helper{112, "probe_read_user", ir.I64}
	readKernel    = helper{113, "probe_read_kernel", ir.I64}
	readUserStr   = helper{114, "probe_read_user_str", ir.I64}
	readKernelStr = helper{115, "probe_read_kernel_str", ir.I64}
	jiffies       = helper{118, "jiffies64", ir.I64}
	ktimeBoot     = helper{125, "ktime_get_boot_ns", ir.I64}
	ringReserve   = helper{131, "ringbuf_reserve", ir.Ptr}
	ringSubmit    = helper{132, "ringbuf_submit", ir.Void}
	lookupPercpu  = helper{195, "map_lookup_percpu_elem", ir.Ptr}
	ktimeTAI      = helper{208, "ktime_get_tai_ns", ir.I64}
)

func (f *function) call(h helper, args ...*ir.Value) *ir.Value {
	return f.b.Helper(h.result, h.id, h.name, args...)
}
