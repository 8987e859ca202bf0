module auth-v2-service/authclient

go 1.26.0
