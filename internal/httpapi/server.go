package httpapi

import (
	"auth-v2-service/gen/api"
)

// server is the contract's strict interface, put together from one small struct a tag.
type server struct {
	authHandlers
	meHandlers
	passwordHandlers
	gatewayHandlers
	adminHandlers
	adminUserHandlers
	auditHandlers
	balanceHandlers
	jobHandlers
	legacyHandlers
	healthHandlers
	schemaHandlers
	docsHandlers
}

var _ api.StrictServerInterface = server{}
