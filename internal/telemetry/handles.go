package telemetry

import (
	"maps"
	"sync"
	"sync/atomic"
)

// handles caches metrics by labels in an immutable map. Prometheus would hash the labels under a lock.
type handles[K comparable, V any] struct {
	make func(K) V
	mu   sync.Mutex
	seen atomic.Pointer[map[K]V]
}

func (h *handles[K, V]) get(labels K) V {
	if seen := h.seen.Load(); seen != nil {
		if v, ok := (*seen)[labels]; ok {
			return v
		}
	}
	return h.add(labels)
}

func (h *handles[K, V]) add(labels K) V {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := map[K]V{}
	if seen := h.seen.Load(); seen != nil {
		maps.Copy(next, *seen)
	}
	v, ok := next[labels]
	if !ok {
		v = h.make(labels)
		next[labels] = v
		h.seen.Store(&next)
	}
	return v
}
