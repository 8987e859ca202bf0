package bulk_test

import (
	"maps"
	"testing"

	"auth-v2-service/internal/bulk"
	"auth-v2-service/internal/move"
)

func TestPreview_CountsEachNamedUser(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ids := s.locals(8)
	s.exec("UPDATE auth.users SET firebase_uid = id::text WHERE id = $1", ids[7])
	s.exec("UPDATE auth.rollout SET traffic_buckets = 9999, deny = ARRAY[$1::uuid]", ids[0])
	s.exec("UPDATE auth.users SET is_active = false WHERE id = $1", ids[1])
	s.exec("UPDATE auth.users SET auth_provider = 'hybrid', firebase_uid = id::text WHERE id = $1", ids[2])
	s.exec("UPDATE auth.users SET password_hash = 'md5' WHERE id = $1", ids[3])
	s.exec("UPDATE auth.users SET federation_status = 'syncing' WHERE id = $1", ids[4])
	for what, c := range map[string]struct {
		plan    bulk.Plan
		movable int64
		stuck   map[string]int64
	}{
		"by ids": {
			bulk.Plan{Selection: bulk.IDs, IDs: append(ids[:6:6], ids[5], ids[7])},
			2,
			map[string]int64{"denied": 1, move.CodeDeactivated: 1, move.CodeMoved: 1, move.CodeReturned: 1, "invalid_hash": 1},
		},
		"all": {bulk.Plan{}, 3, map[string]int64{"invalid_hash": 1, move.CodeReturned: 1}},
	} {
		p, err := s.service().Preview(t.Context(), c.plan)
		if err != nil || p.Movable != c.movable || !maps.Equal(p.Stuck, c.stuck) {
			t.Errorf("%s: %d can move, not %v, %v; expected %d and %v", what, p.Movable, p.Stuck, err, c.movable, c.stuck)
		}
		for code, named := range p.Named {
			if int64(len(named)) != p.Stuck[code] {
				t.Errorf("%s: %s names %v", what, code, named)
			}
		}
	}
}
