package httpapi

import (
	"context"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/user"
)

type adminUserHandlers struct {
	users *user.Store
}

func (h adminUserHandlers) ListUsers(ctx context.Context, in api.ListUsersRequestObject) (api.ListUsersResponseObject, error) {
	search, err := fromAPISearch(in.Params)
	if err != nil {
		return nil, err
	}
	page, err := h.users.Search(ctx, search)
	if err != nil {
		return nil, err
	}
	return api.ListUsers200JSONResponse{UserPageJSONResponse: toAPIUserPage(page)}, nil
}

func (h adminUserHandlers) GetUser(ctx context.Context, in api.GetUserRequestObject) (api.GetUserResponseObject, error) {
	record, err := h.users.Record(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return api.GetUser200JSONResponse{UserRecordJSONResponse: toAPIUserRecord(record, "User retrieved successfully")}, nil
}

func (h adminUserHandlers) UpdateUser(ctx context.Context, in api.UpdateUserRequestObject) (api.UpdateUserResponseObject, error) {
	record, err := h.users.Change(ctx, in.ID, fromAPIUserChange(*in.Body), by(ctx))
	if err != nil {
		return nil, err
	}
	return api.UpdateUser200JSONResponse{UserRecordJSONResponse: toAPIUserRecord(record, "User updated successfully")}, nil
}

func (h adminUserHandlers) DeactivateUser(
	ctx context.Context, in api.DeactivateUserRequestObject,
) (api.DeactivateUserResponseObject, error) {
	record, err := h.users.Deactivate(ctx, in.ID, fromAPIDeactivate(in.Body), by(ctx))
	if err != nil {
		return nil, err
	}
	return api.DeactivateUser200JSONResponse{UserRecordJSONResponse: toAPIUserRecord(record, "The user is deactivated")}, nil
}

func (h adminUserHandlers) ReactivateUser(
	ctx context.Context, in api.ReactivateUserRequestObject,
) (api.ReactivateUserResponseObject, error) {
	record, err := h.users.Reactivate(ctx, in.ID, by(ctx))
	if err != nil {
		return nil, err
	}
	return api.ReactivateUser200JSONResponse{UserRecordJSONResponse: toAPIUserRecord(record, "The user is active")}, nil
}

func (h adminUserHandlers) RevokeUserTokens(
	ctx context.Context, in api.RevokeUserTokensRequestObject,
) (api.RevokeUserTokensResponseObject, error) {
	record, err := h.users.EndSessions(ctx, in.ID, by(ctx))
	if err != nil {
		return nil, err
	}
	return api.RevokeUserTokens200JSONResponse{UserRecordJSONResponse: toAPIUserRecord(record, "The user's sessions are over")}, nil
}

func (h adminUserHandlers) SyncUser(ctx context.Context, in api.SyncUserRequestObject) (api.SyncUserResponseObject, error) {
	synced, err := h.users.SyncByID(ctx, in.ID, by(ctx))
	if err != nil {
		return nil, err
	}
	out, err := h.synced(ctx, synced)
	return api.SyncUser200JSONResponse{SyncedUserJSONResponse: out}, err
}

func (h adminUserHandlers) SyncAccount(ctx context.Context, in api.SyncAccountRequestObject) (api.SyncAccountResponseObject, error) {
	synced, err := h.users.SyncBy(ctx, in.Body.FirebaseUID, by(ctx))
	if err != nil {
		return nil, err
	}
	out, err := h.synced(ctx, synced)
	return api.SyncAccount200JSONResponse{SyncedUserJSONResponse: out}, err
}

func (h adminUserHandlers) synced(ctx context.Context, synced user.Synced) (api.SyncedUserJSONResponse, error) {
	record, err := h.users.Record(ctx, synced.User.ID)
	return toAPISynced(synced, record), err
}
