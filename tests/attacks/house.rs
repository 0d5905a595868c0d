//! What is in the house itself: no secret in the repository, no account or key that everybody's server shares.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anteroom::auth::keys::Keys;
use anteroom::command::serve;
use anteroom::config;
use anteroom::crypto::SystemEntropy;
use anteroom::db::Db;

use crate::clinic::engine;

/// Folders that are made, not written.
const MADE: [&str; 2] = ["target", "node_modules"];

/// Every text file of the repository.
fn texts() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR"))];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().expect("a kind");
            match (kind.is_dir(), kind.is_file()) {
                (true, _) if !MADE.contains(&name.as_str()) && !name.starts_with('.') => {
                    open.push(path);
                }
                // What is no text, or very large, is data of the conformance suites.
                (_, true) if entry.metadata().is_ok_and(|meta| meta.len() < 2_000_000) => {
                    if let Ok(text) = fs::read_to_string(&path) {
                        found.push((path, text));
                    }
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn case_189_no_key_and_no_certificate_is_in_the_repository() {
    let headings = [
        "BEGIN PRIVATE KEY-----",
        "BEGIN RSA PRIVATE KEY-----",
        "BEGIN EC PRIVATE KEY-----",
        "BEGIN OPENSSH PRIVATE KEY-----",
        "BEGIN ENCRYPTED PRIVATE KEY-----",
        "BEGIN CERTIFICATE-----",
    ];
    // Beginnings of secrets, and how long they are. Written in halves so that this list does not find itself.
    let tokens = [
        (concat!("AK", "IA"), 16),
        (concat!("gh", "p_"), 30),
        (concat!("github", "_pat_"), 30),
        (concat!("xo", "xb-"), 20),
        (concat!("sk_", "live_"), 20),
    ];
    let run = |text: &str| {
        let secret = |letter: &char| letter.is_ascii_alphanumeric() || "+/=_-".contains(*letter);
        text.chars().take_while(secret).count()
    };
    let mut problems = Vec::new();
    let texts = texts();
    assert!(texts.len() > 300, "{}", texts.len());
    for (path, text) in &texts {
        for heading in headings {
            for rest in text.split(heading).skip(1) {
                // The heading alone is code that reads or writes keys; behind it in a key stands the key.
                let body = rest.trim_start_matches(['\\', 'n', 'r', '\n', '\r', ' ', '"']);
                if run(body) > 30 {
                    problems.push(format!("{}: {heading}", path.display()));
                }
            }
        }
        for (begin, length) in tokens {
            if text.split(begin).skip(1).any(|rest| run(rest) >= length) {
                problems.push(format!("{}: {begin}...", path.display()));
            }
        }
        let kind = path.extension().and_then(|kind| kind.to_str());
        if ["pem", "key", "p12", "pfx", "crt"].contains(&kind.unwrap_or_default()) {
            problems.push(format!("{} is a key file", path.display()));
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn case_189_no_setting_has_a_secret_as_its_default() {
    for setting in config::SETTINGS {
        let secret = ["secret", "password", "key", "database_url"];
        if secret.iter().any(|word| setting.key.ends_with(word)) {
            assert_eq!(setting.default, "", "{}", setting.key);
        }
    }
}

#[tokio::test]
async fn case_189_a_practice_begins_with_no_app_no_key_and_keys_of_its_own() {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("house-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let mut secrets = Vec::new();
    let mut pages = Vec::new();
    for name in ["one", "two"] {
        let url = format!("sqlite://{}", folder.join(format!("{name}.db")).display());
        let db = Db::open(&url, None).await.expect("it opens");
        db.migrate().await.expect("our tables");
        for sql in [
            "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_client",
            "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_key",
            "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_session",
            "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_grant",
            "SELECT CAST(COUNT(*) AS CHAR) AS text FROM users_secure",
            "SELECT CAST(COUNT(*) AS CHAR) AS text FROM patient_access_onsite",
        ] {
            assert_eq!(engine::look(&db, sql).await, "0", "{sql}");
        }
        let now = serve::system_clock()().unix_timestamp();
        let keys = Keys::load(&db, now, &SystemEntropy).await.expect("keys");
        secrets.push(
            engine::look(
                &db,
                "SELECT material AS text FROM anteroom_key WHERE kid LIKE 'sign%'",
            )
            .await,
        );
        pages.push(keys.page.clone());
        db.close().await;
    }
    assert!(!secrets[0].is_empty() && secrets[0] != secrets[1]);
    assert!(pages[0].len() >= 32 && pages[0] != pages[1]);
    fs::remove_dir_all(folder).expect("our own folder");
}
