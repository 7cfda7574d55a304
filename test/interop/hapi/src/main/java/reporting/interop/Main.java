// SPDX-License-Identifier: Apache-2.0

package reporting.interop;

import static reporting.interop.Rows.check;
import static reporting.interop.Rows.equal;

import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.api.SearchStyleEnum;
import ca.uhn.fhir.rest.api.SummaryEnum;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.api.ServerValidationModeEnum;
import ca.uhn.fhir.rest.client.apache.GZipContentInterceptor;
import ca.uhn.fhir.rest.gclient.StringClientParam;
import ca.uhn.fhir.util.VersionUtil;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.CapabilityStatement;
import org.hl7.fhir.r4.model.CodeType;
import org.hl7.fhir.r4.model.DateTimeType;
import org.hl7.fhir.r4.model.InstantType;
import org.hl7.fhir.r4.model.IntegerType;
import org.hl7.fhir.r4.model.OperationDefinition;
import org.hl7.fhir.r4.model.Parameters;
import org.hl7.fhir.r4.model.PositiveIntType;
import org.hl7.fhir.r4.model.StringType;

/** Calls a running service with HAPI FHIR, as portals do. The script "run" starts it. */
public final class Main {

    private static final EncodingEnum NONE = null;
    private static final EncodingEnum JSON = EncodingEnum.JSON;
    private static final EncodingEnum XML = EncodingEnum.XML;
    private static final List<EncodingEnum> ENCODINGS = Arrays.asList(NONE, JSON, XML);

    private final Rows rows = new Rows("HAPI FHIR", VersionUtil.getVersion());

    private Main() {}

    public static void main(String[] args) {
        // HAPI logs what it finds odd in an answer; Rows looks there.
        System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "warn");
        System.exit(new Main().run() ? 0 : 1);
    }

    private boolean run() {
        rows.add("POST, no encoding set", () -> example(NONE, Calls::post));
        rows.add("POST, JSON", () -> example(JSON, Calls::post));
        rows.add("POST, XML", () -> example(XML, Calls::post));
        rows.add("GET, no encoding set", () -> example(NONE, Calls::get));
        rows.add("GET, JSON", () -> example(JSON, Calls::get));
        rows.add("GET, XML", () -> example(XML, Calls::get));
        rows.add("POST, validating the server first, JSON and XML", this::validating);
        rows.add("a user without jobs, POST and GET, JSON and XML", this::withoutJobs);
        rows.add("many jobs, gzip both ways, JSON and XML", this::gzip);
        rows.add("pretty print, summary, JSON and XML", this::decorated);
        rows.add("inputs by POST, JSON and XML", () -> inputs(Calls::post));
        rows.add("inputs by GET, JSON and XML", () -> inputs(Calls::get));
        rows.add("capabilities, JSON and XML", this::capabilities);
        rows.add("read and search OperationDefinition, JSON and XML", this::definitions);
        rows.add("a report: execute, status, Binary, delete, JSON and XML", () -> {
            for (var encoding : ENCODINGS) {
                Reports.story(encoding);
                Reports.fetched(encoding);
            }
        });
        rows.add("a report: its bytes", Reports::bytes);
        rows.add("a report: refusals", Reports::refusals);
        rows.add("refusals, JSON", () -> new Errors(rows, JSON).all());
        rows.add("refusals, XML", () -> new Errors(rows, XML).all());
        return rows.end();
    }

    private void example(EncodingEnum encoding, Function<IGenericClient, Bundle> call) {
        var client = Service.client(Service.EXAMPLE, encoding);
        var wire = Service.listen(client);
        Answers.example(call.apply(client));
        var want = (encoding == XML ? XML : JSON).getResourceContentTypeNonLegacy();
        check(wire.responseType.startsWith(want), "the answer is " + wire.responseType);
        if (wire.requests.get(0).startsWith("POST")) {
            check(wire.requestType.startsWith(want), "the request is " + wire.requestType);
        }
    }

    /** HAPI's default: the first call of a client reads the server's metadata. */
    private void validating() {
        for (var encoding : ENCODINGS) {
            // A context remembers which servers it has seen.
            var client = Service.client(Service.context(ServerValidationModeEnum.ONCE), Service.EXAMPLE, encoding);
            var wire = Service.listen(client);
            Answers.example(Calls.post(client));
            equal(2, wire.requests.size(), "requests");
            var first = wire.requests.get(0);
            check(first.startsWith("GET " + Service.BASE + "/metadata"), "the first request is " + first);
        }
    }

    private void withoutJobs() {
        for (var encoding : ENCODINGS) {
            var client = Service.client(Service.WITHOUT_JOBS, encoding);
            Answers.empty(Calls.post(client));
            Answers.empty(Calls.get(client));
        }
    }

    private void gzip() {
        Bundle json = null;
        for (var encoding : ENCODINGS) {
            var client = Service.client(Service.DEMO, encoding);
            client.registerInterceptor(new GZipContentInterceptor());
            var wire = Service.listen(client);
            var bundle = Calls.post(client);
            check(wire.compressed, "the answer is not compressed");
            Answers.demo(bundle, Answers.STATES);
            json = json == null ? bundle : json;
            check(bundle.equalsDeep(json), "HAPI decodes XML to something else than JSON");
            Answers.demo(Calls.get(client), Answers.STATES);
            Answers.demo((Bundle) Calls.start(client).execute().getParameterFirstRep().getResource(), Answers.STATES);
        }
    }

    private void decorated() {
        for (var encoding : ENCODINGS) {
            for (var pretty : List.of(true, false)) {
                for (var summary : SummaryEnum.values()) {
                    var client = Service.client(Service.EXAMPLE, encoding);
                    client.setPrettyPrint(pretty);
                    client.setSummary(summary);
                    Answers.example(Calls.post(client));
                    Answers.example(Calls.get(client));
                    equal(Calls.DEFINITION, read(client).getIdElement().getIdPart(), "id of the OperationDefinition");
                }
            }
        }
    }

    private void inputs(BiFunction<IGenericClient, Parameters, Bundle> call) {
        for (var encoding : ENCODINGS) {
            var client = Service.client(Service.DEMO, encoding);
            Function<Parameters, Bundle> ask = inputs -> call.apply(client, inputs);

            Answers.demo(ask.apply(Calls.inputs("status", new CodeType("DONE"))), List.of("DONE"));
            var two = Calls.inputs("status", new CodeType("FAILED"), new CodeType("QUEUED"));
            Answers.demo(ask.apply(two), List.of("QUEUED", "FAILED"));

            var third = Answers.created(ask.apply(new Parameters()), 2);
            var newest = Answers.STATES.subList(0, 3);
            Answers.demo(ask.apply(Calls.inputs("since", new DateTimeType(third.getValueAsString()))), newest);
            // HAPI writes instants with milliseconds, in the time zone of the machine.
            Answers.demo(ask.apply(Calls.inputs("since", new InstantType(third.getValue()))), newest);
            Answers.empty(ask.apply(Calls.inputs("since", new DateTimeType("2999-12-31T00:00:00+01:00"))));

            Answers.demo(ask.apply(Calls.inputs("_count", new PositiveIntType(2))), Answers.STATES.subList(0, 2));
            Answers.demo(ask.apply(Calls.inputs("_count", new IntegerType(100))), Answers.STATES);

            var all = Calls.inputs("status", new CodeType("SCHEDULED"), new CodeType("RUNNING"), new CodeType("DONE"));
            Calls.inputs(all, "since", third);
            Calls.inputs(all, "_count", new PositiveIntType(1));
            Answers.demo(ask.apply(all), List.of("SCHEDULED"));

            Answers.demo(ask.apply(Calls.inputs("colour", new StringType("red"))), Answers.STATES);
        }
    }

    private void capabilities() {
        for (var encoding : ENCODINGS) {
            var statement = Service.client(null, encoding).capabilities().ofType(CapabilityStatement.class).execute();
            equal("4.0.1", statement.getFhirVersion().toCode(), "fhirVersion");
            equal(CapabilityStatement.CapabilityStatementKind.INSTANCE, statement.getKind(), "kind");
            equal(Service.BASE, statement.getImplementation().getUrl(), "implementation.url");
            var formats = statement.getFormat().stream().map(CodeType::getCode).toList();
            check(formats.containsAll(List.of("application/fhir+json", "application/fhir+xml")), "formats: " + formats);
            var operation = statement.getRestFirstRep().getOperation().stream()
                    .filter(o -> Calls.NAME.equals("$" + o.getName())).findFirst().orElseThrow();
            equal(OFFICIAL, operation.getDefinition(), "definition of the operation");
        }
    }

    private static final String OFFICIAL = "http://ehealth.sundhed.dk/fhir/OperationDefinition/" + Calls.DEFINITION;
    private static final String EARLIER =
            "https://reporting.devtest.systematic-ehealth.com/fhir/OperationDefinition/" + Calls.DEFINITION;

    private void definitions() {
        for (var encoding : ENCODINGS) {
            var client = Service.client(null, encoding);
            var definition = read(client);
            definition(definition);
            // HAPI takes the version from the ETag, and asks with it for news only.
            var news = client.read().resource(OperationDefinition.class).withId(Calls.DEFINITION)
                    .ifVersionMatches(definition.getIdElement().getVersionIdPart()).returnNull().execute();
            check(news == null, "a definition that did not change came again");
            definition(search(client, "url", OFFICIAL, 1));
            definition(search(client, "url", EARLIER, 1));
            definition(search(client, "code", Calls.NAME.substring(1), 1));
            search(client, "code", "something-else", 0);
        }
    }

    private static OperationDefinition read(IGenericClient client) {
        return client.read().resource(OperationDefinition.class).withId(Calls.DEFINITION).execute();
    }

    private static OperationDefinition search(IGenericClient client, String parameter, String value, int want) {
        OperationDefinition definition = null;
        for (var style : List.of(SearchStyleEnum.GET, SearchStyleEnum.POST)) {
            var found = client.search().forResource(OperationDefinition.class)
                    .where(new StringClientParam(parameter).matches().value(value))
                    .usingStyle(style).returnBundle(Bundle.class).execute();
            equal(Bundle.BundleType.SEARCHSET, found.getType(), "Bundle.type");
            equal(want, found.getTotal(), "total for " + parameter + " " + value + " by " + style);
            equal(want, found.getEntry().size(), "entries");
            definition = want == 0 ? null : (OperationDefinition) found.getEntryFirstRep().getResource();
        }
        return definition;
    }

    private static void definition(OperationDefinition definition) {
        equal(Calls.DEFINITION, definition.getIdElement().getIdPart(), "id");
        equal(OFFICIAL, definition.getUrl(), "url");
        equal(Calls.NAME, "$" + definition.getCode(), "code");
        check(definition.getSystem() && !definition.getType() && !definition.getInstance(), "level");
        check(!definition.getAffectsState(), "affectsState");
        var inputs = definition.getParameter().stream()
                .filter(p -> p.getUse().toCode().equals("in"))
                .map(p -> p.getName() + " " + p.getMin() + ".." + p.getMax())
                .toList();
        check(inputs.containsAll(List.of("status 0..*", "since 0..1", "_count 0..1")), "inputs: " + inputs);
    }
}
