package httpapi

import (
	"context"
	"strconv"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/balance"
	"auth-v2-service/internal/fault"
)

// balanceHandlers are the operations of the tag balance.
type balanceHandlers struct {
	balances *balance.Service
}

func (h balanceHandlers) ChangeTokenBalance(
	ctx context.Context, in api.ChangeTokenBalanceRequestObject,
) (api.ChangeTokenBalanceResponseObject, error) {
	change := balance.Change{
		UserID: in.ID, Amount: in.Body.Amount, Reason: in.Body.Reason, Caller: actor(ctx), Key: in.Params.IdempotencyKey,
		AsAdmin: isOperator(ctx),
	}
	changed, err := h.balances.Change(ctx, change)
	if err != nil {
		return nil, err
	}
	return api.ChangeTokenBalance200JSONResponse{TokenBalanceChangedJSONResponse: toAPIBalanceChanged(change, changed)}, nil
}

func (h balanceHandlers) ListTokenBalanceEntries(
	ctx context.Context, in api.ListTokenBalanceEntriesRequestObject,
) (api.ListTokenBalanceEntriesResponseObject, error) {
	before, err := fromAPICursor(in.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, err := h.balances.Entries(ctx, in.ID, before, limitOf(in.Params.Limit))
	if err != nil {
		return nil, err
	}
	return api.ListTokenBalanceEntries200JSONResponse{TokenBalanceEntriesJSONResponse: toAPILedger(page)}, nil
}

var errCursor = fault.Invalid("the request is not valid", fault.Field{Field: "cursor", Message: "must be what the page before gave"})

// fromAPICursor reads the entry that a page goes on before, 0 for the newest. Clients rely on nothing in it.
func fromAPICursor(cursor *string) (before int64, err error) {
	if cursor == nil {
		return 0, nil
	}
	if before, err = strconv.ParseInt(*cursor, 10, 64); err != nil || before <= 0 {
		return 0, errCursor.With(err)
	}
	return before, nil
}
