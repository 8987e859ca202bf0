package app

// The limits of a connection, for the test that holds their order.
const (
	ReadTimeout  = readTimeout
	WriteTimeout = writeTimeout
	IdleTimeout  = idleTimeout
)
