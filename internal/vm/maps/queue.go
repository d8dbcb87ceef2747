package maps

import (
	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/vm/mem"
)

// queue is a queue (first in, first out) or a stack (last in, first out).
type queue struct {
	base
	items []byte
	first int // index of the oldest item
	n     int
}

func newQueue(space *mem.Space, s Spec) (Map, error) {
	return &queue{base: newBase(space, s)}, nil
}

func (q *queue) Release() {}

// at is item i, the oldest being 0. The ring grows up to the map's size.
func (q *queue) at(i int) []byte {
	size := int(q.spec.ValueSize)
	capacity := len(q.items) / size
	i = (q.first + i) % capacity
	return q.items[i*size:][:size]
}

func (q *queue) grow() {
	size := int(q.spec.ValueSize)
	items := make([]byte, min(max(2*q.n, 16), int(q.spec.MaxEntries))*size)
	for i := range q.n {
		copy(items[i*size:], q.at(i))
	}
	q.items, q.first = items, 0
}

func (q *queue) Push(value []byte, flags uint64) Errno {
	replace := flags == Exist
	if flags&NoExist != 0 || flags > Exist {
		return EINVAL
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.n == int(q.spec.MaxEntries) {
		if !replace {
			return E2BIG
		}
		q.first = (q.first + 1) % q.n
		q.n--
	}
	if q.n*int(q.spec.ValueSize) == len(q.items) {
		q.grow()
	}
	q.n++
	copy(q.at(q.n-1), value)
	return OK
}

func (q *queue) get(value []byte, remove bool) Errno {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.n == 0 {
		clear(value)
		return ENOENT
	}
	i := 0
	if q.spec.Type == facts.MapTypeStack {
		i = q.n - 1
	}
	copy(value, q.at(i))
	if remove {
		q.n--
		if i == 0 {
			q.first = (q.first + 1) % (len(q.items) / int(q.spec.ValueSize))
		}
	}
	return OK
}

func (q *queue) Pop(value []byte) Errno  { return q.get(value, true) }
func (q *queue) Peek(value []byte) Errno { return q.get(value, false) }

func (q *queue) Update(int, []byte, []byte, uint64) Errno { return EINVAL }
func (q *queue) Delete([]byte) Errno                      { return EINVAL }
func (q *queue) Next([]byte, []byte) Errno                { return EINVAL }

func (q *queue) Read(_, value []byte, flags uint64) Errno {
	if e := q.readFlags(flags); e != OK {
		return e
	}
	return q.Peek(value)
}

func (q *queue) Write(_, value []byte, flags uint64) Errno { return q.Push(value, flags) }

func (q *queue) Take(_, value []byte, flags uint64) Errno {
	if flags != 0 {
		return EINVAL
	}
	return q.Pop(value)
}
