//! How a request comes in: judged, stored, and sent to the page it is at.

use openidconnect::core::CoreAuthErrorResponseType;

use crate::auth::Context;
use crate::auth::authorize::Begin;
use crate::auth::authorize::Problem;
use crate::auth::authorize::attached;
use crate::auth::authorize::audience;
use crate::auth::authorize::may_go_on;
use crate::auth::authorize::may_use;
use crate::auth::client;
use crate::auth::consent;
use crate::auth::hint;
use crate::auth::login;
use crate::auth::oauth_error;
use crate::auth::request;
use crate::auth::request::Params;
use crate::auth::request::Prompt;
use crate::auth::request::Request;
use crate::auth::request::Wrong;
use crate::auth::session;
use crate::auth::session::Visitor;
use crate::auth::who::Audience;
use crate::auth::who::Who;
use crate::crypto;
use crate::domain::refusal::Answer;
use crate::domain::scope::Scope;
use crate::domain::scope::Word;
use crate::store::authorizations;
use crate::store::authorizations::Asked;
use crate::store::authorizations::Launched;
use crate::store::authorizations::Stage;
use crate::store::clients;
use crate::store::clients::Client;
use crate::store::launches;
use crate::store::ledger::Outcome;
use crate::store::sessions::Session;

/// Begins an authorization request.
///
/// # Errors
/// As [`crate::db::Db::run`].
pub async fn begin(context: &Context<'_>, params: &Params, visitor: Visitor<'_>) -> Answer<Begin> {
    let (client, redirect_uri) = match addressee(context, params).await? {
        Ok(found) => found,
        Err(problem) => {
            refused(context, "", "unknown-app").await?;
            return Ok(Begin::Page(problem));
        }
    };
    if !login::portal_is_on(context).await? {
        return Ok(Begin::Page(Problem::PortalOff));
    }
    let judged = request::judge(params, &client, context.fhir_base).and_then(|request| {
        let hinted = hint::hinted(context, params, &client)?;
        Ok(Request { hinted, ..request })
    });
    let begun = match judged {
        Err(wrong) => Err(wrong),
        Ok(request) => proceed(context, &client, redirect_uri, (request, visitor)).await?,
    };
    match begun {
        Ok(begin) => Ok(begin),
        Err(wrong) => {
            let reason = format!("{}: {}", wrong.error.as_ref(), wrong.description);
            refused(context, &client.client_id, &reason).await?;
            let state = request::state(params);
            let described = oauth_error::plain(&wrong.description);
            let mut pairs = vec![
                ("error", wrong.error.as_ref()),
                ("error_description", described.as_str()),
            ];
            pairs.extend(state.map(|state| ("state", state)));
            pairs.push(("iss", context.issuer));
            Ok(Begin::Redirect(request::answer_address(
                redirect_uri,
                &pairs,
            )))
        }
    }
}

/// Begins a visit to a page of our own, by its path, that only somebody who is logged in may see.
///
/// # Errors
/// As [`crate::db::Db::run`].
pub async fn visit(context: &Context<'_>, path: &str, visitor: Visitor<'_>) -> Answer<Begin> {
    let asked = Asked {
        id: context.entropy.token()?,
        visitor_hash: crypto::fingerprint(visitor.token),
        redirect_uri: path.to_owned(),
        ..Asked::default()
    };
    store(context, &asked, None).await?;
    let audience = audience(&asked);
    Ok(Begin::Login(asked.id, audience))
}

/// App and redirect address, where both are registered and each was given once.
async fn addressee<'p>(
    context: &Context<'_>,
    params: &'p Params,
) -> Answer<Result<(Client, &'p str), Problem>> {
    let id = request::one(params, "client_id").unwrap_or_default();
    let redirect_uri = request::one(params, "redirect_uri").unwrap_or_default();
    let (Some(id), Some(redirect_uri)) = (id, redirect_uri) else {
        return Ok(Err(Problem::UnknownApp));
    };
    let client = clients::find(&context.emr.db, id).await?;
    let client = client
        .filter(|client| client.disabled.is_none() && client::may_redirect(client, redirect_uri));
    Ok(match client {
        None => Err(Problem::UnknownApp),
        Some(client) if client.waits => Err(Problem::Waits),
        Some(client) => Ok((client, redirect_uri)),
    })
}

/// Stores a good request and says which page comes first.
async fn proceed(
    context: &Context<'_>,
    client: &Client,
    redirect_uri: &str,
    (request, visitor): (Request, Visitor<'_>),
) -> Answer<Result<Begin, Wrong>> {
    let launch = match launched(context, client, &request).await? {
        Ok(launch) => launch,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let asked = Asked {
        id: context.entropy.token()?,
        visitor_hash: crypto::fingerprint(visitor.token),
        client_id: Some(client.client_id.clone()),
        redirect_uri: redirect_uri.to_owned(),
        scope: Scope::join(&request.scopes),
        dropped: request.dropped.join(" "),
        state: request.state.clone(),
        nonce: request.nonce.clone(),
        challenge: request.challenge.clone(),
        login_hint: request.login_hint.clone(),
        anew: matches!(request.prompt, Prompt::Fresh(_)) || !request.acr_values.is_empty(),
        launch,
    };
    let current = somebody(context, (client, &asked), visitor).await?;
    let now = context.seconds();
    let current = current.filter(|(session, _)| match request.prompt {
        Prompt::Fresh(seconds) | Prompt::None(Some(seconds)) => now - session.auth_time < seconds,
        Prompt::Any | Prompt::None(None) => true,
    });
    // What the app asks of the login and the session does not have is made good by a new one.
    let current = current.filter(|(session, _)| {
        request.acr_values.is_empty() || request.acr_values.contains(&session.acr)
    });
    if let Prompt::None(_) = request.prompt {
        return silently(context, client, (&asked, &request), current).await;
    }
    let spent = request.launch.as_deref().map(crypto::fingerprint);
    if let Some(hash) = spent
        && !spend(context, &hash, &client.client_id).await?
    {
        return Ok(Err(unknown_launch()));
    }
    store(context, &asked, current.as_ref()).await?;
    Ok(Ok(match current {
        Some(_) => Begin::Go(asked.id),
        None => {
            let audience = audience(&asked);
            Begin::Login(asked.id, audience)
        }
    }))
}

/// Whoever is logged in in this browser and may go on with the request: the audience it is for comes first.
async fn somebody(
    context: &Context<'_>,
    (client, asked): (&Client, &Asked),
    visitor: Visitor<'_>,
) -> Answer<Option<(Session, Who)>> {
    let order = match audience(asked) {
        Audience::Staff => [Audience::Staff, Audience::Patient],
        Audience::Patient => [Audience::Patient, Audience::Staff],
    };
    for audience in order {
        let current = session::current(context, visitor, audience).await?;
        let fits =
            current.filter(|(_, who)| may_go_on(asked, who) && may_use(context, client, who));
        if fits.is_some() {
            return Ok(fits);
        }
    }
    Ok(None)
}

/// `prompt=none`: a code where the user is logged in and has given this app all of this before, and no page in any
/// case (OpenID Connect Core, 3.1.2.1).
async fn silently(
    context: &Context<'_>,
    client: &Client,
    (asked, request): (&Asked, &Request),
    current: Option<(Session, Who)>,
) -> Answer<Result<Begin, Wrong>> {
    let wrong = |error, description: &str| {
        Ok(Err(Wrong {
            error,
            description: description.to_owned(),
        }))
    };
    let Some((session, who)) = current else {
        return wrong(
            CoreAuthErrorResponseType::LoginRequired,
            "the user is not logged in, or not as the app asks with max_age and acr_values",
        );
    };
    let other = request
        .hinted
        .as_ref()
        .is_some_and(|subject| *subject != who.uuid().to_string());
    if other {
        return wrong(
            CoreAuthErrorResponseType::LoginRequired,
            "somebody else is logged in than id_token_hint names",
        );
    }
    let launch = request.launch.as_deref().map(crypto::fingerprint);
    match consent::again(context, client, (asked, launch), (&who, &session)).await? {
        Some(url) => Ok(Ok(Begin::Redirect(url))),
        None => wrong(
            CoreAuthErrorResponseType::ConsentRequired,
            "the user has to be asked",
        ),
    }
}

/// The context of an EHR launch, where the app brings one; only with the scope `launch` does it count.
async fn launched(
    context: &Context<'_>,
    client: &Client,
    request: &Request,
) -> Answer<Result<Launched, Wrong>> {
    let asks = Scope::has(&request.scopes, &Word::Launch);
    match (&request.launch, asks) {
        (None, false) => Ok(Ok(Launched::default())),
        (None, true) => Ok(Err(request::invalid(
            "the scope launch goes with the parameter launch, as the EHR gave it",
        ))),
        (Some(_), false) => Ok(Err(request::invalid(
            "the parameter launch goes with the scope launch",
        ))),
        (Some(token), true) => {
            let hash = crypto::fingerprint(token);
            let db = &context.emr.db;
            let found = launches::find(db, &hash, &client.client_id, context.seconds()).await?;
            Ok(found.ok_or_else(unknown_launch))
        }
    }
}

fn unknown_launch() -> Wrong {
    request::invalid("launch is unknown, has ended, was used, or was made for another app")
}

async fn spend(context: &Context<'_>, hash: &str, client_id: &str) -> Answer<bool> {
    let now = context.seconds();
    context
        .emr
        .db
        .transaction(|tx| {
            let (hash, client_id) = (hash.to_owned(), client_id.to_owned());
            Box::pin(async move { launches::claim(tx, &hash, &client_id, now).await })
        })
        .await
}

async fn store(
    context: &Context<'_>,
    asked: &Asked,
    current: Option<&(Session, Who)>,
) -> Answer<()> {
    let now = context.seconds();
    let stage = match current {
        Some((session, _)) => Stage::In(attached(session), session.session_hash.clone()),
        None => Stage::Login,
    };
    context
        .emr
        .db
        .transaction(|tx| {
            let (asked, stage) = (asked.clone(), stage.clone());
            Box::pin(async move {
                authorizations::add(tx, &asked, now).await?;
                authorizations::attach(tx, &asked.id, &stage, now).await
            })
        })
        .await
        .map(|_| ())
}

async fn refused(context: &Context<'_>, client_id: &str, reason: &str) -> Answer<()> {
    let mut entry = context.entry("authorize", Outcome::Refused);
    entry.client_id = client_id.to_owned();
    entry.reason = reason.to_owned();
    login::record(context, entry).await
}
