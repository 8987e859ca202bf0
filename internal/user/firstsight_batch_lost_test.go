package user

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestOnceMore_AfterALostConnection(t *testing.T) {
	t.Parallel()
	ended := &pgconn.PgError{Code: "57P01"}
	for what, c := range map[string]struct {
		errs  []error
		asked int
		want  error
	}{
		"a connection that ended":        {[]error{fmt.Errorf("read 3 rows: %w", io.EOF), nil}, 2, nil},
		"a server process that was":      {[]error{ended, nil}, 2, nil},
		"a second one that did":          {[]error{io.ErrUnexpectedEOF, io.EOF, nil}, 2, io.EOF},
		"a refusal":                      {[]error{&pgconn.PgError{Code: "22021"}, nil}, 1, &pgconn.PgError{}},
		"a statement that took too long": {[]error{context.DeadlineExceeded, nil}, 1, context.DeadlineExceeded},
		"a server that is away":          {[]error{&pgconn.ConnectError{}, nil}, 1, &pgconn.ConnectError{}},
		"nothing wrong":                  {[]error{nil}, 1, nil},
	} {
		asked := 0
		ask := retryLost(func(context.Context, []int) ([]string, error) {
			asked++
			return nil, c.errs[asked-1]
		})
		_, err := ask(t.Context(), []int{1, 2, 3})
		var refusal *pgconn.PgError
		var away *pgconn.ConnectError
		as := errors.Is(err, c.want) || errors.As(c.want, &refusal) && errors.As(err, &refusal) || errors.As(c.want, &away) && errors.As(err, &away)
		if asked != c.asked || !as {
			t.Errorf("%s: asked %d times, ended in %v; expected %d, %v", what, asked, err, c.asked, c.want)
		}
	}
}
