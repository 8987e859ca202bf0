package identity

import (
	"iter"
	"slices"
	"sort"
)

// uidOrder keeps uids sorted in chunks, so that a change moves one chunk and a page sorts nothing.
type uidOrder struct{ chunks [][]string }

const maxChunk = 512

func (o *uidOrder) insert(uid string) {
	if len(o.chunks) == 0 {
		o.chunks = [][]string{{uid}}
		return
	}
	index := o.chunkOf(uid)
	at, known := slices.BinarySearch(o.chunks[index], uid)
	if known {
		return
	}
	chunk := slices.Insert(o.chunks[index], at, uid)
	o.chunks[index] = chunk
	if len(chunk) > maxChunk {
		half := len(chunk) / 2
		o.chunks = slices.Insert(o.chunks, index+1, slices.Clone(chunk[half:]))
		o.chunks[index] = slices.Delete(chunk, half, len(chunk))
	}
}

func (o *uidOrder) remove(uid string) {
	if len(o.chunks) == 0 {
		return
	}
	index := o.chunkOf(uid)
	at, known := slices.BinarySearch(o.chunks[index], uid)
	if !known {
		return
	}
	o.chunks[index] = slices.Delete(o.chunks[index], at, at+1)
	if len(o.chunks[index]) == 0 {
		o.chunks = slices.Delete(o.chunks, index, index+1)
	}
}

// after yields the uids above one, which need not exist.
func (o *uidOrder) after(uid string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if len(o.chunks) == 0 {
			return
		}
		index := o.chunkOf(uid)
		at, known := slices.BinarySearch(o.chunks[index], uid)
		if known {
			at++
		}
		for _, next := range o.chunks[index][at:] {
			if !yield(next) {
				return
			}
		}
		for _, chunk := range o.chunks[index+1:] {
			for _, next := range chunk {
				if !yield(next) {
					return
				}
			}
		}
	}
}

// chunkOf returns the chunk that holds the uid or would hold it.
func (o *uidOrder) chunkOf(uid string) int {
	above := sort.Search(len(o.chunks), func(i int) bool { return o.chunks[i][0] > uid })
	return max(above-1, 0)
}
