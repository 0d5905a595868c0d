package dev.anteroom.validator;

import ca.uhn.fhir.context.FhirContext;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.FileOutputStream;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Validates each line <code>{"name": ..., "resource": {...}}</code> of a file with the HAPI FHIR validator: one line
 * <code>{"name", "type", "issues": [{"severity", "location", "message"}]}</code> of answer for each, in their order,
 * then a line <code>{"summary": {...}}</code>. Asks nothing of any network.
 */
public final class Validate {
    private static final String USAGE =
            "Validate [--package FILE.tgz]... [--profiles FOLDER]... --input FILE.ndjson";

    private final List<Path> packages = new ArrayList<>();
    private final List<Path> profiles = new ArrayList<>();
    private Path input;

    private Validate(String[] arguments) {
        for (int at = 0; at + 1 < arguments.length; at += 2) {
            Path value = Path.of(arguments[at + 1]);
            switch (arguments[at]) {
                case "--package" -> packages.add(value);
                case "--profiles" -> profiles.add(value);
                case "--input" -> input = value;
                default -> throw new IllegalArgumentException("no option " + arguments[at]);
            }
        }
        if (arguments.length % 2 != 0 || input == null) {
            throw new IllegalArgumentException("usage: " + USAGE);
        }
    }

    /** Exit code 0 without an error, 1 with one, 2 where nothing could be validated. */
    public static void main(String[] arguments) {
        int status;
        try {
            status = new Validate(arguments).run();
        } catch (IllegalArgumentException | IOException problem) {
            System.err.println(problem.getMessage());
            status = 2;
        } catch (ExecutionException | InterruptedException problem) {
            problem.printStackTrace();
            status = 2;
        }
        System.exit(status);
    }

    private int run() throws IOException, ExecutionException, InterruptedException {
        long begun = System.nanoTime();
        // Libraries print as they like; the answers have the standard output for themselves.
        System.setOut(System.err);
        FhirContext context = FhirContext.forR4();
        Definitions definitions = new Definitions(context);
        for (Path file : packages) {
            definitions.loadPackage(file);
        }
        for (Path folder : profiles) {
            definitions.loadFolder(folder);
        }
        Judge judge = new Judge(context, definitions);
        long loaded = System.nanoTime();

        Summary summary = new Summary();
        Gson gson = new GsonBuilder().disableHtmlEscaping().create();
        ExecutorService workers = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
        try (PrintStream answers =
                new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8)) {
            List<Future<Answer>> pending = new ArrayList<>();
            for (Question question : questions()) {
                pending.add(workers.submit(() -> judge.answer(question)));
            }
            for (Future<Answer> one : pending) {
                Answer answer = one.get();
                summary.add(answer);
                answers.println(gson.toJson(answer));
            }
            JsonObject last = new JsonObject();
            last.add("summary", gson.toJsonTree(summary.closed(definitions.count(), begun, loaded)));
            answers.println(gson.toJson(last));
            if (answers.checkError()) {
                throw new IOException("the answers could not be written");
            }
        } finally {
            workers.shutdownNow();
        }
        return summary.errors == 0 ? 0 : 1;
    }

    private List<Question> questions() throws IOException {
        List<Question> questions = new ArrayList<>();
        try (BufferedReader lines = Files.newBufferedReader(input, StandardCharsets.UTF_8)) {
            int number = 0;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                number++;
                if (!line.isBlank()) {
                    questions.add(question(line, number));
                }
            }
        }
        if (questions.isEmpty()) {
            throw new IllegalArgumentException(input + " holds no resource");
        }
        return questions;
    }

    private Question question(String line, int number) {
        try {
            JsonObject object = JsonParser.parseString(line).getAsJsonObject();
            JsonObject resource = object.getAsJsonObject("resource");
            return new Question(
                    object.get("name").getAsString(),
                    resource.get("resourceType").getAsString(),
                    resource.toString());
        } catch (RuntimeException problem) {
            throw new IllegalArgumentException(
                    input + ":" + number + ": not {\"name\": ..., \"resource\": {\"resourceType\": ...}}", problem);
        }
    }

    /** A resource as it was served, and what to call it. */
    record Question(String name, String type, String json) {}

    /** What the validator said of one resource. */
    record Answer(String name, String type, List<Issue> issues) {}

    /** Severity is fatal, error, warning or information; the location a FHIRPath. */
    record Issue(String severity, String location, String message) {}

    /** The counts of the last line. */
    private static final class Summary {
        private int resources;
        private int errors;
        private int warnings;
        private int notes;
        private int definitions;
        private double secondsToLoad;
        private double secondsToValidate;

        void add(Answer answer) {
            resources++;
            for (Issue issue : answer.issues()) {
                switch (issue.severity()) {
                    case "fatal", "error" -> errors++;
                    case "warning" -> warnings++;
                    default -> notes++;
                }
            }
        }

        Summary closed(int count, long begun, long loaded) {
            definitions = count;
            secondsToLoad = (loaded - begun) / 1e9;
            secondsToValidate = (System.nanoTime() - loaded) / 1e9;
            return this;
        }
    }
}
