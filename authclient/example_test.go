package authclient_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"auth-v2-service/authclient"
)

func Example() {
	auth := httptest.NewServer(says(http.StatusOK, good))
	defer auth.Close()

	client := authclient.New(authclient.Options{BaseURL: auth.URL})
	handler := client.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := authclient.UserFrom(r.Context())
		fmt.Fprintf(w, "%s, %s, by a %s token", user.Username, user.UserType, user.Token.Kind)
	}))

	for _, credential := range []string{"Bearer e30.e30.c2ln", ""} {
		request := httptest.NewRequest(http.MethodGet, "/me", nil)
		request.Header.Set("Authorization", credential)
		request.Header.Set("X-Request-Id", "example-1")
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		fmt.Println(answer.Code, answer.Body)
	}
	// Output:
	// 200 Jane Doe, user, by a firebase token
	// 401 {"success":false,"message":"A bearer token is required","code":"token_missing","request_id":"example-1"}
}

func ExampleWithUser() {
	handler := authclient.RequireType("admin")(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "welcome")
	}))
	request := httptest.NewRequest(http.MethodGet, "/admin", nil)
	for _, userType := range []string{"admin", "user"} {
		ctx := authclient.WithUser(request.Context(), authclient.User{UserType: userType})
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request.WithContext(ctx))
		fmt.Println(answer.Code)
	}
	// Output:
	// 200
	// 403
}
