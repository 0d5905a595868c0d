//! `/staff/onboarding.csv`: the list as a table for a spreadsheet, written as it is read.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;
use futures_util::stream;

use crate::auth::desk;
use crate::db::sql::date_text;
use crate::domain::access::Right;
use crate::domain::refusal::Answer;
use crate::emr::onboarding;
use crate::emr::onboarding::STRIDE;
use crate::emr::onboarding::Snapshot;
use crate::http::App;
use crate::http::forms;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::onboarding::Asked;
use crate::http::onboarding::rows;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::staff::member;
use crate::mail;

/// The first line. A mark before it tells spreadsheets that this is UTF-8.
const HEAD: &str =
    "\u{feff}number,last name,first name,born,status,missing,e-mail,shared with,invited\r\n";

/// `GET /staff/onboarding.csv`
pub async fn table(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Answer<Response> = async {
        let Some((colleague, _)) = member(&app, &id, &headers).await? else {
            return Ok(forms::log_in_first(&app, &id, super::HERE, &headers).await);
        };
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        desk::need(&context, &colleague, Right::Portal).await?;
        super::told(&context, &colleague, "patient.list").await?;
        let asked = Asked::of(&negotiate::pairs(query.as_deref()));
        let snapshot = app.onboarding.get(&app.emr).await?;
        let pids = onboarding::everybody(&app.emr, &snapshot, &asked.filter()).await?;
        let request = id.0.clone();
        let from = (app.clone(), snapshot, pids, 0_usize);
        let lines = stream::unfold(from, move |(app, snapshot, pids, at)| {
            let request = request.clone();
            async move {
                if at > pids.len() {
                    return None;
                }
                let some: Vec<i64> = pids.iter().skip(at).take(STRIDE).copied().collect();
                let text = match piece(&app, (&request, &snapshot), &some).await {
                    Ok(text) if at == 0 => Ok(format!("{HEAD}{text}")),
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
        let mut response = Body::from_stream(lines).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
        headers.insert(CONTENT_TYPE, kind);
        let name = HeaderValue::from_static("attachment; filename=\"onboarding.csv\"");
        headers.insert(CONTENT_DISPOSITION, name);
        Ok(response)
    }
    .await;
    shown.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

async fn piece(app: &App, (id, snapshot): (&str, &Snapshot), pids: &[i64]) -> Answer<String> {
    let base = app.config.fhir_base();
    let context = context(app, &base, id);
    let post = mail::post(&app.emr, &app.config.notify).await?;
    let mut text = String::new();
    for one in onboarding::standings(&app.emr, snapshot, pids).await? {
        let missing = rows::missing(&context, &one, post).await?;
        let invited = one.remembered.invited.map(|at| {
            let at = crate::domain::accounts::instant(at);
            date_text(app.emr.zone.wall(at).date())
        });
        let cells = [
            one.person.pid.to_string(),
            one.last.clone(),
            one.first.clone(),
            one.born.map(date_text).unwrap_or_default(),
            one.state(true).code().0.to_owned(),
            missing.join("; "),
            one.address().to_owned(),
            match one.sharing {
                0 => String::new(),
                others => others.to_string(),
            },
            invited.unwrap_or_default(),
        ];
        let cells: Vec<String> = cells.iter().map(|one| cell(one)).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    Ok(text)
}

/// A cell in quotes where it needs them. A spreadsheet takes what begins with one of these marks for a formula, so that a
/// name could do things: an apostrophe makes it text.
fn cell(text: &str) -> String {
    let formula = text.trim_start().starts_with(['=', '+', '-', '@'])
        || text.starts_with(['\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let text = match formula {
        true => format!("'{text}"),
        false => text.to_owned(),
    };
    match formula || text.contains([',', ';', '"', '\r', '\n', '\t']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (text, expected) in [
            ("Moreno", "Moreno"),
            ("O\"Brien, Jr", "\"O\"\"Brien, Jr\""),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            (" =HYPERLINK(\"x\")", "\"' =HYPERLINK(\"\"x\"\")\""),
            ("\t=1", "\"'\t=1\""),
            ("＝1", "\"'＝1\""),
            ("", ""),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }
}
