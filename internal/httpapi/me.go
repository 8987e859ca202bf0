package httpapi

import (
	"context"
	"time"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/account"
	"auth-v2-service/internal/session"
	"auth-v2-service/internal/user"
)

type meHandlers struct {
	accounts *account.Service
	users    *user.Store
	sessions *session.Service
}

func (h meHandlers) GetMe(ctx context.Context, _ api.GetMeRequestObject) (api.GetMeResponseObject, error) {
	u, err := h.users.ByID(ctx, caller(ctx).User.ID)
	if err != nil {
		return nil, goneIsRevoked(err)
	}
	return api.GetMe200JSONResponse{ProfileJSONResponse: toAPIProfile(u, "User retrieved successfully")}, nil
}

func (h meHandlers) UpdateMe(ctx context.Context, in api.UpdateMeRequestObject) (api.UpdateMeResponseObject, error) {
	u, err := h.users.Rename(ctx, caller(ctx).User.ID, in.Body.Username)
	if err != nil {
		return nil, goneIsRevoked(err)
	}
	return api.UpdateMe200JSONResponse{ProfileJSONResponse: toAPIProfile(u, "User updated successfully")}, nil
}

func (h meHandlers) DeleteMe(ctx context.Context, in api.DeleteMeRequestObject) (api.DeleteMeResponseObject, error) {
	if err := h.accounts.Delete(ctx, caller(ctx), fromAPIDelete(in.Body), client(ctx)); err != nil {
		return nil, err
	}
	return api.DeleteMe200JSONResponse{DoneJSONResponse: toAPIDone("The account is deleted")}, nil
}

func (h meHandlers) ListSessions(ctx context.Context, _ api.ListSessionsRequestObject) (api.ListSessionsResponseObject, error) {
	p := caller(ctx)
	sessions, err := h.sessions.List(ctx, p.User.ID)
	if err != nil {
		return nil, err
	}
	return api.ListSessions200JSONResponse{SessionsJSONResponse: toAPISessions(sessions, p.Claims.SessionID)}, nil
}

func (h meHandlers) EndSession(ctx context.Context, in api.EndSessionRequestObject) (api.EndSessionResponseObject, error) {
	if err := h.sessions.End(ctx, caller(ctx).User.ID, in.ID); err != nil {
		return nil, err
	}
	return api.EndSession200JSONResponse{DoneJSONResponse: toAPIDone("The session is ended")}, nil
}

func (h meHandlers) ExportMe(ctx context.Context, _ api.ExportMeRequestObject) (api.ExportMeResponseObject, error) {
	export, err := h.accounts.Export(ctx, caller(ctx).User.ID)
	if err != nil {
		return nil, goneIsRevoked(err)
	}
	return api.ExportMe200JSONResponse{ExportJSONResponse: toAPIExport(export, time.Now())}, nil
}
