package firebase

import (
	"context"
	"fmt"

	mfa "google.golang.org/api/identitytoolkit/v2"
)

// HashConfig holds the parameters of the project's password hashes. Google shows those of new passwords only.
type HashConfig struct {
	// Algorithm is SCRYPT for Firebase's modified scrypt.
	Algorithm                string
	SignerKey, SaltSeparator []byte
	Rounds, MemoryCost       int
}

// String hides the signer key.
func (h HashConfig) String() string {
	return fmt.Sprintf("%s with %d rounds and memory cost %d", h.Algorithm, h.Rounds, h.MemoryCost)
}

// GoString is String.
func (h HashConfig) GoString() string { return h.String() }

// HashConfig reads the parameters of the project, or of the tenant. It needs firebaseauth.configs.getHashConfig; without it:
// ErrHashConfigHidden.
func (c *Client) HashConfig(ctx context.Context) (HashConfig, error) {
	var found HashConfig
	err := c.call(ctx, opHashConfig, twice, func(ctx context.Context) error {
		service, err := mfa.NewService(ctx, toolkitOptions(c.authorized)...)
		if err != nil {
			return err
		}
		shown, err := c.hashConfig(ctx, service)
		switch {
		case err != nil:
			return err
		case shown == nil || shown.SignerKey == "":
			return ErrHashConfigHidden
		}
		found, err = toHashConfig(shown)
		return err
	})
	return found, err
}

func (c *Client) hashConfig(ctx context.Context, service *mfa.Service) (*mfa.GoogleCloudIdentitytoolkitAdminV2HashConfig, error) {
	if c.tenant != "" {
		tenant, err := service.Projects.Tenants.Get("projects/" + c.project + "/tenants/" + c.tenant).Context(ctx).Do()
		if err != nil {
			return nil, err
		}
		return tenant.HashConfig, nil
	}
	config, err := service.Projects.GetConfig("projects/" + c.project + "/config").Context(ctx).Do()
	if err != nil || config.SignIn == nil {
		return nil, err
	}
	return config.SignIn.HashConfig, nil
}

func toHashConfig(shown *mfa.GoogleCloudIdentitytoolkitAdminV2HashConfig) (HashConfig, error) {
	key, err := decodeBase64(shown.SignerKey)
	if err != nil {
		return HashConfig{}, errNotUnderstood
	}
	separator, err := decodeBase64(shown.SaltSeparator)
	if err != nil {
		return HashConfig{}, errNotUnderstood
	}
	return HashConfig{
		Algorithm: shown.Algorithm, SignerKey: key, SaltSeparator: separator, Rounds: int(shown.Rounds), MemoryCost: int(shown.MemoryCost),
	}, nil
}
