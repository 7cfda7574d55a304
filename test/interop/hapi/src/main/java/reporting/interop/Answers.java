// SPDX-License-Identifier: Apache-2.0

package reporting.interop;

import static reporting.interop.Rows.check;
import static reporting.interop.Rows.equal;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.DateTimeType;
import org.hl7.fhir.r4.model.Parameters;
import org.hl7.fhir.r4.model.Parameters.ParametersParameterComponent;
import org.hl7.fhir.r4.model.Reference;
import org.hl7.fhir.r4.model.StringType;

/** What the demo data of the service has to look like once HAPI has decoded it. */
final class Answers {

    private static final String REPORT = "com.systematic.ehealth.reporting.reports.PatientsUsageReport";

    /** The states of the demo user's jobs, newest first, and their ids. */
    static final List<String> STATES = List.of("SCHEDULED", "QUEUED", "RUNNING", "DONE", "FAILED", "CANCELLED");

    private static final Map<String, String> IDS = Map.of(
            "SCHEDULED", "2ae8a60c-3113-5eec-8540-51b100ef2a90",
            "QUEUED", "9d802bad-d2d9-52da-be77-9b572e1531a3",
            "RUNNING", "a563217e-a150-5dde-89cc-eb8d12ac26ac",
            "DONE", "26b8f699-5cf5-51eb-bcdd-716563f4d529",
            "FAILED", "5307567d-4c66-5bca-bba4-e9b079dc7270",
            "CANCELLED", "b00ec58e-f898-5b22-ac01-be4c74f253ab");

    private Answers() {}

    /** The one job of the published example. */
    static void example(Bundle bundle) {
        equal(1, collection(bundle).size(), "entries");
        var job = job(bundle, 0, "ce35bcd5-4bb2-4c6e-b230-5347df1fe9bc");
        equal(
                List.of("reportClass", "userId", "status", "binary", "parameters", "created", "started", "ended"),
                names(job), "parts");
        equal(REPORT, text(job, 0), "reportClass");
        equal("0aaca7cd-67c3-48dd-a8c4-0cceecb5d276", text(job, 1), "userId");
        equal("FAILED", text(job, 2), "status");
        equal("https://reporting.local.ehealth.sundhed.dk/fhir/Binary/7", reference(job, 3), "binary");
        asked(job.get(4), "None");
        equal("2023-10-12T09:51:50+00:00", time(job, 5).getValueAsString(), "created");
        equal("2023-10-12T09:51:50+00:00", time(job, 6).getValueAsString(), "started");
        equal("2023-10-12T09:51:51+00:00", time(job, 7).getValueAsString(), "ended");
        equal(1697104310000L, time(job, 5).getValue().getTime(), "created as an instant");
    }

    /** Those jobs of the demo user that are in the given states, and nothing else. */
    static void demo(Bundle bundle, List<String> states) {
        equal(states, states(bundle), "states");
        for (int i = 0; i < states.size(); i++) {
            var state = states.get(i);
            var job = job(bundle, i, IDS.get(state));
            boolean ended = List.of("DONE", "FAILED", "CANCELLED").contains(state);
            var want = new ArrayList<>(List.of("reportClass", "userId", "status"));
            if (state.equals("DONE")) {
                want.add("binary");
                equal("https://reports.example/fhir/Binary/1", reference(job, 3), "binary");
            }
            want.addAll(List.of("parameters", "created"));
            if (ended || state.equals("RUNNING")) {
                want.add("started");
            }
            if (ended) {
                want.add("ended");
            }
            equal(want, names(job), "parts of " + state);
            equal(REPORT, text(job, 0), "reportClass");
            equal("demo", text(job, 1), "userId");
            int next = want.indexOf("parameters");
            asked(job.get(next), "ANONYMIZED");
            var created = time(job, next + 1).getValue().toInstant();
            if (want.contains("started")) {
                equal(created.plusSeconds(1), time(job, next + 2).getValue().toInstant(), "started");
            }
            if (ended) {
                equal(created.plusSeconds(61), time(job, next + 3).getValue().toInstant(), "ended");
            }
        }
    }

    static void empty(Bundle bundle) {
        equal(0, collection(bundle).size(), "entries");
    }

    /** The states of the jobs in a list, in its order. */
    static List<String> states(Bundle bundle) {
        return collection(bundle).stream().map(e -> text(parts((Parameters) e.getResource()), 2)).toList();
    }

    /** When a job of the demo user was made. */
    static DateTimeType created(Bundle bundle, int index) {
        var job = parts((Parameters) bundle.getEntry().get(index).getResource());
        return time(job, names(job).indexOf("created"));
    }

    private static List<Bundle.BundleEntryComponent> collection(Bundle bundle) {
        check(bundle != null, "there is no Bundle");
        equal(Bundle.BundleType.COLLECTION, bundle.getType(), "Bundle.type");
        check(!bundle.hasTotal(), "a collection has no total");
        return bundle.getEntry();
    }

    private static List<ParametersParameterComponent> job(Bundle bundle, int index, String id) {
        var entry = bundle.getEntry().get(index);
        equal(id, entry.getFullUrl(), "fullUrl");
        equal(id, entry.getResource().getIdElement().getIdPart(), "id");
        return parts((Parameters) entry.getResource());
    }

    private static List<ParametersParameterComponent> parts(Parameters resource) {
        equal(1, resource.getParameter().size(), "parameters");
        equal("reportJob", resource.getParameterFirstRep().getName(), "name of the parameter");
        return resource.getParameterFirstRep().getPart();
    }

    private static List<String> names(List<ParametersParameterComponent> job) {
        return job.stream().map(ParametersParameterComponent::getName).toList();
    }

    private static String text(List<ParametersParameterComponent> job, int index) {
        return ((StringType) job.get(index).getValue()).getValue();
    }

    private static String reference(List<ParametersParameterComponent> job, int index) {
        return ((Reference) job.get(index).getValue()).getReference();
    }

    private static DateTimeType time(List<ParametersParameterComponent> job, int index) {
        return (DateTimeType) job.get(index).getValue();
    }

    /** The resource inside the resource: what the report was asked for with. */
    private static void asked(ParametersParameterComponent part, String anonymization) {
        var asked = (Parameters) part.getResource();
        equal("anonymization", asked.getParameterFirstRep().getName(), "name of the report's parameter");
        equal(anonymization, asked.getParameterFirstRep().getValue().primitiveValue(), "value of the report's parameter");
    }
}
