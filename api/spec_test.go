package api

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

var docNames = []string{"members", "admins"}

// validatorOf reads a door's document once for all tests.
var validatorOf = map[string]func() (validator.Validator, error){
	"members": sync.OnceValues(func() (validator.Validator, error) { return newValidator("members") }),
	"admins":  sync.OnceValues(func() (validator.Validator, error) { return newValidator("admins") }),
}

func newValidator(name string) (validator.Validator, error) {
	raw, err := document(name, "")
	if err != nil {
		return nil, err
	}
	doc, err := libopenapi.NewDocument(raw)
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(doc)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return v, nil
}

// validate holds an answer against the document of its door. Answers to
// addresses and methods that no document knows are problems all the same.
func validate(t testing.TB, name string, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code >= 400 && !strings.HasPrefix(w.Header().Get("Content-Type"), "application/problem+json") && r.Method != http.MethodHead {
		t.Errorf("%s %s: a refusal is %q", r.Method, r.URL, w.Header().Get("Content-Type"))
	}
	op := operationOf(t, name, r.Method, r.URL.EscapedPath())
	if op == "" || r.Method == http.MethodHead || w.Code == http.StatusNotModified {
		return
	}
	v, err := validatorOf[name]()
	if err != nil {
		t.Fatal(err)
	}
	resp := w.Result()
	resp.Body = io.NopCloser(bytes.NewReader(w.Body.Bytes()))
	probe := httptest.NewRequest(r.Method, "http://localhost"+r.URL.EscapedPath(), nil)
	if ok, errs := v.ValidateHttpResponse(probe, resp); !ok {
		for _, e := range errs {
			t.Errorf("%s %s -> %d is not as its document says: %s: %s %v\n%s", r.Method, r.URL, w.Code, e.Message, e.Reason, e.SchemaValidationErrors, w.Body)
		}
	}
}

type docOperation struct {
	OperationID string `json:"operationId"`
	Role        string `json:"x-role"`
	Security    *[]any
	Parameters  []struct{ Name, In string }
	RequestBody *struct{ Required bool }
	Responses   map[string]docResponse
}

// streams reports whether an operation answers with an event stream.
func (op *docOperation) streams() bool {
	_, yes := op.Responses["200"].Content[eventStream]
	return yes
}

type docResponse struct {
	Ref     string `json:"$ref"`
	Content map[string]struct {
		Example  any
		Examples map[string]any
	}
}

type docShape struct {
	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Responses map[string]docResponse
		Examples  map[string]struct{ Value json.RawMessage }
	}
}

var shapes = map[string]func() docShape{
	"members": sync.OnceValue(func() docShape { return shapeOf("members") }),
	"admins":  sync.OnceValue(func() docShape { return shapeOf("admins") }),
}

func shapeOf(name string) (d docShape) {
	raw, err := document(name, "")
	if err == nil {
		err = json.Unmarshal(raw, &d)
	}
	if err != nil {
		panic(err)
	}
	return d
}

// eachOperation calls f for every operation of a door's document.
func eachOperation(t testing.TB, name string, f func(method, path string, op docOperation)) {
	t.Helper()
	for path, item := range shapes[name]().Paths {
		for method, raw := range item {
			if method == "parameters" {
				continue
			}
			var op docOperation
			if err := json.Unmarshal(raw, &op); err != nil {
				t.Fatal(err)
			}
			f(strings.ToUpper(method), path, op)
		}
	}
}

var quotedParameter = regexp.MustCompile(`\\\{[a-z]+\\\}`)

func operationOf(t testing.TB, name, method, path string) (found string) {
	eachOperation(t, name, func(m, p string, op docOperation) {
		expr := "^" + quotedParameter.ReplaceAllString(regexp.QuoteMeta(p), "[^/]+") + "$"
		if m == method && regexp.MustCompile(expr).MatchString(path) && found == "" {
			found = op.OperationID
		}
	})
	return found
}

func TestDocumentsAreValidOpenAPI(t *testing.T) {
	for _, name := range docNames {
		v, err := validatorOf[name]()
		if err != nil {
			t.Fatal(err)
		}
		if ok, errs := v.ValidateDocument(); !ok {
			for _, e := range errs {
				t.Errorf("%s: %s: %s %v", name, e.Message, e.Reason, e.SchemaValidationErrors)
			}
		}
	}
}

// Every route is in its document and every operation has a route: by method,
// path and operationId, with the same idea of who may call it.
func TestRoutesAndDocumentsAgree(t *testing.T) {
	s := newHouse(t).server
	roleNames := map[access]string{asViewer: "viewer", asOperator: "operator", asOwner: "owner"}
	for name, routes := range map[string][]route{"members": s.memberRoutes(), "admins": s.adminRoutes()} {
		fromCode := map[string]string{}
		for _, r := range routes {
			fromCode[strings.TrimSuffix(strings.ReplaceAll(r.pattern, "...}", "}"), "{$}")] = r.operation + " " + roleNames[r.access]
		}
		fromDoc := map[string]string{}
		eachOperation(t, name, func(method, path string, op docOperation) {
			fromDoc[method+" "+path] = op.OperationID + " " + op.Role
			open := op.Security != nil && len(*op.Security) == 0
			if i := slices.IndexFunc(routes, func(r route) bool { return r.operation == op.OperationID }); i >= 0 && open != (routes[i].access == anyone) {
				t.Errorf("%s: the document and the route disagree on whether a token is needed", op.OperationID)
			}
		})
		if !maps.Equal(fromCode, fromDoc) {
			t.Errorf("%s: routes\n%v\ndocument\n%v", name, fromCode, fromDoc)
		}
	}
}

// Every 4xx and 5xx of every operation shows an example, and every refusal that
// there is has one somewhere.
func TestEveryRefusalHasAnExample(t *testing.T) {
	shown := map[string]bool{}
	for _, name := range docNames {
		eachOperation(t, name, func(method, path string, op docOperation) {
			for code, r := range op.Responses {
				if code < "400" {
					continue
				}
				if r.Ref != "" {
					r = shapes[name]().Components.Responses[r.Ref[strings.LastIndexByte(r.Ref, '/')+1:]]
				}
				examples := r.Content["application/problem+json"].Examples
				if len(examples) == 0 {
					t.Errorf("%s %s: %s has no example", method, path, code)
				}
				for e := range examples {
					shown[e] = true
					if k := kindOf(e); k == nil || itoa(int64(k.status)) != code {
						t.Errorf("%s %s: %s shows %s, which is not of that status", method, path, code, e)
					}
				}
			}
		})
	}
	for _, k := range kinds {
		if !shown[k.code] && k != methodNotAllowed { // a wrong method belongs to no operation
			t.Errorf("no operation shows %s", k.code)
		}
	}
}
