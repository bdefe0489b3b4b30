SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  persistAuthorization: false,
  validatorUrl: null,
  // The page's policy allows requests to its own origin alone, which may differ from PUBLIC_URL.
  requestInterceptor: (request) => {
    const { pathname, search } = new URL(request.url, location.href);
    return { ...request, url: location.origin + pathname + search };
  },
});
