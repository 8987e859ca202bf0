package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// S3: what Firebase does not follow is seen by operators, without waiting for anything; once Firebase is back it follows at once when
// they ask for it, and the asking is on record (O4).
func TestJobs_AreSeenAndRetried_S3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator := newAdmin(t, s.Stack)
	person := s.Person(t)
	if err := s.Identity.AddFaults(identity.Fault{Match: "accounts:update", Kind: identity.FaultUnavailable}); err != nil {
		t.Fatal(err)
	}
	operator.act(t, s, person.User.ID, "deactivate")
	var job client.Job
	waitFor(t, 30*time.Second, "the job is listed", func() bool {
		page := decoded[client.JobPageEnvelope](t, operator.ask(t, s, http.MethodGet, "/v1/admin/jobs?state=retrying&limit=1", ""))
		if len(page.Data.Jobs) == 0 {
			return false
		}
		job = page.Data.Jobs[0]
		return true
	})
	if job.UserID != person.User.ID || job.LastError != "dependency_unavailable" || job.Tries < 1 || job.NextTryAt == nil {
		t.Errorf("the job is listed as %+v", job)
	}
	mustExec(t, s.Stack, `UPDATE auth.river_job SET state = 'discarded', finalized_at = now() WHERE id = $1`, job.ID)
	page := decoded[client.JobPageEnvelope](t, operator.ask(t, s, http.MethodGet, "/v1/admin/jobs?state=dead", ""))
	if len(page.Data.Jobs) != 1 || page.Data.Jobs[0].NextTryAt != nil || page.Data.Jobs[0].State != client.JobStateDead {
		t.Errorf("what was given up is listed as %+v", page.Data.Jobs)
	}
	s.Identity.ClearFaults()
	path := fmt.Sprintf("/v1/admin/jobs/%d/retry", job.ID)
	operator.ask(t, s, http.MethodPost, path, "").expect(t, "retrying", http.StatusOK, "")
	waitFor(t, 30*time.Second, "Firebase follows", func() bool {
		account, _ := s.Identity.User(person.UID)
		return account.Disabled
	})
	operator.ask(t, s, http.MethodPost, path, "").expect(t, "retrying what is done", http.StatusNotFound, "not_found")
	operator.ask(t, s, http.MethodPost, "/v1/admin/jobs/0/retry", "").expect(t, "a number that none has", http.StatusBadRequest, "invalid_request")
	for _, query := range []string{"state=done", "limit=0", "cursor=x"} {
		operator.ask(t, s, http.MethodGet, "/v1/admin/jobs?"+query, "").expect(t, query, http.StatusBadRequest, "invalid_request")
	}
}
