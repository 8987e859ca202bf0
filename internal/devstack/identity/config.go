package identity

import (
	"maps"
	"strings"
)

type projectConfig struct {
	SignIn struct {
		AllowDuplicateEmails bool `json:"allowDuplicateEmails"`
	} `json:"signIn"`
	EmailPrivacy struct {
		EnableImprovedEmailPrivacy bool `json:"enableImprovedEmailPrivacy"`
	} `json:"emailPrivacyConfig"`
}

type configRequest struct {
	SignIn *struct {
		AllowDuplicateEmails *bool `json:"allowDuplicateEmails"`
	} `json:"signIn"`
	EmailPrivacy *emailPrivacyChange `json:"emailPrivacyConfig"`
}

type emailPrivacyChange struct {
	EnableImprovedEmailPrivacy *bool `json:"enableImprovedEmailPrivacy"`
}

func (p *Provider) getProject(*call, *empty) (any, error) {
	return map[string]any{"projectId": projectNumber, "authorizedDomains": []string{"localhost"}}, nil
}

func (p *Provider) getConfig(*call, *empty) (any, error) {
	signIn := map[string]any{"allowDuplicateEmails": false, "email": map[string]any{"enabled": true, "passwordRequired": true}}
	if p.hashes.access(true) == hashesShown {
		signIn["hashConfig"] = p.HashConfig()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return merged(map[string]any{
		"name":               "projects/" + p.opts.ProjectID + "/config",
		"signIn":             signIn,
		"emailPrivacyConfig": map[string]any{"enableImprovedEmailPrivacy": p.config.EmailPrivacy.EnableImprovedEmailPrivacy},
		"authorizedDomains":  []string{"localhost"},
		"client": map[string]any{
			"apiKey": p.opts.APIKey, "permissions": map[string]any{"disabledUserSignup": false, "disabledUserDeletion": false},
		},
		"mfa": map[string]any{
			"state": "ENABLED",
			"providerConfigs": []any{
				map[string]any{"state": "ENABLED", "totpProviderConfig": map[string]any{"adjacentIntervals": 5}},
			},
		},
	}, p.shown), nil
}

// ShowConfig overlays settings on the shown configuration only, for tests of its readers. Nil ends it.
func (p *Provider) ShowConfig(settings map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown = settings
}

func merged(base, over map[string]any) map[string]any {
	out := maps.Clone(base)
	for name, value := range over {
		inner, isObject := value.(map[string]any)
		if outer, both := out[name].(map[string]any); isObject && both {
			out[name] = merged(outer, inner)
			continue
		}
		out[name] = value
	}
	return out
}

func (p *Provider) showConfigOnDemand(_ *call, in *map[string]any) (any, error) {
	p.ShowConfig(*in)
	return map[string]any{"shown": *in}, nil
}

// patchConfig gives a masked setting that the request lacks its default.
func (p *Provider) patchConfig(c *call, in *configRequest) (any, error) {
	masked, err := in.masked(c.request.URL.Query().Get("updateMask"))
	if err != nil {
		return nil, err
	}
	if err := p.applyConfig(masked); err != nil {
		return nil, err
	}
	return p.getConfig(c, nil)
}

func (in *configRequest) masked(mask string) (*configRequest, error) {
	if mask == "" {
		return in, nil
	}
	out := &configRequest{}
	for path := range strings.SplitSeq(mask, ",") {
		switch path = camelCase(path); path {
		case "signIn", "signIn.allowDuplicateEmails":
			out.SignIn = in.SignIn
		case "emailPrivacyConfig", "emailPrivacyConfig.enableImprovedEmailPrivacy":
			off := false
			out.EmailPrivacy = in.EmailPrivacy
			if out.EmailPrivacy == nil || out.EmailPrivacy.EnableImprovedEmailPrivacy == nil {
				out.EmailPrivacy = &emailPrivacyChange{EnableImprovedEmailPrivacy: &off}
			}
		default:
			return nil, unserved("The setting " + path)
		}
	}
	return out, nil
}

func (p *Provider) getEmulatorConfig(*call, *empty) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.config, nil
}

func (p *Provider) patchEmulatorConfig(c *call, in *configRequest) (any, error) {
	if err := p.applyConfig(in); err != nil {
		return nil, err
	}
	return p.getEmulatorConfig(c, nil)
}

func (p *Provider) applyConfig(in *configRequest) error {
	if in.SignIn != nil && in.SignIn.AllowDuplicateEmails != nil && *in.SignIn.AllowDuplicateEmails {
		return refuse("OPERATION_NOT_ALLOWED : Several accounts for one address are not part of the development provider.")
	}
	if in.EmailPrivacy != nil && in.EmailPrivacy.EnableImprovedEmailPrivacy != nil {
		p.SetEnumerationProtection(*in.EmailPrivacy.EnableImprovedEmailPrivacy)
	}
	return nil
}

// SetEnumerationProtection switches e-mail enumeration protection.
func (p *Provider) SetEnumerationProtection(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.config.EmailPrivacy.EnableImprovedEmailPrivacy = on
	p.changed()
}
