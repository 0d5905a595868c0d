package dev.anteroom.validator;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.parser.DataFormatException;
import ca.uhn.fhir.parser.IParser;
import ca.uhn.fhir.parser.StrictErrorHandler;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.r4.model.Resource;
import org.hl7.fhir.r4.model.StructureDefinition;

/** The definitions of FHIR NPM packages, packed or as a folder, for the validator. */
final class Definitions {
    // What a validator asks for; the rest of a package (examples, its guide) is validated, not used.
    private static final Set<String> USED =
            Set.of("StructureDefinition", "ValueSet", "CodeSystem", "SearchParameter");

    private final FhirContext context;
    private final PrePopulatedValidationSupport support;
    private final List<StructureDefinition> withoutSnapshot = new ArrayList<>();
    private int count;

    Definitions(FhirContext context) {
        this.context = context;
        this.support = new PrePopulatedValidationSupport(context);
    }

    PrePopulatedValidationSupport support() {
        return support;
    }

    /** Profiles whose package holds only a differential. */
    List<StructureDefinition> withoutSnapshot() {
        return withoutSnapshot;
    }

    int count() {
        return count;
    }

    /** A package as registries hand it out: files under <code>package/</code> in a tar, in gzip. */
    void loadPackage(Path file) throws IOException {
        int before = count;
        boolean described = false;
        try (InputStream bytes = Files.newInputStream(file);
                TarArchiveInputStream tar = new TarArchiveInputStream(new GzipCompressorInputStream(bytes))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                String name = entry.getName();
                if (name.equals("package/package.json")) {
                    describe(file, read(tar));
                    described = true;
                } else if (name.matches("package/[^/.][^/]*\\.json")) {
                    take(file + ":" + name, read(tar));
                }
            }
        }
        if (!described || count == before) {
            throw new IllegalArgumentException(file + ": no FHIR package: no package/package.json or no definition");
        }
    }

    /** A package unpacked: a <code>package.json</code> with its definitions beside it. */
    void loadFolder(Path folder) throws IOException {
        Path manifest = folder.resolve("package.json");
        if (!Files.isRegularFile(manifest)) {
            throw new IllegalArgumentException(folder + ": no FHIR package: no package.json");
        }
        describe(manifest, Files.readString(manifest));
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.filter(one -> one.toString().endsWith(".json")).sorted().toList()) {
                if (!file.equals(manifest)) {
                    take(file.toString(), Files.readString(file));
                }
            }
        }
    }

    private static void describe(Path place, String text) {
        JsonObject manifest = JsonParser.parseString(text).getAsJsonObject();
        for (String member : List.of("name", "version", "fhirVersions")) {
            if (!manifest.has(member)) {
                throw new IllegalArgumentException(place + ": package.json has no \"" + member + "\"");
            }
        }
        if (!manifest.get("fhirVersions").toString().contains("\"4.0.1\"")) {
            throw new IllegalArgumentException(place + ": not for FHIR 4.0.1: " + manifest.get("fhirVersions"));
        }
    }

    private void take(String place, String text) {
        JsonObject object = JsonParser.parseString(text).getAsJsonObject();
        if (!object.has("resourceType") || !USED.contains(object.get("resourceType").getAsString())) {
            return;
        }
        IParser parser = context.newJsonParser();
        parser.setParserErrorHandler(new StrictErrorHandler());
        Resource resource;
        try {
            resource = (Resource) parser.parseResource(text);
        } catch (DataFormatException problem) {
            // A package published with a fault is still the package; what is ours is validated line by line besides.
            resource = (Resource) context.newJsonParser().parseResource(text);
            System.err.println(place + ": " + problem.getMessage());
        }
        support.addResource(resource);
        count++;
        if (resource instanceof StructureDefinition definition && !definition.hasSnapshot()) {
            withoutSnapshot.add(definition);
        }
    }

    private static String read(InputStream stream) throws IOException {
        return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }
}
