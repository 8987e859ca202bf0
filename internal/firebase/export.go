package firebase

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"google.golang.org/api/googleapi"

	"auth-v2-service/internal/password"
)

// UnknownVersion is the Version of a hash that Firebase's scrypt did not make.
const UnknownVersion = -1

// ExportedUser is an account with its password hash. Google exports no hash of an imported account before its first sign-in.
type ExportedUser struct {
	User
	// Hash and Salt are those of Firebase's scrypt.
	Hash, Salt password.Secret
	// Version belongs to the project's hash parameters of the time.
	Version int64
	// HashRedacted: this service lacks firebaseauth.configs.getHashConfig.
	HashRedacted bool
	// HashMalformed: the hash or salt is not base64.
	HashMalformed    bool
	Factors          []Factor
	CustomAttributes string
}

// Format hides all but the uid.
func (u ExportedUser) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "exported user "+u.UID) }

// LogValue is Format.
func (u ExportedUser) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(u)) }

// Export returns a page of at most limit accounts (MaxList) by uid, and the next page's token; "" is the first page and the end. Accounts
// may come and go between pages.
// https://cloud.google.com/identity-platform/docs/reference/rest/v1/projects.accounts/batchGet
func (c *Client) Export(ctx context.Context, page string, limit int) (users []ExportedUser, next string, err error) {
	if limit < 1 || limit > MaxList {
		return nil, "", fmt.Errorf("firebase %s: a page of %d accounts, of 1 to %d", opExport, limit, MaxList)
	}
	err = c.callWithin(ctx, listPatience*c.timeout, opExport, twice, func(ctx context.Context) error {
		answer, err := c.admin.batchGet(ctx, page, int64(limit), exportFields)
		if err != nil {
			return err
		}
		versions, err := exchangeOf(ctx).versions(len(answer.Users))
		if err != nil {
			return err
		}
		users, next = make([]ExportedUser, 0, len(answer.Users)), answer.NextPageToken
		for i, info := range answer.Users {
			users = append(users, toExported(info, versions[i]))
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return users, next, nil
}

const exportFields = googleapi.Field("nextPageToken,users(localId,email,emailVerified,disabled,displayName,photoUrl,phoneNumber,validSince," +
	"createdAt,lastLoginAt,passwordUpdatedAt,providerUserInfo/providerId,passwordHash,salt,version,mfaInfo,customAttributes)")

// versions tells a version of 0 from none, which Google's client does not.
func (ex *exchange) versions(count int) ([]int64, error) {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	var answer struct {
		Users []struct {
			Version *int64 `json:"version"`
		} `json:"users"`
	}
	if err := json.Unmarshal(ex.answer, &answer); err != nil || len(answer.Users) != count {
		return nil, errNotUnderstood
	}
	versions := make([]int64, count)
	for i, user := range answer.Users {
		versions[i] = UnknownVersion
		if user.Version != nil {
			versions[i] = *user.Version
		}
	}
	return versions, nil
}

func toExported(info *userInfo, version int64) ExportedUser {
	user := ExportedUser{User: toUser(info), Version: version, CustomAttributes: info.CustomAttributes, Factors: toFactors(info.MfaInfo)}
	decoded, err := password.DecodeScrypt(info.PasswordHash, info.Salt)
	switch {
	case errors.Is(err, password.ErrRedacted):
		user.HashRedacted = true
	case err != nil:
		user.HashMalformed = true
	case len(decoded.Hash) > 0:
		user.Hash, user.Salt = decoded.Hash, decoded.Salt
	}
	return user
}
