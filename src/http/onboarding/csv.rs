//! `/staff/onboarding.csv`: the list as a table for a spreadsheet, written as it is read.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::Uri;
use axum::response::Response;
use futures_util::stream;

use crate::db::sql::date_text;
use crate::domain::access::Right;
use crate::domain::language::Language;
use crate::domain::refusal::Answer;
use crate::emr::onboarding;
use crate::emr::onboarding::STRIDE;
use crate::emr::onboarding::Snapshot;
use crate::http::App;
use crate::http::csv;
use crate::http::door;
use crate::http::door::Away;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::onboarding::Asked;
use crate::http::onboarding::rows;
use crate::http::request_id::RequestId;
use crate::http::words::Reader;
use crate::mail;
use crate::words;

/// The first line.
const HEADS: [&str; 9] = [
    "Number",
    "Last name",
    "First name",
    "Born",
    "Account",
    "Missing",
    "E-mail",
    "Shared with",
    "Invited",
];

/// `GET /staff/onboarding.csv`
pub async fn table(
    State(app): State<Arc<App>>,
    id: RequestId,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let asks = (super::HERE, Right::Portal);
        let (colleague, _) = door::desk(&app, &id, &headers, asks).await?;
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        super::told(&context, &colleague, "patient.list").await?;
        let asked = Asked::of(&negotiate::pairs(uri.query()));
        let snapshot = app.onboarding.get(&app.emr).await?;
        let pids = onboarding::everybody(&app.emr, &snapshot, &asked.filter()).await?;
        let request = id.0.clone();
        let language = Reader::of((&Method::GET, &uri), &headers).language;
        let from = (app.clone(), snapshot, pids, 0_usize);
        let lines = stream::unfold(from, move |(app, snapshot, pids, at)| {
            let request = request.clone();
            async move {
                if at > pids.len() {
                    return None;
                }
                let some: Vec<i64> = pids.iter().skip(at).take(STRIDE).copied().collect();
                let text = match piece(&app, (&request, language), &snapshot, &some).await {
                    Ok(text) if at == 0 => Ok(format!("{}{}{text}", csv::MARK, head(language))),
                    Ok(text) => Ok(text),
                    // What was sent cannot be taken back: the connection breaks, and nobody takes the table for whole.
                    Err(_) => Err(std::io::Error::other("the list broke off")),
                };
                let next = match (some.is_empty(), &text) {
                    (false, Ok(_)) => at + STRIDE,
                    _ => usize::MAX,
                };
                Some((text, (app, snapshot, pids, next)))
            }
        });
        let name = "attachment; filename=\"onboarding.csv\"";
        Ok(csv::file(name, Body::from_stream(lines)))
    }
    .await;
    door::shown(&app, &id, shown)
}

fn head(language: Language) -> String {
    csv::row(&HEADS.map(|text| words::said(language, text).into_owned()))
}

async fn piece(
    app: &App,
    (id, language): (&str, Language),
    snapshot: &Snapshot,
    pids: &[i64],
) -> Answer<String> {
    let said = |text: &'static str| words::said(language, text);
    let base = app.config.fhir_base();
    let context = context(app, &base, id);
    let post = mail::post(&app.emr, &app.config.notify).await?;
    let mut text = String::new();
    for one in onboarding::standings(&app.emr, snapshot, pids).await? {
        let missing = rows::missing(&context, &one, post).await?;
        let missing: Vec<_> = missing.into_iter().map(said).collect();
        let invited = one.remembered.invited.map(|at| {
            let at = crate::domain::accounts::instant(at);
            date_text(app.emr.zone.wall(at).date())
        });
        let cells = [
            one.person.pid.to_string(),
            one.last.clone(),
            one.first.clone(),
            one.born.map(date_text).unwrap_or_default(),
            said(rows::pill(one.state(true)).1).into_owned(),
            missing.join("; "),
            one.address().to_owned(),
            match one.sharing {
                0 => String::new(),
                others => others.to_string(),
            },
            invited.unwrap_or_default(),
        ];
        text.push_str(&csv::row(&cells));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_in_the_readers_language() {
        assert_eq!(
            head(Language::English),
            "Number,Last name,First name,Born,Account,Missing,E-mail,Shared with,Invited\r\n"
        );
        for english in HEADS {
            assert!(words::knows(english), "{english}");
        }
        assert!(head(Language::Spanish).contains("Compartido con"));
    }
}
