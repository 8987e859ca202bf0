package authclient

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Outcome is what became of a request.
type Outcome string

// The outcomes; fit for a metric's label.
const (
	Allowed     Outcome = "allowed"
	Refused     Outcome = "refused"     // 400, 401, 403, 409 or 422: something is wrong with the request, or its user
	Unavailable Outcome = "unavailable" // 503: page somebody when these stay
	Cancelled   Outcome = "cancelled"   // the client left before there was an answer
)

// Result says how one request was decided, for logs and metrics. It holds no token.
type Result struct {
	Outcome   Outcome
	Status    int           // what the client is told; 200 where the handler decides
	Code      string        // the same for programs; "" where Allowed
	Attempts  int           // how many times the service was asked: 0 to 2
	Duration  time.Duration // what this cost the request
	RequestID string        // as the service's log has it, too
	Err       error         // why, where Unavailable or Cancelled
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
