//! Task: being built.

use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::types::Meta;

use crate::domain::ResourceType;
use crate::domain::scope::Interaction;
use crate::domain::tasks::Task;

use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::parameter::ID;
use crate::fhir::wire::Built;

/// Task as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Task,
    profile: None,
    prose: "",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[ID],
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

pub(super) fn render(task: &Task, meta: Meta) -> Built<resources::Task> {
    resources::Task::builder()
        .id(task.uuid.to_string())
        .meta(meta)
        .build()
}
