package main

import (
	"context"
	"fmt"
	"net/http"

	oapi "auth-v2-service/tools/clients/generated/oapi"
)

func runOapi(ctx context.Context, url, email string) error {
	api, err := oapi.NewClientWithResponses(url)
	if err != nil {
		return err
	}
	registered, err := api.RegisterWithResponse(ctx, oapi.RegisterInput{Email: email, Password: password})
	if err != nil || registered.JSON201 == nil {
		return fmt.Errorf("register: %w, of %+v", err, registered)
	}
	first := registered.JSON201.Data
	me, err := api.GetMeWithResponse(ctx, bearer(first.IdToken))
	if err != nil || me.JSON200 == nil || *me.JSON200.Data.User.Email != email {
		return fmt.Errorf("me: %w, of %+v", err, me)
	}
	verified, err := api.VerifyTokenWithResponse(ctx, oapi.VerifyTokenInput{Token: first.IdToken})
	if err != nil || verified.JSON200 == nil || *verified.JSON200.Data.User.Email != email || !bool(verified.JSON200.Success) {
		return fmt.Errorf("verify-token: %w, of %+v", err, verified)
	}
	refreshed, err := api.RefreshWithResponse(ctx, oapi.RefreshInput{RefreshToken: first.RefreshToken})
	if err != nil || refreshed.JSON200 == nil {
		return fmt.Errorf("refresh: %w, of %+v", err, refreshed)
	}
	next := refreshed.JSON200.Data
	out, err := api.LogoutWithResponse(ctx, bearer(next.IdToken))
	if err != nil || out.JSON200 == nil {
		return fmt.Errorf("logout: %w, of %+v", err, out)
	}
	for _, token := range []string{first.IdToken, next.IdToken} {
		refusal, err := api.VerifyTokenWithResponse(ctx, oapi.VerifyTokenInput{Token: token})
		if err != nil || refusal.JSON401 == nil || refusal.JSON401.Code != oapi.TokenFailureCodeTokenRevoked {
			return fmt.Errorf("verify-token after logout: %w, of %+v", err, refusal)
		}
	}
	return nil
}

func bearer(token string) oapi.RequestEditorFn {
	return func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	}
}
