// SPDX-License-Identifier: Apache-2.0

package reporting.interop;

import static reporting.interop.Rows.check;
import static reporting.interop.Rows.equal;

import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.server.exceptions.AuthenticationException;
import ca.uhn.fhir.rest.server.exceptions.BaseServerResponseException;
import ca.uhn.fhir.rest.server.exceptions.ForbiddenOperationException;
import ca.uhn.fhir.rest.server.exceptions.InvalidRequestException;
import ca.uhn.fhir.rest.server.exceptions.MethodNotAllowedException;
import ca.uhn.fhir.rest.server.exceptions.ResourceNotFoundException;
import java.util.function.Consumer;
import org.hl7.fhir.r4.model.CodeType;
import org.hl7.fhir.r4.model.IdType;
import org.hl7.fhir.r4.model.IntegerType;
import org.hl7.fhir.r4.model.OperationDefinition;
import org.hl7.fhir.r4.model.OperationOutcome;
import org.hl7.fhir.r4.model.OperationOutcome.IssueSeverity;
import org.hl7.fhir.r4.model.Parameters;
import org.hl7.fhir.r4.model.StringType;

/** What HAPI makes of refusals: the exception's class, its message, and the OperationOutcome inside. */
final class Errors {

    private final Rows rows;
    private final EncodingEnum encoding;

    Errors(Rows rows, EncodingEnum encoding) {
        this.rows = rows;
        this.encoding = encoding;
    }

    void all() {
        callers();
        requests();
    }

    private void callers() {
        refused("no token", AuthenticationException.class, 401, "login", "bearer token", null, Calls::post);
        refused("a bad token", AuthenticationException.class, 401, "login", "valid bearer token", "nonsense", Calls::post);
        refused("an expired token", AuthenticationException.class, 401, "expired", "expired", Service.EXPIRED, Calls::get);
        refused("a token without user_id", ForbiddenOperationException.class, 403, "forbidden", "user_id",
                Service.WITHOUT_USER, Calls::post);
    }

    private void requests() {
        request("an unknown operation", ResourceNotFoundException.class, 404, "not-supported", "metadata",
                c -> c.operation().onServer().named("$get-report-job-state").withNoParameters(Parameters.class).execute());
        request("the operation on a type", ResourceNotFoundException.class, 404, "not-supported", "metadata",
                c -> c.operation().onType("Patient").named(Calls.NAME).withNoParameters(Parameters.class).execute());
        request("an unknown definition", ResourceNotFoundException.class, 404, "not-found", "unheard-of",
                c -> c.read().resource(OperationDefinition.class).withId("unheard-of").execute());
        request("to delete a definition", MethodNotAllowedException.class, 405, "not-supported", "DELETE",
                c -> c.delete().resourceById(new IdType("OperationDefinition", Calls.DEFINITION)).execute());
        input("an unknown status by POST", "code-invalid", "NOPE",
                c -> Calls.post(c, Calls.inputs("status", new CodeType("NOPE"))));
        input("an unknown status by GET", "code-invalid", "NOPE",
                c -> Calls.get(c, Calls.inputs("status", new CodeType("NOPE"))));
        input("a wrong since", "invalid", "since",
                c -> Calls.post(c, Calls.inputs("since", new StringType("yesterday"))));
        input("a wrong _count", "invalid", "_count",
                c -> Calls.get(c, Calls.inputs("_count", new IntegerType(-1))));
        input("an unknown input by POST, strictly", "not-supported", "colour",
                c -> Calls.strictly(Calls.call(c, Calls.inputs("colour", new StringType("red")))));
        input("an unknown input by GET, strictly", "not-supported", "colour",
                c -> Calls.strictly(Calls.call(c, Calls.inputs("colour", new StringType("red"))).useHttpGet()));
    }

    private void input(String what, String code, String words, Consumer<IGenericClient> call) {
        request(what, InvalidRequestException.class, 400, code, words, call);
    }

    private void request(
            String what, Class<? extends BaseServerResponseException> type, int status, String code, String words,
            Consumer<IGenericClient> call) {
        refused(what, type, status, code, words, Service.DEMO, call);
    }

    private void refused(
            String what, Class<? extends BaseServerResponseException> type, int status, String code, String words,
            String token, Consumer<IGenericClient> call) {
        var client = Service.client(token, encoding);
        var wire = Service.listen(client);
        BaseServerResponseException refusal;
        try {
            call.accept(client);
            throw new AssertionError(what + ": not refused");
        } catch (BaseServerResponseException e) {
            refusal = e;
        }
        rows.note(encoding + ", " + what + ": " + refusal.getClass().getSimpleName() + ": " + refusal.getMessage());
        equal(type, refusal.getClass(), what + ": exception");
        equal(status, refusal.getStatusCode(), what + ": status");
        check(wire.responseType.startsWith(encoding.getResourceContentTypeNonLegacy()),
                what + ": the answer is " + wire.responseType);

        var outcome = (OperationOutcome) refusal.getOperationOutcome();
        check(outcome != null, what + ": no OperationOutcome");
        equal(wire.requestId, outcome.getIdElement().getIdPart(), what + ": id of the outcome");
        check(outcome.getText().getDivAsString().contains("<div"), what + ": no narrative");
        equal(1, outcome.getIssue().size(), what + ": issues");
        var issue = outcome.getIssueFirstRep();
        equal(IssueSeverity.ERROR, issue.getSeverity(), what + ": severity");
        equal(code, issue.getCode().toCode(), what + ": code");
        check(issue.getDiagnostics().contains(words), what + ": does not say \"" + words + "\": " + issue.getDiagnostics());
        var message = refusal.getMessage();
        check(message.startsWith("HTTP " + status) && message.endsWith(": " + issue.getDiagnostics()),
                what + ": the message is " + message);
    }
}
