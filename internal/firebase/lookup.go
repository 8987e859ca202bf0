package firebase

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/identitytoolkit/v1"
)

const passwordProvider = "password"

// User is an account at Firebase. Zero times and texts are unknown.
type User struct {
	UID           string
	Email         string
	EmailVerified bool
	Disabled      bool
	// HasPassword covers imported hashes.
	HasPassword bool
	// Providers are "password", "phone", "google.com" ...
	Providers                    []string
	PasswordUpdatedAt            time.Time
	DisplayName, PhotoURL, Phone string
	CreatedAt                    time.Time
	LastSignInAt                 time.Time
	// ValidSince is tokensValidAfterTime: older sessions have ended.
	ValidSince time.Time
}

// User looks up an account. Error: ErrUserNotFound.
// https://cloud.google.com/identity-platform/docs/reference/rest/v1/projects.accounts/lookup
func (c *Client) User(ctx context.Context, uid string) (User, error) {
	if !possibleUID(uid) {
		return User{}, fmt.Errorf("firebase %s: %w", opUser, ErrUserNotFound)
	}
	return c.lookUp(ctx, opUser, &lookupRequest{LocalId: []string{uid}}, func(u User) bool { return u.UID == uid })
}

// UserByEmail also returns ErrUserNotFound for a malformed address.
func (c *Client) UserByEmail(ctx context.Context, email string) (User, error) {
	if !possibleEmail(email) {
		return User{}, fmt.Errorf("firebase %s: %w", opUserByEmail, ErrUserNotFound)
	}
	return c.lookUp(ctx, opUserByEmail, &lookupRequest{Email: []string{email}}, func(u User) bool {
		return strings.EqualFold(u.Email, email)
	})
}

// MaxLookUp bounds a look-up.
const MaxLookUp = 100

// Users looks up at most MaxLookUp accounts, by uid. Unknown ones are missing in the answer.
func (c *Client) Users(ctx context.Context, uids []string) (map[string]User, error) {
	if len(uids) == 0 {
		return nil, nil
	}
	if len(uids) > MaxLookUp {
		return nil, fmt.Errorf("firebase %s: %d accounts at once, of %d at most", opUsers, len(uids), MaxLookUp)
	}
	var found map[string]User
	err := c.call(ctx, opUsers, twice, func(ctx context.Context) error {
		answer, err := c.admin.lookUp(ctx, &lookupRequest{LocalId: uids})
		if err != nil {
			return err
		}
		found = map[string]User{}
		for _, info := range answer.Users {
			if user := toUser(info); slices.Contains(uids, user.UID) {
				found[user.UID] = user
			}
		}
		return nil
	})
	return found, err
}

// An unknown account is an empty answer, not a refusal.
func (c *Client) lookUp(ctx context.Context, operation string, request *lookupRequest, asked func(User) bool) (User, error) {
	var found User
	err := c.call(ctx, operation, twice, func(ctx context.Context) error {
		answer, err := c.admin.lookUp(ctx, request)
		if err != nil {
			return err
		}
		for _, info := range answer.Users {
			if user := toUser(info); asked(user) {
				found = user
				return nil
			}
		}
		return ErrUserNotFound
	})
	return found, err
}

func toUser(info *userInfo) User {
	user := User{
		UID: info.LocalId, Email: clean(info.Email), EmailVerified: info.EmailVerified, Disabled: info.Disabled,
		DisplayName: clean(info.DisplayName), PhotoURL: clean(info.PhotoUrl), Phone: clean(info.PhoneNumber), CreatedAt: fromMillis(info.CreatedAt),
	}
	for _, linked := range info.ProviderUserInfo {
		user.Providers = append(user.Providers, clean(linked.ProviderId))
	}
	user.HasPassword = info.PasswordHash != "" || slices.Contains(user.Providers, passwordProvider)
	user.LastSignInAt = fromMillis(info.LastLoginAt)
	user.PasswordUpdatedAt = fromMillis(int64(info.PasswordUpdatedAt))
	if info.ValidSince > 0 {
		user.ValidSince = time.Unix(info.ValidSince, 0).UTC()
	}
	return user
}

func fromMillis(millis int64) time.Time {
	if millis <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(millis).UTC()
}

type (
	lookupRequest  = identitytoolkit.GoogleCloudIdentitytoolkitV1GetAccountInfoRequest
	lookupResponse = identitytoolkit.GoogleCloudIdentitytoolkitV1GetAccountInfoResponse
	userInfo       = identitytoolkit.GoogleCloudIdentitytoolkitV1UserInfo
	updateRequest  = identitytoolkit.GoogleCloudIdentitytoolkitV1SetAccountInfoRequest
	importRequest  = identitytoolkit.GoogleCloudIdentitytoolkitV1UploadAccountRequest
	importResponse = identitytoolkit.GoogleCloudIdentitytoolkitV1UploadAccountResponse
	deleteRequest  = identitytoolkit.GoogleCloudIdentitytoolkitV1BatchDeleteAccountsRequest
	deleteResponse = identitytoolkit.GoogleCloudIdentitytoolkitV1BatchDeleteAccountsResponse
	listResponse   = identitytoolkit.GoogleCloudIdentitytoolkitV1DownloadAccountResponse
)

// administration serves the project or one tenant (T2).
type administration struct {
	ofProject       *identitytoolkit.ProjectsAccountsService
	ofTenant        *identitytoolkit.ProjectsTenantsAccountsService
	project, tenant string
}

func newAdministration(ctx context.Context, o Options, client *http.Client) (administration, error) {
	service, err := identitytoolkit.NewService(ctx, toolkitOptions(client)...)
	if err != nil {
		return administration{}, fmt.Errorf("firebase: identity toolkit: %w", err)
	}
	return administration{
		ofProject: identitytoolkit.NewProjectsAccountsService(service),
		ofTenant:  identitytoolkit.NewProjectsTenantsAccountsService(service),
		project:   o.ProjectID, tenant: o.Tenant,
	}, nil
}

func (a administration) lookUp(ctx context.Context, request *lookupRequest) (*lookupResponse, error) {
	if a.tenant != "" {
		call := a.ofTenant.Lookup(a.project, a.tenant, request).Context(ctx)
		replayable(call.Header())
		return call.Do()
	}
	call := a.ofProject.Lookup(a.project, request).Context(ctx)
	replayable(call.Header())
	return call.Do()
}

func (a administration) update(ctx context.Context, request *updateRequest) error {
	var err error
	if a.tenant != "" {
		_, err = a.ofTenant.Update(a.project, a.tenant, request).Context(ctx).Do()
	} else {
		_, err = a.ofProject.Update(a.project, request).Context(ctx).Do()
	}
	return err
}

func (a administration) batchCreate(ctx context.Context, request *importRequest) (*importResponse, error) {
	if a.tenant != "" {
		return a.ofTenant.BatchCreate(a.project, a.tenant, request).Context(ctx).Do()
	}
	return a.ofProject.BatchCreate(a.project, request).Context(ctx).Do()
}

// listFields leaves out password hashes.
const listFields = googleapi.Field("nextPageToken,users(localId,email,emailVerified,disabled,displayName,photoUrl,phoneNumber," +
	"validSince,createdAt,passwordUpdatedAt,providerUserInfo/providerId)")

func (a administration) batchGet(ctx context.Context, page string, size int64, fields googleapi.Field) (*listResponse, error) {
	if a.tenant != "" {
		return a.ofTenant.BatchGet(a.project, a.tenant).MaxResults(size).NextPageToken(page).Fields(fields).Context(ctx).Do()
	}
	return a.ofProject.BatchGet(a.project).MaxResults(size).NextPageToken(page).Fields(fields).Context(ctx).Do()
}

func (a administration) batchDelete(ctx context.Context, request *deleteRequest) (*deleteResponse, error) {
	if a.tenant != "" {
		return a.ofTenant.BatchDelete(a.project, a.tenant, request).Context(ctx).Do()
	}
	return a.ofProject.BatchDelete(a.project, request).Context(ctx).Do()
}
