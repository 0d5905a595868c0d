//! What the settings say of themselves, and of what is wrong with them.

use super::*;

fn environment(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn the_example_file_is_the_default_settings() {
    let path = std::env::temp_dir().join(format!("anteroom-example-{}.toml", std::process::id()));
    std::fs::write(&path, example()).expect("temporary file");
    let from_file = Config::load(Some(&path), &HashMap::new());
    std::fs::remove_file(&path).expect("temporary file");
    assert_eq!(from_file, Config::load(None, &HashMap::new()));
}

#[test]
fn the_environment_wins() {
    let config = Config::load(
        None,
        &environment(&[("ANTEROOM_ZONE", "Europe/Berlin"), ("ANTEROOM_OTHER", "x")]),
    );
    assert_eq!(
        config.map(|config| config.zone),
        Ok("Europe/Berlin".to_owned())
    );
}

#[test]
fn a_sandbox_takes_its_identity_provider_from_the_environment() {
    let config = || Config::load(None, &HashMap::new()).expect("defaults");
    let with = |issuer: &str| {
        config().with_staff_idp(&environment(&[
            ("ANTEROOM_STAFF_IDP_ISSUER", issuer),
            ("ANTEROOM_STAFF_IDP_CLIENT_ID", "anteroom"),
        ]))
    };
    assert_eq!(config().with_staff_idp(&HashMap::new()), Ok(config()));
    for good in [
        "https://idp.example/realms/a",
        "http://localhost:9000",
        "http://127.0.0.1/a",
    ] {
        let idp = with(good).expect(good).staff_idp.expect("a provider");
        assert_eq!((idp.issuer.as_str(), idp.claim.as_str()), (good, "email"));
    }
    for bad in [
        "http://idp.example",
        "http://localhost.evil.example",
        "http://127.0.0.1@evil.example",
    ] {
        let error = with(bad).expect_err(bad);
        assert!(error.starts_with("staff_idp_issuer"), "{error}");
    }
    let alone = environment(&[("ANTEROOM_STAFF_IDP_ISSUER", "https://idp.example")]);
    let error = config().with_staff_idp(&alone).expect_err("no client");
    assert!(error.starts_with("staff_idp_client_id"), "{error}");
}

#[test]
fn what_is_wrong_is_named_with_what_to_do() {
    for (key, value, said) in [
        ("ANTEROOM_LISTEN", "8080", "listen"),
        ("ANTEROOM_PUBLIC_URL", "https://a.example/", "public_url"),
        ("ANTEROOM_PUBLIC_URL", "portal", "public_url"),
        (
            "ANTEROOM_PUBLIC_URL",
            "https://Portal.example",
            "public_url",
        ),
        (
            "ANTEROOM_PUBLIC_URL",
            "https://portal.example:443",
            "public_url",
        ),
        ("ANTEROOM_CANCEL_NOTICE_HOURS", "-1", "cancel_notice_hours"),
        ("ANTEROOM_REVIEW_PROFILE", "no", "review_profile"),
        ("ANTEROOM_REVIEW_COVERAGE", "off", "review_coverage"),
        ("ANTEROOM_REVIEW_DOCUMENT", "", "review_document"),
        ("ANTEROOM_REVIEW_LETTERS", "maybe", "review_letters"),
        ("ANTEROOM_DOCUMENTS", "/no/such/folder", "documents"),
    ] {
        let error = Config::load(None, &environment(&[(key, value)])).expect_err(value);
        assert!(error.starts_with(said), "{error}");
    }
}
