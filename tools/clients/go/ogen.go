package main

import (
	"context"
	"fmt"

	"github.com/ogen-go/ogen/ogenerrors"

	ogen "auth-v2-service/tools/clients/generated/ogen"
)

type credentials struct{ token string }

func (c *credentials) Bearer(context.Context, ogen.OperationName) (ogen.Bearer, error) {
	return ogen.Bearer{Token: c.token}, nil
}

func (c *credentials) ApiKey(context.Context, ogen.OperationName) (ogen.ApiKey, error) {
	return ogen.ApiKey{}, ogenerrors.ErrSkipClientSecurity
}

func runOgen(ctx context.Context, url, email string) error {
	caller := &credentials{}
	api, err := ogen.NewClient(url, caller)
	if err != nil {
		return err
	}
	registered, err := as[*ogen.SessionEnvelope](api.Register(ctx, &ogen.RegisterInput{Email: email, Password: password}))
	if err != nil {
		return fmt.Errorf("register: %w", err)
	}
	caller.token = registered.Data.IdToken
	me, err := as[*ogen.MeEnvelope](api.GetMe(ctx))
	if err != nil || me.Data.User.Email.Value != email {
		return fmt.Errorf("me: %w, of %+v", err, me)
	}
	verified, err := as[*ogen.VerifyTokenEnvelope](api.VerifyToken(ctx, &ogen.VerifyTokenInput{Token: caller.token}))
	if err != nil || verified.Data.User.Email.Value != email || !bool(verified.Success) {
		return fmt.Errorf("verify-token: %w, of %+v", err, verified)
	}
	next, err := as[*ogen.TokensEnvelope](api.Refresh(ctx, &ogen.RefreshInput{RefreshToken: registered.Data.RefreshToken}))
	if err != nil {
		return fmt.Errorf("refresh: %w", err)
	}
	caller.token = next.Data.IdToken
	if _, err := as[*ogen.DoneEnvelope](api.Logout(ctx)); err != nil {
		return fmt.Errorf("logout: %w", err)
	}
	for _, token := range []string{registered.Data.IdToken, next.Data.IdToken} {
		refusal, err := as[*ogen.TokenRefusedHeaders](api.VerifyToken(ctx, &ogen.VerifyTokenInput{Token: token}))
		if err != nil || refusal.Response.Code != ogen.TokenFailureCodeTokenRevoked {
			return fmt.Errorf("verify-token after logout: %w, of %+v", err, refusal)
		}
	}
	return nil
}

func as[Want, Answer any](answer Answer, err error) (want Want, _ error) {
	if err != nil {
		return want, err
	}
	want, ok := any(answer).(Want)
	if !ok {
		return want, fmt.Errorf("answered %+v", answer)
	}
	return want, nil
}
