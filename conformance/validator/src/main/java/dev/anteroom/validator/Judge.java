package dev.anteroom.validator;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.ValidationSupportContext;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import ca.uhn.fhir.validation.ValidationOptions;
import dev.anteroom.validator.Validate.Answer;
import dev.anteroom.validator.Validate.Issue;
import dev.anteroom.validator.Validate.Question;
import java.util.ArrayList;
import java.util.List;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.common.hapi.validation.validator.WorkerContextValidationSupportAdapter;
import org.hl7.fhir.r4.model.StructureDefinition;

/** The validator with all it may know: base R4, the packages, and no terminology server. Any thread may ask. */
final class Judge {
    private static final String BASE = "http://hl7.org/fhir/StructureDefinition/";

    private final FhirValidator validator;

    Judge(FhirContext context, Definitions definitions) {
        // One of these for all: each reads every definition of R4 anew.
        WorkerContextValidationSupportAdapter worker = new WorkerContextValidationSupportAdapter();
        ValidationSupportChain chain = new ValidationSupportChain(
                new DefaultProfileValidationSupport(context),
                definitions.support(),
                new CommonCodes(context),
                new OfflineTerminology(context),
                new SnapshotGeneratingValidationSupport(context, worker));
        worker.setValidationSupport(chain);
        // Before the threads begin: two of them would else make the same one in place.
        for (StructureDefinition definition : definitions.withoutSnapshot()) {
            chain.generateSnapshot(new ValidationSupportContext(chain), definition, definition.getUrl(), null, null);
        }
        FhirInstanceValidator module = new FhirInstanceValidator(chain);
        module.setWrappedWorkerContext(chain, worker);
        module.setErrorForUnknownProfiles(true);
        module.setAnyExtensionsAllowed(false);
        validator = context.newValidator().registerValidatorModule(module);
    }

    Answer answer(Question question) {
        List<Issue> issues = new ArrayList<>();
        // Named, because a profile of the resource's own would else be taken to say all that the base type says.
        ValidationOptions options = new ValidationOptions().addProfile(BASE + question.type());
        for (SingleValidationMessage message :
                validator.validateWithResult(question.json(), options).getMessages()) {
            String location = message.getLocationString() == null ? "" : message.getLocationString();
            issues.add(new Issue(message.getSeverity().getCode(), location, message.getMessage()));
        }
        return new Answer(question.name(), question.type(), issues);
    }
}
