//! `/staff/templates`: the forms that can be put before patients, and one of them as patients see it.

use super::frame::Frame;
use super::own_forms::PartView;
use crate::http::words::filters;
use askama::Template;

/// The list, and a form for a new template. Fields: `title`, `category`, `lines`, `json`, `id`, `seen`, `csrf`; buttons
/// `decision=keep|read|retire|offer`.
#[derive(Debug, Template)]
#[template(path = "staff_templates.html")]
pub struct StaffTemplates {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// What has just been done; empty where nothing was.
    pub notice: &'static str,
    /// What was wrong; empty where nothing was.
    pub error: String,
    /// The templates.
    pub templates: Vec<TemplateRow>,
    /// The categories of the chart, and whether one is chosen.
    pub categories: Vec<(String, bool)>,
    /// What stands for what the chart says of the patient.
    pub directives: Vec<String>,
    /// What was typed.
    pub typed: Typed,
    /// The one that is changed as somebody else left it meanwhile.
    pub now: Option<Typed>,
}

/// A form as it is typed.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    /// The id of the one that is changed; empty for a new one.
    pub id: String,
    /// The version of it that was looked at.
    pub seen: String,
    /// What it is called.
    pub title: String,
    /// The category of the chart.
    pub category: String,
    /// The lines.
    pub lines: String,
    /// A Questionnaire that was pasted.
    pub json: String,
}

/// One template of the list.
#[derive(Debug, Clone)]
pub struct TemplateRow {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// The category that is proposed.
    pub category: String,
    /// Whether it is offered.
    pub active: bool,
    /// Whether it is kept here; otherwise it is changed in OpenEMR.
    pub ours: bool,
}

/// One template as patients see it.
#[derive(Debug, Template)]
#[template(path = "staff_template.html")]
pub struct StaffTemplate {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// What it is called.
    pub title: String,
    /// The parts.
    pub parts: Vec<PartView>,
    /// Directives nobody here knows.
    pub unknown: Vec<String>,
    /// What can not be shown here, in words.
    pub hidden: Vec<&'static str>,
    /// Where it is changed; empty where that is in OpenEMR.
    pub change: String,
    /// Where it is downloaded; empty where not all of it can be said.
    pub file: String,
}

impl StaffTemplates {
    /// One of each kind.
    pub fn sample() -> Self {
        let row = |ours, active| TemplateRow {
            id: format!("{ours}-{active}"),
            title: "Medical History".to_owned(),
            category: "Reviewed".to_owned(),
            active,
            ours,
        };
        StaffTemplates {
            frame: Frame::sample("Templates of forms"),
            csrf: "sample-form-token".to_owned(),
            notice: "The template is kept.",
            error: "Write at least one line.".to_owned(),
            templates: vec![row(false, true), row(true, true), row(true, false)],
            categories: vec![("Reviewed".to_owned(), true)],
            directives: vec!["{PatientName}".to_owned()],
            typed: Typed {
                title: "Consent".to_owned(),
                category: "Reviewed".to_owned(),
                lines: "# Consent".to_owned(),
                ..Typed::default()
            },
            now: None,
        }
    }

    /// One that somebody else changed meanwhile.
    pub fn changed() -> Self {
        let sample = Self::sample();
        let typed = Typed {
            id: "a".to_owned(),
            seen: "0123456789abcdef".to_owned(),
            ..sample.typed.clone()
        };
        StaffTemplates {
            notice: "",
            error: "Somebody else changed this form meanwhile. What you typed is still here. Save again to keep yours instead."
                .to_owned(),
            now: Some(typed.clone()),
            typed,
            ..sample
        }
    }
}

impl StaffTemplate {
    /// One with a directive nobody knows.
    pub fn sample() -> Self {
        StaffTemplate {
            frame: Frame::sample("Template"),
            title: "Medical History".to_owned(),
            parts: vec![PartView {
                kind: "words",
                text: "Please read this.".to_owned(),
                ..PartView::default()
            }],
            unknown: vec!["{AdminSignature}".to_owned()],
            hidden: vec!["a picture or a recording"],
            change: "/staff/templates?change=a#new".to_owned(),
            file: "/staff/templates/a.json".to_owned(),
        }
    }
}
