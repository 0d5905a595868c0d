//! `/account/documents`: a patient's documents without an app: what there is, what waits, and sending one. What is sent here
//! goes the way of a file that an app posts, through the same rules.

pub mod listing;
pub mod records;
pub mod zipped;

use std::sync::Arc;

use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use crate::auth::csrf;
use crate::auth::session::Visitor;
use crate::domain::ResourceType;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr::Emr;
use crate::http::App;
use crate::http::binary;
use crate::http::binary::Shown;
use crate::http::binary::handed;
use crate::http::binary::handed::Handed;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::forms;
use crate::http::negotiate;
use crate::http::oauth::see_other;
use crate::http::pages::documents::Documents;
use crate::http::pages::documents::Row;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::sending;
use crate::http::sending::Came;
use crate::http::sending::Sent;
use crate::http::visits;
use crate::portal;
use crate::portal::document::LARGEST;
use crate::portal::document::Paper;
use crate::rest::Rest;
use crate::store::grants;

/// Where it is.
pub const HERE: &str = "/account/documents";

/// What was done, as the address says it, and the sentence on the page that follows.
const DONE: [(&str, &str); 1] = [(
    "sent",
    "The practice has your document. It is marked until somebody has looked at it.",
)];

/// What the rules say of a file that is too large, where it was not even received.
pub const TOO_LARGE: &str =
    "This file is larger than 20 MiB. Please send a smaller picture or fewer pages.";

/// Where no file was chosen.
pub const NO_FILE: &str = "Choose a file first.";

/// `GET /account/documents`
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let (account, visitor) = door::own(&app, &id, &headers, HERE).await?;
        let told = negotiate::done(query.as_deref(), &DONE);
        let said = Said {
            notice: told.map_or("", |(_, sentence)| sentence),
            errors: Vec::new(),
            query: query.as_deref(),
        };
        Ok(listed((&app, &id), (account.person, visitor), said).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /account/documents` with `ticket` and `file`.
pub async fn send(State(app): State<Arc<App>>, id: RequestId, request: Request) -> Response {
    let headers = request.headers().clone();
    let done: Result<Response, Away> = async {
        let token = forms::own_visitor(&app, &headers)
            .ok_or(forms::FOREIGN)?
            .token;
        forms::ours(&app, &headers)?;
        let (account, visitor) = door::own(&app, &id, &headers, HERE).await?;
        let came = sending::received(&app, token, request).await?;
        let grant = grants::at_home(account.person);
        let rest = fhir::rest(&app, &id, &grant);
        let refusal = match came {
            Came::TooLarge(_) => Refusal::TooLarge(TOO_LARGE),
            Came::Whole(sent) => match filed(&rest, account.person, *sent).await {
                Ok(_) => return Ok(see_other(&format!("{HERE}?done=sent"))),
                Err(Failure::Refused(refusal)) => refusal,
                Err(broken) => return Err(broken.into()),
            },
        };
        let said = Said {
            notice: "",
            errors: vec![reply::sentence(&refusal)],
            query: None,
        };
        let mut page = listed((&app, &id), (account.person, visitor), said).await?;
        *page.status_mut() = reply::status(&refusal);
        Ok(page)
    }
    .await;
    door::shown(&app, &id, done)
}

/// Files what a patient sent as a file that an app posts is filed. What a browser says about the kind of a file is what its
/// name ends with: the bytes say it themselves.
async fn filed(rest: &Rest<'_>, person: Person, sent: Sent) -> Answer<Uuid> {
    let (spool, bytes) = sent.file.ok_or_else(|| Refusal::invalid("file", NO_FILE))?;
    let paper = Paper {
        id: rest.new_id()?,
        patient: person.uuid,
        name: sent.name,
        declared: String::new(),
        category: None,
        bytes,
    };
    let handed = Handed {
        paper,
        spool: Some(spool),
        ticket: sent.form.text("ticket"),
    };
    handed::file(rest, handed).await
}

/// `GET /account/documents/{id}`: the document to save, or with `view=yes` to look at.
pub async fn one(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = path.and_then(|Path(asked)| Uuid::try_parse(&asked).ok());
    let shown: Result<Response, Away> = async {
        let back = asked.map_or_else(|| HERE.to_owned(), |asked| format!("{HERE}/{asked}"));
        let (account, _) = door::own(&app, &id, &headers, &back).await?;
        open(&app.emr).await?;
        let asked = asked.ok_or(Refusal::NotFound)?;
        let grant = grants::at_home(account.person);
        let rest = fhir::rest(&app, &id, &grant);
        let document = (account.person, asked);
        Ok(given((&app, &rest), document, (query.as_deref(), &headers)).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// The bytes of a document of this patient's chart, with the ledger's line of it.
///
/// # Errors
/// As [`binary::given`].
pub async fn given(
    (app, rest): (&App, &Rest<'_>),
    (person, document): (Person, Uuid),
    (query, headers): (Option<&str>, &HeaderMap),
) -> Answer<Response> {
    let view = negotiate::pairs(query)
        .iter()
        .any(|(name, value)| name == "view" && value == "yes");
    let reach = rest.grant.reach(ResourceType::Binary, Interaction::Read)?;
    let reach = reach.within(person).ok_or(Refusal::NotFound)?;
    let how = if view { Shown::Here } else { Shown::Saved };
    binary::given((app, rest), &reach, document, (how, headers)).await
}

/// While the portal is off nothing of the record is shown here, as to apps (F001).
///
/// # Errors
/// `Rules` with the one that says so.
pub async fn open(emr: &Emr) -> Answer<()> {
    match visits::shut(emr).await? {
        true => Err(Refusal::Rules(portal::account::portal_is_off()).into()),
        false => Ok(()),
    }
}

/// What the page says beside the documents.
struct Said<'a> {
    notice: &'static str,
    errors: Vec<String>,
    query: Option<&'a str>,
}

async fn listed(
    (app, id): (&App, &RequestId),
    (person, visitor): (Person, Visitor<'_>),
    said: Said<'_>,
) -> Answer<Response> {
    let grant = grants::at_home(person);
    let rest = fhir::rest(app, id, &grant);
    let closed = closed(&app.emr).await?;
    let after = listing::after(said.query);
    let later = after.is_some();
    let (found, next) = match visits::shut(&app.emr).await? {
        true => (Vec::new(), None),
        false => listing::found(app, &rest, (person, after)).await?,
    };
    let page = Documents {
        frame: reply::frame(app, "Your documents"),
        csrf: csrf::token(visitor.token),
        ticket: app.entropy.token()?,
        most: LARGEST,
        notice: said.notice,
        errors: said.errors,
        closed,
        phone: app.config.help_phone.clone(),
        documents: found.iter().map(row).collect(),
        older: next.map_or_else(String::new, |next| listing::address(HERE, &next)),
        later,
    };
    Ok(reply::html(StatusCode::OK, page))
}

fn row(found: &listing::Found) -> Row {
    let mut row = listing::row(found);
    if found.document.from_patient {
        "You".clone_into(&mut row.sender);
    }
    row
}

/// Why nothing can be sent: the rules' own sentence; empty where it can.
async fn closed(emr: &Emr) -> Answer<&'static str> {
    let practice = emr.practice().await?;
    let on = |name| practice.globals.on(name);
    Ok(
        match (on("portal_onsite_two_enable"), on("allow_portal_uploads")) {
            (false, _) => "The practice's portal is switched off. Please call the practice.",
            (true, false) => {
                "The practice takes no documents online. Please bring it to your visit."
            }
            (true, true) => "",
        },
    )
}
