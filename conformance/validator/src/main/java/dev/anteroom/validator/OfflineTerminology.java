package dev.anteroom.validator;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.ConceptValidationOptions;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.context.support.ValidationSupportContext;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.CanonicalType;
import org.hl7.fhir.r4.model.CodeSystem;
import org.hl7.fhir.r4.model.ValueSet;
import org.hl7.fhir.r4.model.ValueSet.ConceptSetComponent;

/**
 * HAPI's terminology in memory, which takes a value set whose parts it cannot find for a smaller or an empty one and
 * refuses the code. Where the code may be in a part that is not on this machine (another package's value set, a code
 * system nobody may ship), the refusal becomes a warning that names the part. Every other refusal stands.
 */
final class OfflineTerminology extends InMemoryTerminologyServerValidationSupport {
    OfflineTerminology(FhirContext context) {
        super(context);
    }

    @Override
    public String getName() {
        return "Terminology of the packages at hand";
    }

    @Override
    public CodeValidationResult validateCodeInValueSet(
            ValidationSupportContext context,
            ConceptValidationOptions options,
            String system,
            String code,
            String display,
            IBaseResource valueSet) {
        CodeValidationResult result =
                super.validateCodeInValueSet(context, options, system, code, display, valueSet);
        if (result == null || result.isOk() || !(valueSet instanceof ValueSet set)) {
            return result;
        }
        Set<String> absent = new TreeSet<>();
        addAbsent(context.getRootValidationSupport(), set, plain(system), absent, new HashSet<>());
        if (absent.isEmpty()) {
            return result;
        }
        String message = "Not checked: whether '" + code + "' is in " + set.getUrl() + " depends on what is not here: "
                + String.join(", ", absent);
        return new CodeValidationResult()
                .setCode(code)
                .setDisplay(display)
                .setSeverity(IssueSeverity.WARNING)
                .setMessage(message)
                .addIssue(new CodeValidationIssue(
                        message,
                        IssueSeverity.WARNING,
                        CodeValidationIssueCode.NOT_FOUND,
                        CodeValidationIssueCoding.NOT_FOUND));
    }

    // What `set` includes, directly or through others, that is not here and could hold a code of `system`.
    private static void addAbsent(
            IValidationSupport all, ValueSet set, String system, Set<String> absent, Set<String> visited) {
        if (set.getUrl() != null && !visited.add(set.getUrl())) {
            return;
        }
        if (set.getCompose().getInclude().isEmpty() && !set.hasExpansion()) {
            absent.add("the content of " + set.getUrl());
        }
        for (ConceptSetComponent include : set.getCompose().getInclude()) {
            for (CanonicalType url : include.getValueSet()) {
                if (all.fetchValueSet(url.getValue()) instanceof ValueSet included) {
                    addAbsent(all, included, system, absent, visited);
                } else {
                    absent.add(url.getValue());
                }
            }
            boolean whole = include.hasSystem() && !include.hasConcept();
            if (whole && (system == null || system.equals(include.getSystem())) && !isHere(all, include.getSystem())) {
                absent.add(include.getSystem());
            }
        }
    }

    private static boolean isHere(IValidationSupport all, String system) {
        return all.fetchCodeSystem(system) instanceof CodeSystem here
                && here.getContent() == CodeSystem.CodeSystemContentMode.COMPLETE;
    }

    private static String plain(String canonical) {
        return canonical == null ? null : canonical.split("\\|", 2)[0];
    }
}
