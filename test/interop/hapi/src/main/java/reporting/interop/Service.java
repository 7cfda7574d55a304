// SPDX-License-Identifier: Apache-2.0

package reporting.interop;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.client.api.IClientInterceptor;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.api.IHttpRequest;
import ca.uhn.fhir.rest.client.api.IHttpResponse;
import ca.uhn.fhir.rest.client.api.ServerValidationModeEnum;
import ca.uhn.fhir.rest.client.apache.ApacheHttpResponse;
import ca.uhn.fhir.rest.client.interceptor.BearerTokenAuthInterceptor;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.http.client.entity.DecompressingEntity;

/** The service under test, and clients for it. */
final class Service {

    static final String BASE = setting("INTEROP_URL");
    static final FhirContext FHIR = context(ServerValidationModeEnum.NEVER);

    /** The caller of the published example, who has one job. */
    static final String EXAMPLE = setting("INTEROP_TOKEN_EXAMPLE");
    /** A user with a job in every state. */
    static final String DEMO = setting("INTEROP_TOKEN_DEMO");
    static final String WITHOUT_JOBS = setting("INTEROP_TOKEN_WITHOUT_JOBS");
    /** A user who may have reports made. */
    static final String REPORTS = setting("INTEROP_TOKEN_REPORTS");
    static final String WITHOUT_USER = setting("INTEROP_TOKEN_WITHOUT_USER");
    static final String EXPIRED = setting("INTEROP_TOKEN_EXPIRED");

    private Service() {}

    static FhirContext context(ServerValidationModeEnum validation) {
        var context = FhirContext.forR4();
        context.getRestfulClientFactory().setServerValidationMode(validation);
        return context;
    }

    /** A client without an encoding set lets the server choose; without a token it is nobody. */
    static IGenericClient client(String token, EncodingEnum encoding) {
        return client(FHIR, token, encoding);
    }

    static IGenericClient client(FhirContext context, String token, EncodingEnum encoding) {
        var client = context.newRestfulGenericClient(BASE);
        if (token != null) {
            client.registerInterceptor(new BearerTokenAuthInterceptor(token));
        }
        client.setEncoding(encoding);
        return client;
    }

    /** Records what a client asks and gets. */
    static Wire listen(IGenericClient client) {
        var wire = new Wire();
        client.registerInterceptor(wire);
        return wire;
    }

    /** What went over the wire, as far as HAPI shows it. */
    static final class Wire implements IClientInterceptor {
        final List<String> requests = new ArrayList<>();
        String requestType = "";
        String responseType = "";
        String requestId = "";
        boolean compressed;

        @Override
        public void interceptRequest(IHttpRequest request) {
            requests.add(request.getHttpVerbName() + " " + request.getUri());
            requestType = header(request.getAllHeaders(), "Content-Type");
        }

        @Override
        public void interceptResponse(IHttpResponse response) {
            responseType = header(response.getAllHeaders(), "Content-Type");
            requestId = header(response.getAllHeaders(), "X-Request-Id");
            // The header is gone by now: whoever decompresses takes it away.
            compressed = ((ApacheHttpResponse) response).getResponse().getEntity() instanceof DecompressingEntity;
        }

        private static String header(Map<String, List<String>> headers, String name) {
            return headers.entrySet().stream()
                    .filter(e -> e.getKey().toLowerCase(Locale.ROOT).equals(name.toLowerCase(Locale.ROOT)))
                    .flatMap(e -> e.getValue().stream())
                    .findFirst()
                    .orElse("");
        }
    }

    private static String setting(String name) {
        return Optional.ofNullable(System.getenv(name))
                .orElseThrow(() -> new IllegalStateException(name + " is not set: start this with the script \"run\""));
    }
}
