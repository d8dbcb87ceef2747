package facts

import (
	"testing"

	"github.com/go-quicktest/qt"
)

func TestHelperLookup(t *testing.T) {
	for _, h := range Helpers() {
		byName, ok := HelperByName(h.Name)
		qt.Check(t, qt.IsTrue(ok), qt.Commentf("%s", h.Name))
		qt.Check(t, qt.Equals(byName.Number, h.Number))
		long, _ := HelperByName("bpf_" + h.Name)
		qt.Check(t, qt.Equals(long.Number, h.Number))
		byNumber, ok := HelperByNumber(h.Number)
		qt.Check(t, qt.IsTrue(ok))
		qt.Check(t, qt.Equals(byNumber.Name, h.Name))
		qt.Check(t, qt.IsTrue(len(h.Args) <= 5))
	}
	for _, name := range []string{"", "bpf_", "nothing", "map_lookup", "zzz"} {
		_, ok := HelperByName(name)
		qt.Check(t, qt.IsFalse(ok), qt.Commentf("%q", name))
	}
	for _, n := range []uint32{0, uint32(len(helpers)) + 1, 1 << 31} {
		_, ok := HelperByNumber(n)
		qt.Check(t, qt.IsFalse(ok), qt.Commentf("%d", n))
	}
}

func TestPrototypes(t *testing.T) {
	for n, want := range map[uint32]string{
		FnMapLookupElem: "void *bpf_map_lookup_elem(void *map, const void *key)",
		FnTracePrintk:   "long bpf_trace_printk(const char *fmt, __u32 fmt_size, ...)",
		FnKtimeGetNs:    "__u64 bpf_ktime_get_ns(void)",
		FnRingbufSubmit: "void bpf_ringbuf_submit(void *data, __u64 flags)",
		FnSKLookupTcp:   "struct bpf_sock *bpf_sk_lookup_tcp(void *ctx, struct bpf_sock_tuple *tuple, __u32 tuple_size, __u64 netns, __u64 flags)",
	} {
		h, _ := HelperByNumber(n)
		qt.Check(t, qt.Equals(h.String(), want))
	}
}

func TestKinds(t *testing.T) {
	kinds := func(name string) (out []Kind) {
		h, _ := HelperByName(name)
		for _, a := range h.Args {
			out = append(out, a.Kind)
		}
		return append(out, h.Result.Kind)
	}
	qt.Check(t, qt.DeepEquals(kinds("map_update_elem"), []Kind{MapPtr, ConstPtr, ConstPtr, Unsigned, Signed}))
	qt.Check(t, qt.DeepEquals(kinds("loop"), []Kind{Unsigned, Callback, Ptr, Unsigned, Signed}))
	qt.Check(t, qt.DeepEquals(kinds("skb_load_bytes"), []Kind{ConstPtr, Unsigned, Ptr, Unsigned, Signed}))
	qt.Check(t, qt.DeepEquals(kinds("xdp_adjust_head"), []Kind{Context, Signed, Signed}))
	qt.Check(t, qt.DeepEquals(kinds("tail_call"), []Kind{Context, MapPtr, Unsigned, Signed}))
	qt.Check(t, qt.DeepEquals(kinds("ringbuf_reserve"), []Kind{MapPtr, Unsigned, Unsigned, Ptr}))
}

func TestEnumNames(t *testing.T) {
	qt.Check(t, qt.Equals(MapTypeLRUPercpuHash.String(), "lru_percpu_hash"))
	qt.Check(t, qt.Equals(MapType(9999).String(), "9999"))
	p, ok := ProgTypeByName("raw_tracepoint")
	qt.Check(t, qt.IsTrue(ok))
	qt.Check(t, qt.Equals(p, ProgTypeRawTracepoint))
	_, ok = AttachTypeByName("")
	qt.Check(t, qt.IsFalse(ok))
	a, ok := AttachTypeByName("trace_fentry")
	qt.Check(t, qt.IsTrue(ok))
	qt.Check(t, qt.Equals(a, AttachTypeTraceFentry))
}
