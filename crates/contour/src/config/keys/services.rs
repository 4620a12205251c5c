//! Settings of header policies, and of the services that are asked about requests.

use super::super::key::Literal::{Boolean, Integer, Text};
use super::super::key::{Key, Kind};
use super::{COUNT, keys};

keys! {
    /// Settings of header policies, and of the services that are asked about requests.
    SERVICES;

    REQUEST_HEADERS_SET = Key::new(Kind::Map, "Headers of requests to set, unless a service says otherwise of the same")
        .file("policy.request-headers.set").spec("policy.requestHeaders.set");
    REQUEST_HEADERS_REMOVE = Key::new(Kind::Texts, "Headers of requests to remove")
        .file("policy.request-headers.remove").spec("policy.requestHeaders.remove");
    RESPONSE_HEADERS_SET = Key::new(Kind::Map, "Headers of responses to set, unless a service says otherwise of the same")
        .file("policy.response-headers.set").spec("policy.responseHeaders.set");
    RESPONSE_HEADERS_REMOVE = Key::new(Kind::Texts, "Headers of responses to remove")
        .file("policy.response-headers.remove").spec("policy.responseHeaders.remove");
    POLICY_FOR_INGRESS = Key::new(Kind::Boolean, "Whether that holds for Ingresses, too")
        .file("policy.applyToIngress").spec("policy.applyToIngress").default(Boolean(false));

    RATE_LIMIT = Key::new(Kind::Block, "The service that decides about limits of requests; absent: such limits have no effect")
        .file("rateLimitService").spec("rateLimitService");
    RATE_LIMIT_SERVICE = Key::new(Kind::Reference, "The ExtensionService of that: `namespace/name`")
        .file("rateLimitService.extensionService").spec("rateLimitService.extensionService");
    RATE_LIMIT_DOMAIN = Key::new(Kind::Text, "What the service is told about where the question comes from")
        .file("rateLimitService.domain").spec("rateLimitService.domain");
    RATE_LIMIT_FAIL_OPEN = Key::new(Kind::Boolean, "Whether requests are let through if the service does not answer")
        .file("rateLimitService.failOpen").spec("rateLimitService.failOpen").default(Boolean(false));
    RATE_LIMIT_HEADERS = Key::new(Kind::Boolean, "Whether clients are told of their limit in the headers `X-RateLimit-*`")
        .file("rateLimitService.enableXRateLimitHeaders").spec("rateLimitService.enableXRateLimitHeaders").default(Boolean(false));
    RATE_LIMIT_EXHAUSTED = Key::new(Kind::Boolean, "Whether a gRPC request too many is answered with `RESOURCE_EXHAUSTED`")
        .file("rateLimitService.enableResourceExhaustedCode").spec("rateLimitService.enableResourceExhaustedCode").default(Boolean(false));
    RATE_LIMIT_POLICY = Key::new(Kind::Block, "What the service is asked about for HTTPProxies that say nothing")
        .file("rateLimitService.defaultGlobalRateLimitPolicy").spec("rateLimitService.defaultGlobalRateLimitPolicy");
    RATE_LIMIT_POLICY_DISABLED = Key::new(Kind::Boolean, "Whether nothing is asked")
        .file("rateLimitService.defaultGlobalRateLimitPolicy.disabled").spec("rateLimitService.defaultGlobalRateLimitPolicy.disabled").default(Boolean(false));
    RATE_LIMIT_DESCRIPTORS = Key::new(Kind::Blocks(DESCRIPTOR), "The questions")
        .file("rateLimitService.defaultGlobalRateLimitPolicy.descriptors").spec("rateLimitService.defaultGlobalRateLimitPolicy.descriptors");

    AUTH = Key::new(Kind::Block, "The service that decides about requests of hosts that name none; absent: none does")
        .file("globalExtAuth").spec("globalExtAuth");
    AUTH_SERVICE = Key::new(Kind::Reference, "The ExtensionService of that: `namespace/name`")
        .file("globalExtAuth.extensionService").spec("globalExtAuth.extensionRef");
    AUTH_KIND = Key::new(Kind::Word(&["grpc", "http"]), "How the service is asked")
        .file("globalExtAuth.serviceType").spec("globalExtAuth.serviceType").default(Text("grpc"));
    AUTH_HTTP = Key::new(Kind::Block, "What only a service that is asked by HTTP needs")
        .file("globalExtAuth.httpSettings").spec("globalExtAuth.httpSettings");
    AUTH_PATH_PREFIX = Key::new(Kind::Text, "What is put in front of a request's path")
        .file("globalExtAuth.httpSettings.pathprefix").alias("globalExtAuth.httpSettings.pathPrefix")
        .spec("globalExtAuth.httpSettings.pathPrefix");
    AUTH_REQUEST_HEADERS = Key::new(Kind::Blocks(HEADER_NAMES), "The headers of a request that the service sees")
        .file("globalExtAuth.httpSettings.allowedauthorizationheaders").alias("globalExtAuth.httpSettings.allowedAuthorizationHeaders")
        .spec("globalExtAuth.httpSettings.allowedAuthorizationHeaders");
    AUTH_UPSTREAM_HEADERS = Key::new(Kind::Blocks(HEADER_NAMES), "The headers of the service's answer that are added to the request")
        .file("globalExtAuth.httpSettings.allowedupstreamheaders").alias("globalExtAuth.httpSettings.allowedUpstreamHeaders")
        .spec("globalExtAuth.httpSettings.allowedUpstreamHeaders");
    AUTH_DISABLED = Key::new(Kind::Boolean, "Whether requests are not authorized unless a host or route says so")
        .file("globalExtAuth.authPolicy.disabled").spec("globalExtAuth.authPolicy.disabled").default(Boolean(false));
    AUTH_CONTEXT = Key::new(Kind::Map, "What the service is told in addition; only of one that is asked by gRPC")
        .file("globalExtAuth.authPolicy.context").spec("globalExtAuth.authPolicy.context");
    AUTH_TIMEOUT = Key::new(Kind::Timeout, "How long the service may take; none: as the ExtensionService says")
        .file("globalExtAuth.responseTimeout").spec("globalExtAuth.responseTimeout");
    AUTH_FAIL_OPEN = Key::new(Kind::Boolean, "Whether requests are let through if the service does not answer")
        .file("globalExtAuth.failOpen").spec("globalExtAuth.failOpen").default(Boolean(false));
    AUTH_BODY = Key::new(Kind::Block, "How much of the body the service sees; absent: nothing")
        .file("globalExtAuth.withRequestBody").spec("globalExtAuth.withRequestBody");
    AUTH_BODY_MAX = Key::new(COUNT, "Bytes of the body that the service sees; 0: 1024")
        .file("globalExtAuth.withRequestBody.maxRequestBytes").spec("globalExtAuth.withRequestBody.maxRequestBytes").default(Integer(1024));
    AUTH_BODY_PARTIAL = Key::new(Kind::Boolean, "Whether a longer body is cut; otherwise such a request is answered with 413")
        .file("globalExtAuth.withRequestBody.allowPartialMessage").spec("globalExtAuth.withRequestBody.allowPartialMessage").default(Boolean(false));
    AUTH_BODY_BYTES = Key::new(Kind::Boolean, "Whether the body is sent as bytes; otherwise as text in UTF-8")
        .file("globalExtAuth.withRequestBody.packAsBytes").spec("globalExtAuth.withRequestBody.packAsBytes").default(Boolean(false));

    TRACING = Key::new(Kind::Block, "Where traces of requests are sent, by OpenTelemetry; absent: nowhere")
        .file("tracing").spec("tracing");
    TRACING_SERVICE = Key::new(Kind::Reference, "The ExtensionService of that: `namespace/name`")
        .file("tracing.extensionService").spec("tracing.extensionService");
    TRACING_POD_DETAIL = Key::new(Kind::Boolean, "Whether each span is tagged with Envoy's pod")
        .file("tracing.includePodDetail").spec("tracing.includePodDetail").default(Boolean(true));
    TRACING_NAME = Key::new(Kind::Text, "The name under which spans are reported")
        .file("tracing.serviceName").spec("tracing.serviceName").default(Text("contour"));
    TRACING_OVERALL = Key::new(Kind::Text, "The percentage of requests that are traced at most")
        .file("tracing.overallSampling").spec("tracing.overallSampling").default(Text("100"));
    TRACING_CLIENT = Key::new(Kind::Text, "The percentage of requests that are traced if the client asks for it")
        .file("tracing.clientSampling").spec("tracing.clientSampling").default(Text("100"));
    TRACING_RANDOM = Key::new(Kind::Text, "The percentage of requests that are traced by chance")
        .file("tracing.randomSampling").spec("tracing.randomSampling").default(Text("100"));
    TRACING_PATH_LENGTH = Key::new(COUNT, "Bytes of a path that are put into a span")
        .file("tracing.maxPathTagLength").spec("tracing.maxPathTagLength").default(Integer(256));
    TRACING_TAGS = Key::new(Kind::Blocks(TAG), "What is added to each span")
        .file("tracing.customTags").spec("tracing.customTags");
}

keys! {
    /// One tag of spans.
    TAG;
    TAG_NAME = Key::new(Kind::Text, "The tag's name").file("tagName").spec("tagName");
    TAG_LITERAL = Key::new(Kind::Text, "A value that is always the same").file("literal").spec("literal");
    TAG_HEADER = Key::new(Kind::Text, "The header of the request whose value is taken").file("requestHeaderName").spec("requestHeaderName");
}

keys! {
    /// Names of headers, of which one form is given.
    HEADER_NAMES;
    HEADER_EXACT = Key::new(Kind::Text, "The name").file("exact").spec("exact");
    HEADER_PREFIX = Key::new(Kind::Text, "How the name begins").file("prefix").spec("prefix");
    HEADER_SUFFIX = Key::new(Kind::Text, "How the name ends").file("suffix").spec("suffix");
    HEADER_CONTAINS = Key::new(Kind::Text, "What the name has in it").file("contains").spec("contains");
    HEADER_IGNORE_CASE = Key::new(Kind::Boolean, "Whether upper and lower case are the same")
        .file("ignorecase").alias("ignoreCase").spec("ignoreCase");
}

keys! {
    /// One question to a rate limit service.
    DESCRIPTOR;
    ENTRIES = Key::new(Kind::Blocks(ENTRY), "Keys and values that describe a request").file("entries").spec("entries");
}

keys! {
    /// A key and its value, of which one form is given.
    ENTRY;
    GENERIC = Key::new(Kind::Block, "A key and value that are always the same").file("genericKey").spec("genericKey");
    GENERIC_KEY = Key::new(Kind::Text, "The key; none: `generic_key`").file("genericKey.key").spec("genericKey.key");
    GENERIC_VALUE = Key::new(Kind::Text, "The value").file("genericKey.value").spec("genericKey.value");
    HEADER = Key::new(Kind::Block, "The value of a request's header").file("requestHeader").spec("requestHeader");
    HEADER_NAME = Key::new(Kind::Text, "The header").file("requestHeader.headerName").spec("requestHeader.headerName");
    HEADER_KEY = Key::new(Kind::Text, "The key").file("requestHeader.descriptorKey").spec("requestHeader.descriptorKey");
    MATCH = Key::new(Kind::Block, "A value for requests whose headers match").file("requestHeaderValueMatch").spec("requestHeaderValueMatch");
    MATCH_HEADERS = Key::new(Kind::Blocks(CONDITION), "What headers must be like")
        .file("requestHeaderValueMatch.headers").spec("requestHeaderValueMatch.headers");
    MATCH_EXPECTED = Key::new(Kind::Boolean, "Whether they must be like that, or must not")
        .file("requestHeaderValueMatch.expectMatch").spec("requestHeaderValueMatch.expectMatch");
    MATCH_VALUE = Key::new(Kind::Text, "The value").file("requestHeaderValueMatch.value").spec("requestHeaderValueMatch.value");
    REMOTE_ADDRESS = Key::new(Kind::Block, "The client's address").file("remoteAddress").spec("remoteAddress");
}

keys! {
    /// What one header must be like.
    CONDITION;
    CONDITION_NAME = Key::new(Kind::Text, "The header").file("name").spec("name");
    CONDITION_PRESENT = Key::new(Kind::Boolean, "It is there").file("present").spec("present");
    CONDITION_ABSENT = Key::new(Kind::Boolean, "It is not there").file("notpresent").spec("notpresent");
    CONDITION_CONTAINS = Key::new(Kind::Text, "It has this in it").file("contains").spec("contains");
    CONDITION_LACKS = Key::new(Kind::Text, "It does not have this in it").file("notcontains").spec("notcontains");
    CONDITION_IGNORE_CASE = Key::new(Kind::Boolean, "Whether upper and lower case are the same")
        .file("ignorecase").alias("ignoreCase").spec("ignoreCase");
    CONDITION_EXACT = Key::new(Kind::Text, "It is this").file("exact").spec("exact");
    CONDITION_OTHER = Key::new(Kind::Text, "It is not this").file("notexact").spec("notexact");
    CONDITION_REGEX = Key::new(Kind::Text, "It matches this expression").file("regex").spec("regex");
    CONDITION_ABSENT_EMPTY = Key::new(Kind::Boolean, "Whether an absent one is an empty one")
        .file("treatmissingasempty").alias("treatMissingAsEmpty").spec("treatMissingAsEmpty");
}
