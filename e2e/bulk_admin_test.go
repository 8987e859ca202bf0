package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/testkit/servicetest"
)

func (a admin) move(t *testing.T, s *servicetest.Service, method, path, body string) client.MoveRun {
	t.Helper()
	answer := a.ask(t, s, method, path, body)
	answer.expect(t, method+" "+path, http.StatusOK, "")
	return decoded[client.MoveRunEnvelope](t, answer).Data.Run
}

func TestMovesAPI_TheLifeOfARun_M4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	operator := newAdmin(t, s.Stack)
	operator.rollOut(t, s, 0)
	c := newCrowd(t, s.Stack, 40)
	bad := c.people[0]
	execute(t, s.Stack, "UPDATE auth.users SET password_hash = 'md5' WHERE id = $1", bad.id)
	const path = "/v1/admin/moves"
	for _, body := range []string{
		`{}`, `{"selection":"some"}`, `{"selection":"percent"}`, `{"selection":"percent","percent":0}`, `{"selection":"percent","percent":101}`,
		`{"selection":"percent","percent":0.015}`, `{"selection":"ids"}`, fmt.Sprintf(`{"selection":"ids","ids":["%s"]}`, uuid.New()),
		`{"selection":"all","rate":0}`, `{"selection":"all","parallel":33}`, `{"selection":"all","max_errors":0}`,
		fmt.Sprintf(`{"selection":"all","ids":["%s"]}`, c.people[0].id), `{"selection":"cohort","percent":10}`,
	} {
		operator.ask(t, s, http.MethodPost, path, body).expect(t, body, http.StatusBadRequest, "invalid_request")
	}
	run := operator.move(t, s, http.MethodPost, path, `{"selection":"percent","percent":100,"rate":4,"parallel":1}`)
	at := path + "/" + run.ID.String()
	if run.State != client.MoveRunStateRunning || run.Percent == nil || *run.Percent != 100 || run.Rate == nil || *run.Rate != 4 {
		t.Errorf("the run began as %+v", run)
	}
	if again := operator.move(t, s, http.MethodPost, path, `{"selection":"percent","percent":100}`); again.ID != run.ID {
		t.Errorf("another run was started: %+v", again)
	}
	operator.ask(t, s, http.MethodPost, path, `{"selection":"all"}`).expect(t, "another selection", http.StatusConflict, "run_conflict")
	waitFor(t, 30*time.Second, "an instance carries it", func() bool {
		run = operator.move(t, s, http.MethodGet, at, "")
		return run.Carried && run.Moved > 0
	})
	for _, act := range []string{"resume", "retry"} {
		operator.ask(t, s, http.MethodPost, at+"/"+act, "").expect(t, act+" of a running run", http.StatusConflict, "run_conflict")
	}
	if run = operator.move(t, s, http.MethodPost, at+"/pause", ""); run.State != client.MoveRunStatePaused || run.Reason == nil || *run.Reason != "operator" {
		t.Errorf("paused, the run is %+v", run)
	}
	operator.ask(t, s, http.MethodPost, at+"/pause", "").expect(t, "pausing twice", http.StatusConflict, "run_conflict")
	execute(t, s.Stack, "UPDATE auth.bulk_runs SET rate = 500, pace = 400, canary_failure = 'canary'")
	if run = operator.move(t, s, http.MethodGet, at, ""); run.SlowedTo == nil || *run.SlowedTo != 400 || run.CanaryFailure == nil {
		t.Errorf("the run is %+v", run)
	}
	operator.move(t, s, http.MethodPost, at+"/resume", "")
	done := func() bool {
		run = operator.move(t, s, http.MethodGet, at, "")
		return run.State == client.MoveRunStateDone
	}
	waitFor(t, 60*time.Second, "the run is done", done)
	if run.Moved != 39 || run.Failed != 1 || len(run.Failures) != 1 || run.Failures[0].Code != "invalid_hash" || run.EndedAt == nil || run.CanaryAt == nil {
		t.Errorf("done, the run is %+v", run)
	}
	execute(t, s.Stack, "UPDATE auth.users SET password_hash = $2 WHERE id = $1", bad.id, hashOf(t, bad.password))
	operator.move(t, s, http.MethodPost, at+"/retry", "")
	waitFor(t, 60*time.Second, "the run is done again", done)
	c.expectWhereabouts(t, "retried", everybody)
	operator.ask(t, s, http.MethodPost, at+"/stop", "").expect(t, "stopping a done run", http.StatusConflict, "run_conflict")
	newCrowd(t, s.Stack, 30)
	next := operator.move(t, s, http.MethodPost, path, `{"selection":"all","rate":1,"parallel":1}`)
	if stopped := operator.move(t, s, http.MethodPost, path+"/"+next.ID.String()+"/stop", ""); stopped.State != client.MoveRunStateStopped {
		t.Errorf("stopped, the run is %+v", stopped)
	}
	page := decoded[client.MoveRunPageEnvelope](t, operator.ask(t, s, http.MethodGet, path+"?limit=1", ""))
	if len(page.Data.Runs) != 1 || page.Data.Runs[0].ID != next.ID || page.Data.NextCursor == nil {
		t.Fatalf("the first page is %+v", page.Data)
	}
	page = decoded[client.MoveRunPageEnvelope](t, operator.ask(t, s, http.MethodGet, path+"?limit=1&cursor="+*page.Data.NextCursor, ""))
	if len(page.Data.Runs) != 1 || page.Data.Runs[0].ID != run.ID || page.Data.NextCursor != nil {
		t.Errorf("the second page is %+v", page.Data)
	}
	operator.ask(t, s, http.MethodGet, path+"?cursor=x", "").expect(t, "a foreign cursor", http.StatusBadRequest, "invalid_request")
	operator.ask(t, s, http.MethodGet, noRunPath, "").expect(t, "no run", http.StatusNotFound, "not_found")
	for _, act := range []string{"pause", "resume", "stop", "retry"} {
		operator.ask(t, s, http.MethodPost, noRunPath+"/"+act, "").expect(t, act+" of no run", http.StatusNotFound, "not_found")
		operator.ask(t, s, http.MethodPost, path+"/x/"+act, "").expect(t, act+" of no id", http.StatusBadRequest, "invalid_request")
	}
	operator.ask(t, s, http.MethodGet, path+"/x", "").expect(t, "no id", http.StatusBadRequest, "invalid_request")
}
