package identity_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/auth"
	"firebase.google.com/go/v4/auth/hash"
	"golang.org/x/crypto/bcrypt"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/identitytoolkit/v1"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"auth-v2-service/internal/devstack/identity"
)

func adminSDK(t *testing.T, s served) *auth.Client {
	t.Helper()
	t.Setenv("FIREBASE_AUTH_EMULATOR_HOST", strings.TrimPrefix(s.base, "http://"))
	app, err := firebase.NewApp(t.Context(), &firebase.Config{ProjectID: project})
	if err != nil {
		t.Fatal(err)
	}
	client, err := app.Auth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestAdminSDK_LifeOfAUser(t *testing.T) {
	s := serve(t, identity.Options{})
	sdk, ctx := adminSDK(t, s), t.Context()
	uid := "11111111-2222-4333-8444-555555555555"
	user, err := sdk.CreateUser(ctx, (&auth.UserToCreate{}).UID(uid).Email("Ann@example.com").Password("secret-1").DisplayName("Ann").EmailVerified(true))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "uid", user.UID, uid)
	equal(t, "email", user.Email, "ann@example.com")
	equal(t, "verified", user.EmailVerified, true)
	_, err = sdk.CreateUser(ctx, (&auth.UserToCreate{}).UID(uid).Email("other@example.com"))
	equal(t, "duplicate uid", auth.IsUIDAlreadyExists(err), true)
	_, err = sdk.CreateUser(ctx, (&auth.UserToCreate{}).Email("ann@example.com"))
	equal(t, "duplicate e-mail", auth.IsEmailAlreadyExists(err), true)

	if err := sdk.SetCustomUserClaims(ctx, uid, map[string]any{"role": "admin"}); err != nil {
		t.Fatal(err)
	}
	in := s.signIn("ann@example.com", "secret-1").ok()
	token, err := sdk.VerifyIDToken(ctx, in.text("idToken"))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "custom claim", token.Claims["role"], any("admin"))

	if _, err := sdk.UpdateUser(ctx, uid, (&auth.UserToUpdate{}).Disabled(true)); err != nil {
		t.Fatal(err)
	}
	s.signIn("ann@example.com", "secret-1").refused("USER_DISABLED")
	s.refresh(in.text("refreshToken")).refused("USER_DISABLED")
	if err := sdk.DeleteUser(ctx, uid); err != nil {
		t.Fatal(err)
	}
	_, err = sdk.GetUser(ctx, uid)
	equal(t, "gone", auth.IsUserNotFound(err), true)
	equal(t, "gone twice", auth.IsUserNotFound(sdk.DeleteUser(ctx, uid)), true)
	s.refresh(in.text("refreshToken")).refused("USER_NOT_FOUND")
}

func TestAdminSDK_ImportsAndListsUsers(t *testing.T) {
	s := serve(t, identity.Options{})
	sdk, ctx := adminSDK(t, s), t.Context()
	hashed, err := bcrypt.GenerateFromPassword([]byte("old-secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	var users []*auth.UserToImport
	for _, name := range []string{"a", "b", "c"} {
		users = append(users, (&auth.UserToImport{}).UID("uid-"+name).Email(name+"@example.com").PasswordHash(hashed))
	}
	result, err := sdk.ImportUsers(ctx, users, auth.WithHash(hash.Bcrypt{}))
	if err != nil || result.SuccessCount != 3 {
		t.Fatalf("imported %+v, %v", result, err)
	}
	equal(t, "exported hash before the first sign-in", exported(t, sdk, "uid-a"), "")
	s.signIn("a@example.com", "wrong-one").refused("INVALID_LOGIN_CREDENTIALS")
	s.signIn("a@example.com", "old-secret").ok()
	if exported(t, sdk, "uid-a") == "" {
		t.Error("no scrypt hash is exported after the first sign-in")
	}
	s.signIn("a@example.com", "old-secret").ok()
	equal(t, "listed", listed(ctx, t, sdk), []string{"uid-a", "uid-b", "uid-c"})
	deleted, err := sdk.DeleteUsers(ctx, []string{"uid-a", "uid-b", "nobody"})
	if err != nil || deleted.SuccessCount != 3 {
		t.Fatalf("deleted %+v, %v", deleted, err)
	}
	equal(t, "left", listed(ctx, t, sdk), []string{"uid-c"})
}

func exported(t *testing.T, sdk *auth.Client, uid string) string {
	t.Helper()
	users := sdk.Users(t.Context(), "")
	for {
		user, err := users.Next()
		if err != nil {
			t.Fatalf("user %s is not exported: %v", uid, err)
		}
		if user.UID == uid {
			return user.PasswordHash
		}
	}
}

func listed(ctx context.Context, t *testing.T, sdk *auth.Client) []string {
	t.Helper()
	var uids []string
	pager := iterator.NewPager(sdk.Users(ctx, ""), 2, "")
	for {
		var page []*auth.ExportedUserRecord
		next, err := pager.NextPage(&page)
		if err != nil {
			t.Fatal(err)
		}
		for _, user := range page {
			uids = append(uids, user.UID)
		}
		if next == "" {
			return uids
		}
	}
}

func TestAdminSDK_RevokesAndLinks(t *testing.T) {
	now := newClock()
	s := serve(t, identity.Options{Clock: now.Now})
	sdk, ctx := adminSDK(t, s), t.Context()
	up := s.signUp("ann@example.com")
	if err := sdk.RevokeRefreshTokens(ctx, up.text("localId")); err != nil {
		t.Fatal(err)
	}
	s.refresh(up.text("refreshToken")).refused("TOKEN_EXPIRED") // the SDK's clock is ahead

	link, err := sdk.PasswordResetLink(ctx, "ann@example.com")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	s.client("accounts:resetPassword", object{"oobCode": parsed.Query().Get("oobCode"), "newPassword": "secret-2"}).ok()
	s.signIn("ann@example.com", "secret-1").refused("INVALID_LOGIN_CREDENTIALS")
	s.signIn("ann@example.com", "secret-2").ok()
	user, err := sdk.GetUserByEmail(ctx, "ann@example.com")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "verified by the reset", user.EmailVerified, true)
}

func TestIdentityToolkitClient_SignsIn(t *testing.T) {
	s := serve(t, identity.Options{APIKey: "the-key"})
	client := func(key string) *identitytoolkit.Service {
		service, err := identitytoolkit.NewService(t.Context(),
			option.WithEndpoint(s.base+"/identitytoolkit.googleapis.com/"), option.WithAPIKey(key))
		if err != nil {
			t.Fatal(err)
		}
		return service
	}
	up, err := client("the-key").Accounts.SignUp(&identitytoolkit.GoogleCloudIdentitytoolkitV1SignUpRequest{
		Email: "bob@example.com", Password: "secret-1",
	}).Do()
	if err != nil {
		t.Fatal(err)
	}
	in, err := client("the-key").Accounts.SignInWithPassword(&identitytoolkit.GoogleCloudIdentitytoolkitV1SignInWithPasswordRequest{
		Email: "bob@example.com", Password: "secret-1", ReturnSecureToken: true,
	}).Do()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "uid", in.LocalId, up.LocalId)
	equal(t, "expiresIn", in.ExpiresIn, int64(3600))
	_, err = client("another").Accounts.Lookup(&identitytoolkit.GoogleCloudIdentitytoolkitV1GetAccountInfoRequest{IdToken: in.IdToken}).Do()
	var refusal *googleapi.Error
	if !errors.As(err, &refusal) || refusal.Code != 400 || !strings.HasPrefix(refusal.Message, "API key not valid") {
		t.Errorf("a wrong key gives %v", err)
	}
}
