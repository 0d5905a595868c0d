//! FHIR ids for rows of tables without a uuid column: name-based, the same on every replica and after every start.

use uuid::Uuid;

/// Version 5 of `https://anteroom.dev/emr` under the URL namespace.
const NAMESPACE: Uuid = Uuid::from_u128(0xffaa_bebf_6134_5ba6_bc60_2ca0_341a_097d);

/// The FHIR id of a row, from the name of its table and its number. It cannot be turned back: who looks for one
/// computes those of all rows it could be.
pub(super) fn named(table: &str, row: i64) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{table}/{row}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_the_same_everywhere() {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"https://anteroom.dev/emr");
        assert_eq!(NAMESPACE, namespace);
        let id = named("onsite_mail", 1).to_string();
        assert_eq!(id, "0ff58a8b-a22c-517a-837e-74e324d8ff0e");
        assert_ne!(named("onsite_mail", 1), named("documents", 1));
    }
}
