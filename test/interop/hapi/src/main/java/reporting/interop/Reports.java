// SPDX-License-Identifier: Apache-2.0

package reporting.interop;

import static reporting.interop.Rows.check;
import static reporting.interop.Rows.equal;

import ca.uhn.fhir.rest.annotation.IdParam;
import ca.uhn.fhir.rest.annotation.Read;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.client.api.IBasicClient;
import ca.uhn.fhir.rest.client.api.IClientInterceptor;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.api.IHttpRequest;
import ca.uhn.fhir.rest.client.api.IHttpResponse;
import ca.uhn.fhir.rest.client.interceptor.BearerTokenAuthInterceptor;
import ca.uhn.fhir.rest.server.exceptions.ForbiddenOperationException;
import ca.uhn.fhir.rest.server.exceptions.ResourceGoneException;
import ca.uhn.fhir.rest.server.exceptions.UnprocessableEntityException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.ZipInputStream;
import org.hl7.fhir.r4.model.Binary;
import org.hl7.fhir.r4.model.IdType;
import org.hl7.fhir.r4.model.OperationOutcome;
import org.hl7.fhir.r4.model.Parameters;
import org.hl7.fhir.r4.model.Reference;
import org.hl7.fhir.r4.model.StringType;

/** A report, as portals have it made: ordered, asked for until it is done, read and deleted. */
final class Reports {

    private static final String NAME = "patient-usage-stats";
    private static final String ZIP = "application/gzip-json";

    /** How HAPI reads bytes that are no resource. */
    interface Results extends IBasicClient {
        @Read
        Binary read(@IdParam IdType id);
    }

    /** HAPI always names the types of resources: this asks for the bytes in their place. */
    private static final class Accepting implements IClientInterceptor {
        @Override
        public void interceptRequest(IHttpRequest request) {
            request.removeHeaders("Accept");
            request.addHeader("Accept", ZIP);
        }

        @Override
        public void interceptResponse(IHttpResponse response) {}
    }

    private Reports() {}

    static void story(EncodingEnum encoding) throws Exception {
        var client = Service.client(Service.REPORTS, encoding);
        var placeholder = order(client, "$execute-" + NAME, "None");
        equal("1", placeholder.getIdElement().getVersionIdPart(), "version of the placeholder");
        equal("text/plain", placeholder.getContentType(), "type of the placeholder");
        equal("*NOT GENERATED YET*", new String(placeholder.getData(), StandardCharsets.UTF_8), "placeholder");
        check(placeholder.getSecurityContext().getIdentifier().hasValue(), "no owner");
        var id = new IdType("Binary", placeholder.getIdElement().getIdPart());

        await(client, id);
        var result = client.read().resource(Binary.class).withId(id).execute();
        equal("2", result.getIdElement().getVersionIdPart(), "version of the result");
        equal(ZIP, result.getContentType(), "type of the result");
        report(result.getData());
        var first = client.read().resource(Binary.class).withIdAndVersion(id.getIdPart(), "1").execute();
        equal("text/plain", first.getContentType(), "type of version 1");

        MethodOutcome deleted = client.delete().resourceById(id).execute();
        var issue = ((OperationOutcome) deleted.getOperationOutcome()).getIssueFirstRep();
        equal("SUCCESSFUL_DELETE", issue.getDetails().getCodingFirstRep().getCode(), "what became of it");
        try {
            client.read().resource(Binary.class).withId(id).execute();
            throw new AssertionError("a deleted Binary was read");
        } catch (ResourceGoneException e) {
            equal(410, e.getStatusCode(), "status of what was deleted");
        }
    }

    static void fetched(EncodingEnum encoding) throws Exception {
        var result = order(Service.client(Service.REPORTS, encoding), "$fetch-" + NAME, "ANONYMIZED");
        check(!result.getIdElement().hasIdPart(), "it has the id " + result.getId());
        equal(ZIP, result.getContentType(), "type");
        report(result.getData());
    }

    static void bytes() throws Exception {
        var client = Service.client(Service.REPORTS, EncodingEnum.JSON);
        var id = new IdType("Binary", order(client, "$execute-" + NAME, "None").getIdElement().getIdPart());
        await(client, id);
        var whole = client.read().resource(Binary.class).withId(id).execute().getData();

        var results = Service.FHIR.getRestfulClientFactory().newClient(Results.class, Service.BASE);
        results.registerInterceptor(new BearerTokenAuthInterceptor(Service.REPORTS));
        results.registerInterceptor(new Accepting());
        var wire = new Service.Wire();
        results.registerInterceptor(wire);
        var bytes = results.read(id);
        equal(ZIP, wire.responseType, "Content-Type");
        check(Arrays.equals(whole, bytes.getContent()), "other bytes than in the resource");
        report(bytes.getContent());
    }

    static void refusals() {
        var client = Service.client(Service.REPORTS, EncodingEnum.JSON);
        try {
            client.operation().onServer().named("$execute-" + NAME).withNoParameters(Parameters.class)
                    .returnResourceType(Binary.class).execute();
            throw new AssertionError("an order without anonymization was taken");
        } catch (UnprocessableEntityException e) {
            var issue = ((OperationOutcome) e.getOperationOutcome()).getIssueFirstRep();
            equal("REPORTING_MISSING_INPUT_PARAMETER", issue.getDetails().getCodingFirstRep().getCode(), "code");
        }
        try {
            order(Service.client(Service.DEMO, EncodingEnum.JSON), "$execute-" + NAME, "ANONYMIZED");
            throw new AssertionError("an order without the role was taken");
        } catch (ForbiddenOperationException e) {
            check(e.getMessage().contains("Insufficient permission for $execute-" + NAME), "the message is " + e.getMessage());
        }
    }

    private static Binary order(IGenericClient client, String name, String anonymization) {
        return client.operation().onServer().named(name)
                .withParameter(Parameters.class, "anonymization", new StringType(anonymization))
                .returnResourceType(Binary.class).execute();
    }

    /** Asks how the report is doing, until it is done. */
    private static void await(IGenericClient client, IdType id) throws InterruptedException {
        var address = Service.BASE + "/" + id.getValue();
        for (int tries = 0; tries < 600; tries++) {
            var job = Calls.post(client).getEntry().stream().map(e -> (Parameters) e.getResource())
                    .filter(p -> value(p, "binary") instanceof Reference r && r.getReference().equals(address))
                    .findFirst().orElseThrow(() -> new AssertionError("no job with the Binary " + address));
            var status = value(job, "status").primitiveValue();
            if (status.equals("DONE")) {
                return;
            }
            check(List.of("QUEUED", "RUNNING").contains(status), "the job is " + status);
            Thread.sleep(100);
        }
        throw new AssertionError("the report was not made within a minute");
    }

    private static org.hl7.fhir.r4.model.Type value(Parameters job, String part) {
        return job.getParameterFirstRep().getPart().stream().filter(p -> p.getName().equals(part))
                .findFirst().map(Parameters.ParametersParameterComponent::getValue).orElse(null);
    }

    /** The result is an archive with a header and one group. */
    private static void report(byte[] data) throws IOException {
        var names = new ArrayList<String>();
        try (var zip = new ZipInputStream(new ByteArrayInputStream(data))) {
            for (var entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                names.add(entry.getName().replaceFirst("^PatientsUsageReport_[0-9_]{19}/", ""));
                var text = new String(zip.readAllBytes(), StandardCharsets.UTF_8);
                check(text.startsWith(names.size() == 1 ? "{\"reportName\":\"PatientsUsageReport\"," : "{\"PatientsUsageSummary\":"), text);
            }
        }
        equal(List.of("ReportHeader", "PatientsUsageSummary/PatientsUsageSummary"), names, "files");
    }
}
