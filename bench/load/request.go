package load

import (
	"fmt"
	"strings"
)

// Request is a whole HTTP/1.1 request as it goes over the wire. It may be sent
// from any number of goroutines, any number of times.
type Request []byte

// NewRequest builds a request that keeps its connection. token and body may be
// empty; a body is JSON. headers are further lines, like "Cache-Control: no-cache".
func NewRequest(method, host, path, token, body string, headers ...string) Request {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: firstcome-bench\r\n", method, path, host)
	if token != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", token)
	}
	for _, line := range headers {
		b.WriteString(line + "\r\n")
	}
	if body != "" {
		b.WriteString("Content-Type: application/json\r\n")
	}
	if body != "" || method != "GET" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	b.WriteString(body)
	return Request(b.String())
}
