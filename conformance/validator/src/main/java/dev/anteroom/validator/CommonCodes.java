package dev.anteroom.validator;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.ConceptValidationOptions;
import ca.uhn.fhir.context.support.ValidationSupportContext;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.instance.model.api.IBaseResource;

/**
 * HAPI's own knowledge of languages, MIME types, currencies, countries and units. R4 only ever prefers the value set of
 * common languages, but HAPI's answer about it is an error under any binding; the value set at hand answers as it should.
 */
final class CommonCodes extends CommonCodeSystemsTerminologyService {
    CommonCodes(FhirContext context) {
        super(context);
    }

    @Override
    public CodeValidationResult validateCodeInValueSet(
            ValidationSupportContext context,
            ConceptValidationOptions options,
            String system,
            String code,
            String display,
            IBaseResource valueSet) {
        if (LANGUAGES_VALUESET_URL.equals(getValueSetUrl(getFhirContext(), valueSet))) {
            return null;
        }
        return super.validateCodeInValueSet(context, options, system, code, display, valueSet);
    }
}
