package httpapi

import (
	"context"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/balance"
)

type balanceHandlers struct {
	balances *balance.Service
}

func (h balanceHandlers) ChangeTokenBalance(
	ctx context.Context, in api.ChangeTokenBalanceRequestObject,
) (api.ChangeTokenBalanceResponseObject, error) {
	change := balance.Change{
		UserID: in.ID, Amount: in.Body.Amount, Reason: in.Body.Reason, Caller: actor(ctx), Key: in.Params.IdempotencyKey,
		AsAdmin: isOperator(ctx), By: by(ctx),
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
	page, err := h.balances.Entries(ctx, in.ID, orEmpty(in.Params.Cursor), limitOf(in.Params.Limit))
	if err != nil {
		return nil, err
	}
	return api.ListTokenBalanceEntries200JSONResponse{TokenBalanceEntriesJSONResponse: toAPILedger(page)}, nil
}
