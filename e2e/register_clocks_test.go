package e2e

import (
	"net/http"
	"testing"
	"time"

	"auth-v2-service/internal/testkit/servicetest"
)

func TestRegister_ALostAnswerWhicheverClockIsAhead_A1_T4(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{20 * time.Minute, -20 * time.Minute} {
		t.Run(ahead.String(), func(t *testing.T) {
			t.Parallel()
			stack := servicetest.NewStack(t)
			stack.MachineAhead = ahead
			s := stack.Start(t)
			email := servicetest.Email()
			for _, what := range []string{"a registration", "the same again"} {
				ask(t, s, http.MethodPost, "/v1/auth/register", registerBody(t, email, servicetest.Password)).expect(t, what, http.StatusCreated, "")
			}
			execute(t, stack, "UPDATE auth.users SET created_at = created_at - interval '11 minutes' WHERE email = $1", email)
			ask(t, s, http.MethodPost, "/v1/auth/register", registerBody(t, email, servicetest.Password)).expect(t, "the same later", http.StatusConflict, "email_taken")
		})
	}
}
