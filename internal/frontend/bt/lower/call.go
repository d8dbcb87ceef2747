package lower

import (
	"fmt"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
	"github.com/skep-dev/skep/internal/frontend/bt/types"
	"github.com/skep-dev/skep/internal/ir"
	"github.com/skep-dev/skep/internal/plan"
)

// formatKinds are the functions that send a format and its arguments.
var formatKinds = map[string]plan.EventKind{
	"printf": plan.Printf, "errorf": plan.Errorf, "warnf": plan.Warnf, "system": plan.System, "cat": plan.Cat,
}

// callEffect lowers a call that has no value; it reports false for others.
func (f *function) callEffect(x *ast.Call) bool {
	name := x.Func.Text
	if kind, ok := formatKinds[name]; ok {
		format, _ := f.literalText(x.Args[0])
		f.record(plan.Event{Kind: kind, Format: format}, x, x.Args[1:])
		return true
	}
	switch name {
	case "print":
		f.print(x)
	case "clear":
		f.record(plan.Event{Kind: plan.Clear, Map: f.mapOf(x.Args[0].(*ast.MapRef)).Name}, x, nil)
	case "zero":
		f.record(plan.Event{Kind: plan.Zero, Map: f.mapOf(x.Args[0].(*ast.MapRef)).Name}, x, nil)
	case "delete":
		f.deleteKey(x)
	case "exit":
		f.record(plan.Event{Kind: plan.Exit}, x, x.Args)
		f.leave(0)
	case "time":
		format := "%H:%M:%S\n"
		if len(x.Args) == 1 {
			format, _ = f.literalText(x.Args[0])
		}
		f.record(plan.Event{Kind: plan.Time, Format: format}, x, nil)
	case "join":
		f.join(x)
	default:
		return false
	}
	return true
}

// print lowers print(@m), print(@m[k]) and print(value).
func (f *function) print(x *ast.Call) {
	ref, ok := x.Args[0].(*ast.MapRef)
	if !ok {
		f.record(plan.Event{Kind: plan.Print}, x, x.Args)
		return
	}
	m := f.mapOf(ref)
	if ref.Keys == nil {
		e := plan.Event{Kind: plan.PrintMap, Map: m.Name}
		if len(x.Args) > 1 {
			n, _ := f.constant(x.Args[1])
			e.Top = int(n)
		}
		if len(x.Args) > 2 {
			n, _ := f.constant(x.Args[2])
			e.Div = int(n)
		}
		f.record(e, x, nil)
		f.l.prints = true
		return
	}
	if m.Agg == plan.Plain {
		f.record(plan.Event{Kind: plan.Print}, x, x.Args)
		return
	}
	// An aggregation is put together by the user side, which needs the key.
	size := recordHeader + int64(m.Key.Size)
	id := f.l.event(plan.Event{Kind: plan.PrintKey, Map: m.Name, Size: int(align8(size)),
		Args: []plan.Field{{Offset: recordHeader, Type: m.Key.Plan()}}}, x)
	key := f.key(m, ref.Keys)
	f.reserve(align8(size), id, func(rec *ir.Value) {
		at := f.b.Bin(ir.OpAdd, rec, f.b.Const(recordHeader))
		f.read(at, place{base: key}, int64(m.Key.Size))
	})
}

// callScalar lowers a call whose value fits a register.
func (f *function) callScalar(x *ast.Call) *ir.Value {
	b := f.b
	switch x.Func.Text {
	case "delete":
		return f.deleteKey(x)
	case "has_key":
		return f.hasKey(x)
	case "strncmp":
		return f.strncmp(x)
	case "strftime":
		return f.scalar(x.Args[1])
	case "ksym":
		return f.scalar(x.Args[0])
	case "nsecs":
		return f.clock(x)
	}
	if len(x.Args) == 0 {
		return f.builtin(x.Func.Text)
	}
	f.callEffect(x)
	return b.Const(0)
}

func (f *function) clock(x *ast.Call) *ir.Value {
	h := ktimeBoot
	if len(x.Args) == 1 {
		switch x.Args[0].(*ast.Ident).Name {
		case "monotonic":
			h = ktime
		case "tai":
			h = ktimeTAI
		}
	}
	return f.call(h)
}

// strncmp is 0 when two strings agree in their first n bytes.
func (f *function) strncmp(x *ast.Call) *ir.Value {
	n, _ := f.constant(x.Args[2])
	a, c := x.Args[0], x.Args[1]
	text, ok := f.literalText(c)
	if !ok {
		if text, ok = f.literalText(a); ok {
			a = c
		}
	}
	size := int64(f.in.Type(a).Size)
	if ok {
		buf := append([]byte(text), 0)
		n = min(n, int64(len(buf)))
		if n > size {
			return f.b.Const(1)
		}
		return f.nonZero(f.differText(f.direct(a), buf[:n], n))
	}
	n = min(n, size, int64(f.in.Type(c).Size))
	return f.differLoop(f.direct(a), f.direct(c), n, true)
}

func (f *function) nonZero(v *ir.Value) *ir.Value { return f.b.Cmp(ir.OpNe, v, f.b.Const(0)) }

// callInto lowers a call whose value lives in memory.
func (f *function) callInto(x *ast.Call, at *ir.Value, t *types.Type) {
	switch x.Func.Text {
	case "str":
		f.str(x, at, t)
	case "buf":
		f.buf(x, at, t)
	case "macaddr":
		if f.in.Type(x.Args[0]).IsScalar() {
			f.read(at, place{access: accessOf(f.in.Type(x.Args[0]).Space), base: f.scalar(x.Args[0])}, 6)
			return
		}
		f.read(at, f.placeOf(x.Args[0]), 6)
	default:
		f.identInto(x.Func.Text, at, t)
	}
}

// str reads a string from memory.
func (f *function) str(x *ast.Call, at *ir.Value, t *types.Type) {
	arg := x.Args[0]
	text, ok := f.literalText(arg)
	if p, isParam := arg.(*ast.Param); isParam { // also one that looks like a number
		text, _ = f.l.opts.Env.Param(p.N)
		ok = true
	}
	if ok {
		f.storeString(at, text, int64(t.Size))
		return
	}
	from := f.in.Type(arg)
	var p place
	if from.IsScalar() {
		p = place{access: accessOf(from.Space), base: f.scalar(arg)}
	} else {
		p = f.placeOf(arg)
		if p.access == direct || p.access == ctxMem {
			f.copyValue(at, p, &types.Type{Kind: types.String, Size: min(from.Size, t.Size)}, t)
			return
		}
	}
	var limit *ir.Value
	if len(x.Args) == 2 {
		if _, isConst := f.constant(x.Args[1]); !isConst {
			limit = f.clamp(f.scalar(x.Args[1]), int64(t.Size))
		}
	}
	f.readString(at, p, int64(f.in.Type(x).Size), limit)
	if s := int64(f.in.Type(x).Size); s < int64(t.Size) {
		f.zero(f.b.Bin(ir.OpAdd, at, f.b.Const(s)), int64(t.Size)-s)
	}
}

// clamp bounds a length to 0..most, so that the verifier sees it.
func (f *function) clamp(v *ir.Value, most int64) *ir.Value {
	b := f.b
	over, fine, done := b.NewBlock(), b.NewBlock(), b.NewBlock(ir.I64)
	b.Branch(b.Cmp(ir.OpUGt, v, b.Const(most)), over, fine)
	b.SetBlock(over)
	b.Jump(done, b.Const(most))
	b.SetBlock(fine)
	b.Jump(done, v)
	b.SetBlock(done)
	return done.Params[0]
}

// buf writes a length and that many bytes read from memory.
func (f *function) buf(x *ast.Call, at *ir.Value, t *types.Type) {
	most := int64(t.Size - 4)
	from := f.in.Type(x.Args[0])
	var p place
	if from.IsScalar() {
		p = place{access: accessOf(from.Space), base: f.scalar(x.Args[0])}
	} else {
		p = f.placeOf(x.Args[0])
	}
	n := f.b.Const(min(most, int64(f.in.Type(x).Size-4)))
	if len(x.Args) == 2 {
		if _, isConst := f.constant(x.Args[1]); !isConst {
			n = f.clamp(f.scalar(x.Args[1]), most)
		}
	}
	f.zero(at, int64(t.Size))
	f.b.Store(at, 0, n, 4)
	h := readKernel
	switch p.access {
	case userMem:
		h = readUser
	case anyMem:
		h = probeRead
	}
	f.call(h, f.b.Bin(ir.OpAdd, at, f.b.Const(4)), n, f.addr(p))
}

// text makes constant data of a string and returns its symbol.
func (l *lowerer) text(s string) string {
	for _, d := range l.mod.Data {
		if string(d.Bytes) == s+"\x00" {
			return d.Name
		}
	}
	name := fmt.Sprintf("str_%d", len(l.mod.Data))
	l.mod.Data = append(l.mod.Data, &ir.Data{Name: name, Section: ".rodata", Bytes: append([]byte(s), 0), Align: 1})
	return name
}

// zeroData makes constant data of at least n zero bytes and returns its symbol.
func (l *lowerer) zeroData(n int) string {
	const name = "zeros"
	if d := l.mod.Datum(name); d != nil {
		if len(d.Bytes) < n {
			d.Bytes = make([]byte, n)
		}
		return name
	}
	l.mod.Data = append(l.mod.Data, &ir.Data{Name: name, Section: ".rodata", Bytes: make([]byte, n), Align: 8})
	return name
}
