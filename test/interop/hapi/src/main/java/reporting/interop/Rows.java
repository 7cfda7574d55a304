// SPDX-License-Identifier: Apache-2.0

package reporting.interop;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** Runs calls and prints how each went: one line each, its columns separated by tabs. */
final class Rows {

    interface Call {
        void run() throws Exception;
    }

    /** Java itself may write to the same stream. */
    private static final Predicate<String> WARNING = Pattern.compile("^\\[.*] (WARN|ERROR) ").asPredicate();

    private final String client;
    private final String version;
    private final PrintStream stderr = System.err;
    private final List<String> messages = new ArrayList<>();
    private boolean allOk = true;

    Rows(String client, String version) {
        this.client = client;
        this.version = version;
    }

    /**
     * Runs one call. It fails too when it logs a warning: HAPI reads on after much that it does not like in an
     * answer, and says so only there.
     */
    void add(String call, Call code) {
        var log = new ByteArrayOutputStream();
        String result;
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
        try {
            code.run();
            var warnings = log.toString(StandardCharsets.UTF_8).lines().filter(WARNING).toList();
            result = warnings.isEmpty() ? "ok" : "FAILED: it logged " + String.join("; ", warnings);
        } catch (Exception | AssertionError e) {
            result = "FAILED: " + e;
        } finally {
            System.setErr(stderr);
        }
        allOk &= result.equals("ok");
        System.out.println(String.join("\t", client, version, call, result.replaceAll("\\s+", " ").strip()));
    }

    /** Keeps what a person would be shown, for the end. */
    void note(String message) {
        messages.add(message);
    }

    /** Prints the notes, and tells whether all calls were fine. */
    boolean end() {
        stderr.println(client + " " + version + " says:");
        messages.forEach(m -> stderr.println("  " + m));
        return allOk;
    }

    static void check(boolean fine, String complaint) {
        if (!fine) {
            throw new AssertionError(complaint);
        }
    }

    static void equal(Object want, Object got, String what) {
        check(Objects.equals(want, got), what + ": want " + want + ", got " + got);
    }
}
