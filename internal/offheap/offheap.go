// Package offheap keeps large arrays of plain values outside of the heap: the
// collector would let the heap grow to twice of them, and backs them by pages of
// 4 KB, whose faults take longer than filling them. What is made here must be
// freed, and not be touched after that.
package offheap

import "unsafe"

// least is from how many bytes on an array lies outside of the heap.
const least = 1 << 20

// Make gives room for so many zero values of a type without pointers.
func Make[T any](length, capacity int) []T {
	size := capacity * int(unsafe.Sizeof(*new(T)))
	if size < least {
		return make([]T, length, capacity)
	}
	block, ok := get(size)
	if !ok {
		return make([]T, length, capacity)
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&block[0])), capacity)[:length] //nolint:gosec // pages of zeros
}

// Grow gives the values in more room, and frees where they were.
func Grow[T any](values []T, capacity int) []T {
	grown := Make[T](len(values), capacity)
	copy(grown, values)
	Free(values)
	return grown
}

// Free gives back what Make or Grow gave; what is nil needs none.
func Free[T any](values []T) {
	size := cap(values) * int(unsafe.Sizeof(*new(T)))
	if size < least {
		return
	}
	put(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), size)) //nolint:gosec // as it was got
}
