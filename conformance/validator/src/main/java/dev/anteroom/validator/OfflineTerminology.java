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
 * HAPI's terminology in memory, without its certainty about what it has not got: it refuses every code of a code system
 * that is not on this machine, and takes a value set of which it lacks a part for a smaller or an empty one. Where the
 * answer depends on what is not here, it becomes a warning that says so. Every other refusal stands.
 */
final class OfflineTerminology extends InMemoryTerminologyServerValidationSupport {
    /** The codes that are being asked about in this thread. */
    private static final ThreadLocal<Set<String>> ASKED = ThreadLocal.withInitial(HashSet::new);

    OfflineTerminology(FhirContext context) {
        super(context);
    }

    @Override
    public String getName() {
        return "Terminology of the packages at hand";
    }

    // Of a code system that nobody in the chain answers for, the chain says that it is an error.
    @Override
    public boolean isCodeSystemSupported(ValidationSupportContext context, String system) {
        return system != null && !system.isBlank();
    }

    @Override
    public CodeValidationResult validateCode(
            ValidationSupportContext context,
            ConceptValidationOptions options,
            String system,
            String code,
            String display,
            String valueSetUrl) {
        String plain = plain(system);
        boolean ofSystem = valueSetUrl == null || valueSetUrl.isBlank();
        if (ofSystem && plain != null && context.getRootValidationSupport().fetchCodeSystem(plain) == null) {
            return warning("Not checked: the code system " + plain + " is not here");
        }
        if (!ofSystem) {
            return super.validateCode(context, options, system, code, display, valueSetUrl);
        }
        // Of a code system that is here in part, HAPI asks the chain, which asks us again, and so on without an end.
        String asked = plain + "|" + code;
        if (!ASKED.get().add(asked)) {
            return warning("Not checked: of the code system " + plain + " only a part is here");
        }
        try {
            CodeValidationResult result = super.validateCode(context, options, system, code, display, valueSetUrl);
            boolean whole = context.getRootValidationSupport().fetchCodeSystem(plain) instanceof CodeSystem known
                    && known.getContent() == CodeSystem.CodeSystemContentMode.COMPLETE;
            return result == null || result.isOk() || whole
                    ? result
                    : warning("Not checked: of the code system " + plain + " only a part is here");
        } finally {
            ASKED.get().remove(asked);
        }
    }

    @Override
    public CodeValidationResult validateCodeInValueSet(
            ValidationSupportContext context,
            ConceptValidationOptions options,
            String system,
            String code,
            String display,
            IBaseResource valueSet) {
        Gaps gaps = new Gaps(context.getRootValidationSupport(), plain(system));
        if (valueSet instanceof ValueSet set) {
            gaps.look(set);
        }
        // HAPI falls over a filter on a code system that it has not got.
        if (!gaps.filtered) {
            CodeValidationResult result =
                    super.validateCodeInValueSet(context, options, system, code, display, valueSet);
            if (result == null || result.isOk() || gaps.absent.isEmpty()) {
                return result;
            }
        }
        String url = ((ValueSet) valueSet).getUrl();
        return warning("Not checked: the value set " + url + " depends on what is not here: "
                        + String.join(", ", gaps.absent))
                .setCode(code)
                .setDisplay(display);
    }

    private static CodeValidationResult warning(String message) {
        return new CodeValidationResult()
                .setSeverity(IssueSeverity.WARNING)
                .setMessage(message)
                .addIssue(new CodeValidationIssue(
                        message,
                        IssueSeverity.WARNING,
                        CodeValidationIssueCode.NOT_FOUND,
                        CodeValidationIssueCoding.NOT_FOUND));
    }

    private static String plain(String canonical) {
        return canonical == null ? null : canonical.split("\\|", 2)[0];
    }

    /** What a value set includes, directly or through others, that is not here and could hold a code of `system`. */
    private static final class Gaps {
        private final IValidationSupport all;
        private final String system;
        private final Set<String> absent = new TreeSet<>();
        private final Set<String> visited = new HashSet<>();
        private boolean filtered;

        Gaps(IValidationSupport all, String system) {
            this.all = all;
            this.system = system;
        }

        void look(ValueSet set) {
            if (set.getUrl() != null && !visited.add(set.getUrl())) {
                return;
            }
            if (set.getCompose().getInclude().isEmpty() && !set.hasExpansion()) {
                absent.add("the content of " + set.getUrl());
            }
            for (ConceptSetComponent include : set.getCompose().getInclude()) {
                for (CanonicalType url : include.getValueSet()) {
                    if (all.fetchValueSet(url.getValue()) instanceof ValueSet included) {
                        look(included);
                    } else {
                        absent.add(url.getValue());
                    }
                }
                boolean whole = include.hasSystem() && !include.hasConcept();
                boolean meant = system == null || system.equals(include.getSystem());
                if (whole && meant && !isHere(include.getSystem())) {
                    absent.add(include.getSystem());
                    filtered |= include.hasFilter();
                }
            }
        }

        private boolean isHere(String url) {
            return all.fetchCodeSystem(url) instanceof CodeSystem here
                    && here.getContent() == CodeSystem.CodeSystemContentMode.COMPLETE;
        }
    }
}
