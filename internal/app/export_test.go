package app

const (
	ReadTimeout  = readTimeout
	WriteTimeout = writeTimeout
	IdleTimeout  = idleTimeout
)
