//! `anteroom check --isolation`: the operator's own proof, on the sandbox's practice.

use std::process::Command;

use crate::clinic::Clinic;

#[tokio::test]
async fn case_121_the_operator_can_prove_isolation_on_the_practices_own_data() {
    let clinic = Clinic::open().await;
    let done = Command::new(env!("CARGO_BIN_EXE_anteroom"))
        .args(["check", "--isolation", "--data"])
        .arg(clinic.folder())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let problem = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}{problem}");
    let rows: Vec<&str> = said.lines().skip(1).collect();
    assert_eq!(rows.len(), 8, "{said}");
    for row in rows {
        assert!(
            row.starts_with("ok ") && row.ends_with(", 0 leaked"),
            "{row}"
        );
    }
    // A proof for showing around: nobody's name is in it.
    for patient in &clinic.people.patients {
        let family = patient.name.rsplit(' ').next().expect("a name");
        assert!(!said.contains(family), "{said}");
    }
    clinic.close().await;
}
