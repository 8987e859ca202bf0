package httpapi

import (
	"context"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/account"
)

type passwordHandlers struct {
	accounts *account.Service
}

func (h passwordHandlers) LoginMFA(ctx context.Context, in api.LoginMFARequestObject) (api.LoginMFAResponseObject, error) {
	session, err := h.accounts.LoginMFA(ctx, account.SecondFactor{
		PendingCredential: in.Body.PendingCredential, FactorID: in.Body.FactorID, Code: in.Body.Code, Client: client(ctx),
	})
	if err != nil {
		return nil, err
	}
	return api.LoginMFA200JSONResponse{SignedInJSONResponse: toAPISession(session, "Signed in successfully")}, nil
}

func (h passwordHandlers) LinkAccount(ctx context.Context, in api.LinkAccountRequestObject) (api.LinkAccountResponseObject, error) {
	u, err := h.accounts.Link(ctx, claims(ctx), in.Body.Password, client(ctx))
	if err != nil {
		return nil, err
	}
	return api.LinkAccount200JSONResponse{ProfileJSONResponse: toAPIProfile(u, "The account is linked")}, nil
}

// mailAccepted is the same for every address (A9).
const mailAccepted = "If this account exists, a mail is on its way"

func (h passwordHandlers) ForgotPassword(
	ctx context.Context, in api.ForgotPasswordRequestObject,
) (api.ForgotPasswordResponseObject, error) {
	if err := h.accounts.ForgotPassword(ctx, in.Body.Email, client(ctx)); err != nil {
		return nil, err
	}
	return api.ForgotPassword202JSONResponse{MailAcceptedJSONResponse: api.MailAcceptedJSONResponse(toAPIDone(mailAccepted))}, nil
}

func (h passwordHandlers) ResetPassword(
	ctx context.Context, in api.ResetPasswordRequestObject,
) (api.ResetPasswordResponseObject, error) {
	if err := h.accounts.ResetPassword(ctx, in.Body.Code, in.Body.NewPassword); err != nil {
		return nil, err
	}
	return api.ResetPassword200JSONResponse{DoneJSONResponse: toAPIDone("The password is changed; sign in with it")}, nil
}

func (h passwordHandlers) ChangePassword(
	ctx context.Context, in api.ChangePasswordRequestObject,
) (api.ChangePasswordResponseObject, error) {
	session, err := h.accounts.ChangePassword(ctx, caller(ctx), account.PasswordChange{
		Current: orEmpty(in.Body.CurrentPassword), New: in.Body.NewPassword, Client: client(ctx),
	})
	if err != nil {
		return nil, err
	}
	return api.ChangePassword200JSONResponse{SignedInJSONResponse: toAPISession(session, "The password is changed")}, nil
}

func (h passwordHandlers) SendEmailVerification(
	ctx context.Context, _ api.SendEmailVerificationRequestObject,
) (api.SendEmailVerificationResponseObject, error) {
	if err := h.accounts.SendEmailVerification(ctx, caller(ctx), bearer(ctx), client(ctx)); err != nil {
		return nil, err
	}
	return api.SendEmailVerification202JSONResponse{
		MailAcceptedJSONResponse: api.MailAcceptedJSONResponse(toAPIDone(mailAccepted)),
	}, nil
}

func (h passwordHandlers) ConfirmEmail(
	ctx context.Context, in api.ConfirmEmailRequestObject,
) (api.ConfirmEmailResponseObject, error) {
	if err := h.accounts.ConfirmEmail(ctx, in.Body.Code); err != nil {
		return nil, err
	}
	return api.ConfirmEmail200JSONResponse{DoneJSONResponse: toAPIDone("The address is proven")}, nil
}
