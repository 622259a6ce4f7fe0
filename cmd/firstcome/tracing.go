package main

import (
	"context"
	"fmt"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

// tracedShare of the requests that bring no traceparent are traced: a stampede
// must not stampede the collector. Who sends a traceparent decides himself.
const tracedShare = 0.01

// tracing sends spans of requests to a collector. The zero value traces nothing
// and costs nothing.
type tracing struct {
	provider *trace.TracerProvider
}

// openTracing prepares the way to the collector; it asks nobody. Spans that the
// collector does not take are dropped: the queue is the library's, 2,048 spans.
func openTracing(ctx context.Context, endpoint string) (tracing, error) {
	if endpoint == "" {
		return tracing{}, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
	if err != nil {
		return tracing{}, fmt.Errorf("prepare traces: %w", err)
	}
	return tracing{trace.NewTracerProvider(
		trace.WithBatcher(exporter),
		trace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "firstcome"), attribute.String("service.version", buildVersion()))),
		trace.WithSampler(trace.ParentBased(trace.TraceIDRatioBased(tracedShare))),
	)}, nil
}

// around makes a span of each request; a traceparent is followed.
func (t tracing) around(name string, h http.Handler) http.Handler {
	if t.provider == nil {
		return h
	}
	return otelhttp.NewHandler(h, name, otelhttp.WithTracerProvider(t.provider), otelhttp.WithPropagators(propagation.TraceContext{}))
}

// close sends what is left.
func (t tracing) close(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("send the last traces: %w", err)
	}
	return nil
}
