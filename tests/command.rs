//! The command line as a stranger meets it: one sentence naming the thing and what to do, exit 1, nothing half made.

use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use crate::clinic::engine;

fn anteroom(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anteroom"));
    command.env_clear().args(arguments);
    command.envs(environment.iter().copied());
    command.output().expect("the program starts")
}

fn refused(arguments: &[&str], environment: &[(&str, &str)], words: &[&str]) {
    let output = anteroom(arguments, environment);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    assert_eq!(said.trim_end().lines().count(), 1, "one sentence: {said}");
    for word in words {
        assert!(
            said.contains(word),
            "{arguments:?} should name {word}: {said}"
        );
    }
}

fn folder(name: &str) -> PathBuf {
    let folder =
        std::env::temp_dir().join(format!("anteroom-command-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}

#[test]
fn bad_settings_are_one_sentence() {
    let folder = folder("settings");
    let file = folder.join("anteroom.toml");
    let path = file.to_str().expect("a plain path");
    refused(
        &["serve", "--config", "/no/such/file.toml"],
        &[],
        &["/no/such/file.toml"],
    );
    for (text, word) in [
        ("listen = ", "TOML"),
        ("colour = \"red\"", "colour"),
        ("listen = \"nowhere\"", "listen"),
        ("public_url = \"ftp://x\"", "public_url"),
        ("documents = \"/no/such/folder\"", "documents"),
        ("listen = [1]", "listen"),
    ] {
        std::fs::write(&file, text).expect("written");
        refused(&["check", "--config", path], &[], &[word]);
    }
    std::fs::write(&file, "").expect("written");
    refused(
        &["serve", "--config", path],
        &[],
        &["database_url", "ANTEROOM_DATABASE_URL"],
    );
    refused(
        &["serve"],
        &[("ANTEROOM_DATABASE_URL", "postgres://x")],
        &["mysql://"],
    );
    refused(
        &["serve"],
        &[("ANTEROOM_DATABASE_URL", "mysql://u:secret@127.0.0.1:1/x")],
        &["database"],
    );
    refused(
        &["check", "--data", path.trim_end_matches("anteroom.toml")],
        &[],
        &["sandbox"],
    );
    std::fs::remove_dir_all(folder).expect("our own folder");
}

#[test]
fn a_password_is_never_printed() {
    let output = anteroom(
        &["serve"],
        &[("ANTEROOM_DATABASE_URL", "mysql://u:sEcReT@127.0.0.1:1/x")],
    );
    let all = [output.stdout, output.stderr].concat();
    assert!(!String::from_utf8_lossy(&all).contains("sEcReT"));
}

#[test]
fn a_database_that_is_not_openemr_is_told_as_that() {
    let Some(server) = engine::server() else {
        eprintln!("NOT RUN on MariaDB: ANTEROOM_TEST_MYSQL is not set; ./test sets it");
        return;
    };
    let other = format!("{server}/information_schema");
    refused(
        &["check"],
        &[("ANTEROOM_DATABASE_URL", &other)],
        &["table", "OpenEMR"],
    );
    let missing = format!("{server}/no_such_database");
    refused(
        &["check"],
        &[("ANTEROOM_DATABASE_URL", &missing)],
        &["no_such_database"],
    );
    let (scheme, rest) = server.split_once("://").expect("a URL");
    let (_, host) = rest.split_once('@').expect("an account");
    let wrong = format!("{scheme}://anteroom:wrong@{host}/x");
    refused(
        &["check"],
        &[("ANTEROOM_DATABASE_URL", &wrong)],
        &["password"],
    );
}

#[test]
fn every_command_has_help_and_the_example_is_complete() {
    for arguments in [
        &["--help"][..],
        &["demo", "--help"],
        &["serve", "--help"],
        &["migrate", "--help"],
        &["check", "--help"],
        &["seed", "--help"],
        &["client", "add", "--help"],
        &["client", "list", "--help"],
        &["client", "disable", "--help"],
        &["config", "example", "--help"],
        &["rules", "--help"],
    ] {
        let output = anteroom(arguments, &[]);
        assert!(output.status.success(), "{arguments:?}");
        assert!(
            String::from_utf8_lossy(&output.stdout).contains("Usage:"),
            "{arguments:?}"
        );
    }
    let example = anteroom(&["config", "example"], &[]);
    let example = String::from_utf8_lossy(&example.stdout).into_owned();
    let committed = include_str!("../anteroom.example.toml");
    assert_eq!(
        example, committed,
        "print it anew: anteroom config example > anteroom.example.toml"
    );
    let readme = include_str!("../README.md");
    for setting in anteroom::config::SETTINGS {
        assert!(
            readme.contains(&format!("| `{}` |", setting.key)),
            "README misses {}",
            setting.key
        );
    }
}

#[tokio::test]
async fn f056_a_test_letter_goes_out_at_once_and_the_answer_is_told() {
    let place = engine::sqlite().await;
    let data = place.folder.to_str().expect("a plain path");
    let wrong = anteroom(&["check", "--mail", "nobody", "--data", data], &[]);
    assert_eq!(wrong.status.code(), Some(1));
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(said.contains("is not one e-mail address"), "{said}");
    let sent = anteroom(
        &["check", "--mail", "ops@practice.example", "--data", data],
        &[],
    );
    let said = String::from_utf8_lossy(&sent.stderr);
    assert!(sent.status.success(), "{said}");
    let folder = place.documents.parent().expect("a folder").join("mail");
    let files = std::fs::read_dir(folder).expect("letters").flatten();
    let letters: Vec<String> = files
        .filter_map(|file| std::fs::read_to_string(file.path()).ok())
        .collect();
    assert!(
        letters
            .iter()
            .any(|letter| letter.contains("ops@practice.example")),
        "{letters:?}"
    );
    place.remove().await;
}
