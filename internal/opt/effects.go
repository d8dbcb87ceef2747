package opt

import "github.com/skep-dev/skep/internal/ir"

// effect is what a helper may do to the program's memory. What is not known
// writes anywhere and keeps the pointers that it was given.
type effect struct {
	known  bool
	keeps  bool  // may keep a pointer that it was given
	writes bool  // may change memory behind pointers other than its arguments
	out    uint8 // bit i: writes behind argument i
	// fills calls write all bytes behind their first argument, as many as the
	// second one says, whether they succeed or not.
	fills bool
	// idle calls do nothing but to return a value: one whose result is not
	// used can go. fixed ones are idle and return the same value, for the
	// same arguments, as long as the program runs.
	idle, fixed bool
}

var anything = effect{keeps: true, writes: true, out: 0xff}

// effects of helpers that tracing programs call, by number (uapi/linux/bpf.h,
// enum bpf_func_id; the prototypes say which arguments are written). A helper
// that isn't here may do anything.
var effects = [...]effect{
	1:   {known: true},                           // map_lookup_elem
	2:   {known: true, writes: true},             // map_update_elem
	3:   {known: true, writes: true},             // map_delete_elem
	4:   {known: true, out: 1 << 0, fills: true}, // probe_read
	5:   {known: true, idle: true},               // ktime_get_ns
	6:   {known: true},                           // trace_printk
	7:   {known: true, idle: true},               // get_prandom_u32
	8:   {known: true, idle: true, fixed: true},  // get_smp_processor_id: programs don't migrate
	14:  {known: true, idle: true, fixed: true},  // get_current_pid_tgid
	15:  {known: true, idle: true, fixed: true},  // get_current_uid_gid
	16:  {known: true, out: 1 << 0},              // get_current_comm: older kernels write no further than the NUL
	25:  {known: true},                           // perf_event_output
	27:  {known: true},                           // get_stackid
	35:  {known: true, idle: true, fixed: true},  // get_current_task
	42:  {known: true, idle: true, fixed: true},  // get_numa_node_id
	45:  {known: true, out: 1 << 0},              // probe_read_str
	67:  {known: true, out: 1 << 1},              // get_stack
	80:  {known: true, idle: true, fixed: true},  // get_current_cgroup_id
	112: {known: true, out: 1 << 0, fills: true}, // probe_read_user
	113: {known: true, out: 1 << 0, fills: true}, // probe_read_kernel
	114: {known: true, out: 1 << 0},              // probe_read_user_str
	115: {known: true, out: 1 << 0},              // probe_read_kernel_str
	118: {known: true, idle: true},               // jiffies64
	125: {known: true, idle: true},               // ktime_get_boot_ns
	130: {known: true},                           // ringbuf_output
	131: {known: true},                           // ringbuf_reserve
	132: {known: true},                           // ringbuf_submit
	133: {known: true},                           // ringbuf_discard
	158: {known: true, idle: true, fixed: true},  // get_current_task_btf
	160: {known: true, idle: true},               // ktime_get_coarse_ns
	173: {known: true, idle: true, fixed: true},  // get_func_ip
	174: {known: true, idle: true, fixed: true},  // get_attach_cookie
	177: {known: true},                           // trace_vprintk
	182: {known: true},                           // strncmp
	195: {known: true},                           // map_lookup_percpu_elem
	208: {known: true, idle: true},               // ktime_get_tai_ns
}

// Helpers that passes know more about.
const (
	helperMapLookup = 1
	helperMapUpdate = 2
	helperMapDelete = 3
)

func helperEffect(id int64) effect {
	if id >= 0 && id < int64(len(effects)) && effects[id].known {
		return effects[id]
	}
	return anything
}

// isIdle reports whether an instruction may go when its result is not used.
func isIdle(v *ir.Value) bool {
	switch v.Op {
	case ir.OpLoad:
		return !v.Volatile
	case ir.OpAlloca:
		return true
	case ir.OpHelper:
		return helperEffect(v.Imm).idle
	case ir.OpZero, ir.OpCopy:
		return v.Imm == 0
	}
	return !v.Op.Info().Effect
}
