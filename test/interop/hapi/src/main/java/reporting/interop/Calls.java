// SPDX-License-Identifier: Apache-2.0

package reporting.interop;

import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.gclient.IOperationUntypedWithInput;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.Parameters;
import org.hl7.fhir.r4.model.Type;

/** The operation, in the ways HAPI can call it. */
final class Calls {

    static final String NAME = "$get-report-job-status";
    static final String DEFINITION = "-s-get-report-job-status";

    private Calls() {}

    static Bundle post(IGenericClient client) {
        return start(client).returnResourceType(Bundle.class).execute();
    }

    static Bundle get(IGenericClient client) {
        return start(client).returnResourceType(Bundle.class).useHttpGet().execute();
    }

    static Bundle post(IGenericClient client, Parameters inputs) {
        return call(client, inputs).execute();
    }

    static Bundle get(IGenericClient client, Parameters inputs) {
        return call(client, inputs).useHttpGet().execute();
    }

    /** The call with nothing said about what comes back: HAPI puts a Bundle into Parameters of its own. */
    static IOperationUntypedWithInput<Parameters> start(IGenericClient client) {
        return client.operation().onServer().named(NAME).withNoParameters(Parameters.class);
    }

    static IOperationUntypedWithInput<Bundle> call(IGenericClient client, Parameters inputs) {
        return client.operation().onServer().named(NAME).withParameters(inputs).returnResourceType(Bundle.class);
    }

    /** Asks for a refusal of what the server does not know, rather than for its patience. */
    static Bundle strictly(IOperationUntypedWithInput<Bundle> call) {
        return call.withAdditionalHeader("Prefer", "handling=strict").execute();
    }

    static Parameters inputs(String name, Type... values) {
        return inputs(new Parameters(), name, values);
    }

    static Parameters inputs(Parameters parameters, String name, Type... values) {
        for (var value : values) {
            parameters.addParameter().setName(name).setValue(value);
        }
        return parameters;
    }
}
