package authclient

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Outcome is a decision.
type Outcome string

// Outcomes fit a metric label.
const (
	Allowed     Outcome = "allowed"
	Refused     Outcome = "refused"     // 400, 401, 403, 409 or 422
	Unavailable Outcome = "unavailable" // 503; alert when it persists
	Cancelled   Outcome = "cancelled"   // the client left
)

// Result reports one decision. It holds no token.
type Result struct {
	Outcome   Outcome
	Status    int    // 200 when allowed
	Code      string // "" when allowed
	Attempts  int    // 0 to 2
	Duration  time.Duration
	RequestID string
	Err       error // when Unavailable or Cancelled
}

func (c *Client) report(refused *refusal, asked int, took time.Duration, id string) {
	if c.onVerify == nil {
		return
	}
	out := Result{Outcome: Allowed, Status: http.StatusOK, Attempts: asked, Duration: took, RequestID: id}
	if refused != nil {
		out.Outcome, out.Status, out.Code, out.Err = refused.outcome(), refused.status, refused.code, refused.cause
	}
	c.onVerify(out)
}

func (e *refusal) outcome() Outcome {
	switch {
	case errors.Is(e.cause, context.Canceled):
		return Cancelled
	case e.status == http.StatusServiceUnavailable:
		return Unavailable
	default:
		return Refused
	}
}
