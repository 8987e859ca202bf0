package httpapi

import (
	"auth-v2-service/gen/api"
)

type server struct {
	authHandlers
	meHandlers
	passwordHandlers
	verificationHandlers
	adminHandlers
	adminUserHandlers
	auditHandlers
	balanceHandlers
	jobHandlers
	moveHandlers
	legacyHandlers
	healthHandlers
	schemaHandlers
	docsHandlers
}

var _ api.StrictServerInterface = server{}
