package identity

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"time"
)

// The first segment is the service's host, as at the emulator.
const (
	toolkit     = "/identitytoolkit.googleapis.com"
	secureToken = "/securetoken.googleapis.com"
	// CertificatePath is as under www.googleapis.com.
	CertificatePath = "/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
)

type empty struct{}

type served struct {
	name    string
	pattern string
	request reflect.Type
	handler http.Handler
}

func serve[In any](p *Provider, name, pattern string, required access, run func(*call, *In) (any, error)) served {
	return served{name: name, pattern: pattern, request: reflect.TypeFor[In](), handler: operation(p, name, required, run)}
}

func (p *Provider) routes() http.Handler {
	mux := http.NewServeMux()
	for _, operation := range slices.Concat(p.clientOperations(), p.adminOperations()) {
		mux.Handle(operation.pattern, operation.handler)
	}
	p.emulatorRoutes(mux)
	p.devRoutes(mux)
	mux.HandleFunc("GET "+CertificatePath, p.serveCertificates)
	mux.HandleFunc("GET /{$}", p.serveWelcome)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { writeError(w, errNotFound) })
	return mux
}

func (p *Provider) clientOperations() []served {
	v1, v2 := "POST "+toolkit+"/v1/accounts:", "POST "+toolkit+"/v2/accounts/"
	return []served{
		serve(p, "signUp", v1+"signUp", client, p.signUp),
		serve(p, "signInWithPassword", v1+"signInWithPassword", client, p.signInWithPassword),
		serve(p, "signInWithCustomToken", v1+"signInWithCustomToken", client, p.signInWithCustomToken),
		serve(p, "signInWithEmailLink", v1+"signInWithEmailLink", client, p.signInWithEmailLink),
		serve(p, "signInWithIdp", v1+"signInWithIdp", client, p.signInWithIdp),
		serve(p, "lookup", v1+"lookup", client, p.lookup),
		serve(p, "update", v1+"update", client, p.update),
		serve(p, "delete", v1+"delete", client, p.deleteAccount),
		serve(p, "sendOobCode", v1+"sendOobCode", client, p.sendOobCode),
		serve(p, "resetPassword", v1+"resetPassword", client, p.resetPassword),
		serve(p, "mfaEnrollment:start", v2+"mfaEnrollment:start", client, p.startEnrollment),
		serve(p, "mfaEnrollment:finalize", v2+"mfaEnrollment:finalize", client, p.finalizeEnrollment),
		serve(p, "mfaEnrollment:withdraw", v2+"mfaEnrollment:withdraw", client, p.withdrawEnrollment),
		serve(p, "mfaSignIn:finalize", v2+"mfaSignIn:finalize", client, p.finalizeSignIn),
		serve(p, "getProject", "GET "+toolkit+"/v1/projects", client, p.getProject),
		serve(p, "token", "POST "+secureToken+"/v1/token", client, p.grant),
	}
}

func (p *Provider) adminOperations() []served {
	base := toolkit + "/v1/projects/{project}/accounts"
	config := toolkit + "/v2/projects/{project}/config"
	return []served{
		serve(p, "signUp", "POST "+base, projectPath, p.signUp),
		serve(p, "lookup", "POST "+base+":lookup", projectPath, p.lookup),
		serve(p, "update", "POST "+base+":update", projectPath, p.update),
		serve(p, "delete", "POST "+base+":delete", projectPath, p.deleteAccount),
		serve(p, "batchCreate", "POST "+base+":batchCreate", projectPath, p.batchCreate),
		serve(p, "batchDelete", "POST "+base+":batchDelete", projectPath, p.batchDelete),
		serve(p, "batchGet", "GET "+base+":batchGet", projectPath, p.batchGet),
		serve(p, "query", "POST "+base+":query", projectPath, p.query),
		serve(p, "sendOobCode", "POST "+base+":sendOobCode", projectPath, p.sendOobCode),
		serve(p, "getConfig", "GET "+config, projectPath, p.getConfig),
		serve(p, "updateConfig", "PATCH "+config, projectPath, p.patchConfig),
	}
}

func (p *Provider) emulatorRoutes(mux *http.ServeMux) {
	base := "/emulator/v1/projects/{project}"
	mux.Handle("DELETE "+base+"/accounts", operation(p, "", public, p.clearAccounts))
	mux.Handle("GET "+base+"/oobCodes", operation(p, "", public, p.listCodes))
	mux.Handle("GET "+base+"/config", operation(p, "", public, p.getEmulatorConfig))
	mux.Handle("PATCH "+base+"/config", operation(p, "updateConfig", public, p.patchEmulatorConfig))
	mux.HandleFunc("GET /emulator/action", p.serveAction)
}

// devRoutes serve tests in other languages.
func (p *Provider) devRoutes(mux *http.ServeMux) {
	mux.Handle("GET /dev/faults", operation(p, "", public, p.listFaults))
	mux.Handle("POST /dev/faults", operation(p, "", public, p.addFaults))
	mux.Handle("DELETE /dev/faults", operation(p, "", public, p.clearFaults))
	mux.Handle("POST /dev/keys/rotate", operation(p, "", public, p.rotateOnDemand))
	mux.Handle("POST /dev/hashes/rotate", operation(p, "", public, p.rotateHashKeyOnDemand))
	mux.Handle("PUT /dev/hashes", operation(p, "", public, p.hideHashesOnDemand))
	mux.Handle("PUT /dev/config", operation(p, "", public, p.showConfigOnDemand))
	mux.Handle("POST /dev/signIn", operation(p, "", public, p.signInOnDemand))
}

func (p *Provider) serveCertificates(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control",
		fmt.Sprintf("public, max-age=%d, must-revalidate, no-transform", int(p.opts.CertMaxAge/time.Second)))
	w.Header().Set("Expires", p.now().Add(p.opts.CertMaxAge).Format(http.TimeFormat))
	writeJSON(w, http.StatusOK, p.Certificates())
}

// serveWelcome has the shape that tools expect of a ready emulator.
func (p *Provider) serveWelcome(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"authEmulator": map[string]any{"ready": true, "provider": "auth-v2-service", "projectId": p.opts.ProjectID},
	})
}

func (p *Provider) rotateOnDemand(*call, *empty) (any, error) {
	if err := p.RotateKeys(); err != nil {
		return nil, err
	}
	return map[string]string{"kid": p.KeyID()}, nil
}
