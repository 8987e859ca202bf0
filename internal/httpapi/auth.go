package httpapi

import (
	"context"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/account"
	"auth-v2-service/internal/user"
)

type authHandlers struct {
	accounts *account.Service
	users    *user.Store
}

func (h authHandlers) Register(ctx context.Context, in api.RegisterRequestObject) (api.RegisterResponseObject, error) {
	session, err := h.accounts.Register(ctx, fromAPIRegister(ctx, *in.Body))
	if err != nil {
		return nil, err
	}
	return api.Register201JSONResponse{SignedInJSONResponse: toAPISession(session, "User registered successfully")}, nil
}

func (h authHandlers) Login(ctx context.Context, in api.LoginRequestObject) (api.LoginResponseObject, error) {
	session, err := h.accounts.Login(ctx, fromAPILogin(ctx, *in.Body))
	if err != nil {
		return nil, err
	}
	return api.Login200JSONResponse{SignedInJSONResponse: toAPISession(session, "Signed in successfully")}, nil
}

func (h authHandlers) Refresh(ctx context.Context, in api.RefreshRequestObject) (api.RefreshResponseObject, error) {
	tokens, err := h.accounts.Refresh(ctx, in.Body.RefreshToken, client(ctx))
	if err != nil {
		return nil, err
	}
	return api.Refresh200JSONResponse(toAPITokens(tokens)), nil
}

func (h authHandlers) Logout(ctx context.Context, _ api.LogoutRequestObject) (api.LogoutResponseObject, error) {
	if err := h.users.RevokeTokens(ctx, caller(ctx).User.ID, caller(ctx).Claims); err != nil {
		return nil, goneIsRevoked(err)
	}
	return api.Logout200JSONResponse{DoneJSONResponse: toAPIDone("Signed out everywhere")}, nil
}
