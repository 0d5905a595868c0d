//! `anteroom check`: every finding one line with what to do; exit 1 if something blocks.

use crate::command::letters;
use crate::command::serve;
use crate::config::Config;
use crate::emr::check;
use crate::emr::check::Finding;
use crate::emr::check::Level;
use crate::fetch::Fetch;
use crate::fetch::Inside;
use crate::fetch::Named;
use crate::fetch::Outgoing;
use crate::store::clients;
use crate::store::keys;
use crate::store::keys::Purpose;

/// Looks at everything and prints it.
///
/// # Errors
/// How many findings block, or why nothing could be looked at.
pub async fn run(config: Config) -> Result<(), String> {
    let mut findings = urls(&config);
    let emr = serve::look_at_emr(&config, serve::system_clock()).await?;
    findings.extend(check::findings(&emr).await.map_err(serve::said)?);
    findings.push(match keys::newest(&emr.db, Purpose::Sign).await {
        Err(_) => Finding::new(
            Level::Blocks,
            "tables",
            "Anteroom's own tables are not there: run anteroom migrate",
        ),
        Ok(None) => Finding::new(
            Level::Notice,
            "keys",
            "no signing key yet: the first anteroom serve makes one",
        ),
        Ok(Some(_)) => Finding::new(Level::Fine, "keys", "there is a key to sign with"),
    });
    if let Ok(apps) = clients::all(&emr.db).await {
        findings.push(match apps.len() {
            0 => Finding::new(
                Level::Notice,
                "apps",
                "no app is registered: anteroom client add",
            ),
            count => Finding::new(Level::Fine, "apps", format!("{count} registered")),
        });
        let waiting = apps
            .iter()
            .filter(|app| app.waits && app.disabled.is_none())
            .count();
        if waiting > 0 {
            let text =
                format!("{waiting} wait for approval: /staff/apps, or anteroom client approve");
            findings.push(Finding::new(Level::Notice, "apps", text));
        }
    }
    findings.extend(letters::findings(&config, &emr).await);
    findings.extend(staff_login(&config).await);
    emr.db.close().await;
    for finding in &findings {
        let mark = match finding.level {
            Level::Fine => "ok    ",
            Level::Notice => "notice",
            Level::Blocks => "BLOCKS",
        };
        println!("{mark}  {:<10} {}", finding.about, finding.text);
    }
    let blocking = findings
        .iter()
        .filter(|finding| finding.level == Level::Blocks)
        .count();
    match blocking {
        0 => Ok(()),
        count => Err(format!("{count} of {} findings block", findings.len())),
    }
}

/// How staff log in, and whether the identity provider answers, where there is one.
async fn staff_login(config: &Config) -> Option<Finding> {
    let Some(idp) = &config.staff_idp else {
        let text = "with OpenEMR's passwords; staff_idp_issuer names an identity provider";
        return Some(Finding::new(Level::Fine, "staff", text));
    };
    let issuer = idp.issuer.trim_end_matches('/');
    let address = format!("{issuer}/.well-known/openid-configuration");
    let fetch = Fetch::new(Inside::Closed).ok()?;
    let answer = fetch
        .send(&Outgoing::json(&address), Named::ByOperator)
        .await;
    let wrong = match answer {
        Err(fault) => fault.to_string(),
        Ok(answer) if answer.status != 200 => format!("it answered {}", answer.status),
        Ok(answer) => {
            let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            if told["issuer"] == idp.issuer.as_str() {
                let text = format!("log in at {}", idp.issuer);
                return Some(Finding::new(Level::Fine, "staff", text));
            }
            format!(
                "it calls itself {}: staff_idp_issuer must be exactly that",
                told["issuer"]
            )
        }
    };
    let text = format!("staff cannot log in: {address}: {wrong}");
    Some(Finding::new(Level::Blocks, "staff", text))
}

/// What can be said without the database.
fn urls(config: &Config) -> Vec<Finding> {
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        .iter()
        .any(|start| config.public_url.starts_with(start));
    vec![match (config.is_https(), local) {
        (true, _) => Finding::new(Level::Fine, "URL", config.public_url.clone()),
        (false, true) => Finding::new(
            Level::Notice,
            "URL",
            format!(
                "{} reaches this machine only: fine for trying, not for patients",
                config.public_url
            ),
        ),
        (false, false) => Finding::new(
            Level::Blocks,
            "URL",
            format!(
                "{} is not https, so passwords would travel readable: put a TLS proxy in front and set public_url",
                config.public_url
            ),
        ),
    }]
}
