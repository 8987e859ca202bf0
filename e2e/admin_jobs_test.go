package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// S3, O4: operators see and retry the jobs that Firebase refuses.
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

func TestJobs_AreListedPageByPage_S3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator := newAdmin(t, s.Stack)
	if err := s.Identity.AddFaults(identity.Fault{Match: "accounts:update", Kind: identity.FaultUnavailable}); err != nil {
		t.Fatal(err)
	}
	owed := map[uuid.UUID]bool{}
	for range 3 {
		person := s.Person(t)
		operator.act(t, s, person.User.ID, "deactivate")
		owed[person.User.ID] = true
	}
	list := func(query string) client.JobPageEnvelope {
		return decoded[client.JobPageEnvelope](t, operator.ask(t, s, http.MethodGet, "/v1/admin/jobs?"+query, ""))
	}
	waitFor(t, 30*time.Second, "three jobs are listed", func() bool { return len(list("limit=100").Data.Jobs) == len(owed) })
	page := list("limit=2")
	if len(page.Data.Jobs) != 2 || page.Data.NextCursor == nil {
		t.Fatalf("the first page of two is %+v", page.Data)
	}
	rest := list("limit=2&cursor=" + *page.Data.NextCursor)
	if len(rest.Data.Jobs) != 1 || rest.Data.NextCursor != nil {
		t.Errorf("the second page is %+v, expected the last job", rest.Data)
	}
	var before int64
	for _, job := range append(page.Data.Jobs, rest.Data.Jobs...) {
		if !owed[job.UserID] || job.ID <= before {
			t.Errorf("job %d of user %s is listed after job %d, or has no user", job.ID, job.UserID, before)
		}
		delete(owed, job.UserID)
		before = job.ID
	}
	if len(owed) != 0 {
		t.Errorf("no page lists %v", owed)
	}
}
