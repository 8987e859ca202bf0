package httpapi

import (
	"context"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/principal"
)

type verificationHandlers struct {
	resolver *principal.Resolver
}

func (h verificationHandlers) VerifyToken(
	ctx context.Context, in api.VerifyTokenRequestObject,
) (api.VerifyTokenResponseObject, error) {
	p, err := h.resolver.Resolve(ctx, in.Body.Token)
	if err != nil {
		return nil, err
	}
	return api.VerifyToken200JSONResponse(toAPIVerified(p)), nil
}

func (h verificationHandlers) Forward(ctx context.Context, _ api.ForwardRequestObject) (api.ForwardResponseObject, error) {
	return api.Forward200Response{Headers: toAPIForward(caller(ctx))}, nil
}
