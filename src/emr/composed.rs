//! FHIR ids made of what they name, where OpenEMR has no uuid column and the thing is computed: an occurrence of a
//! series, a slot, a role. They can be turned back, so that a read looks at one row; a wrong one names nothing.

use uuid::Uuid;

/// What a composed id is of. The number is part of the id: never change one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One visit of a series: `pc_eid`, and days since 1970.
    Occurrence = 1,
    /// A provider's calendar: `users.id`.
    Schedule = 2,
    /// Time in it: `users.id` with the category above its 24 bits, minutes since 1970, and the length in minutes.
    Slot = 3,
    /// What a provider does: `users.id`.
    PractitionerRole = 4,
    /// A row of `onsite_portal_activity`.
    Activity = 5,
    /// A line of `anteroom_audit`.
    AuditEvent = 6,
    /// A panel: `users.id`, or 0 for all patients.
    Group = 7,
    /// A form in the Documents Center: `onsite_documents.id`.
    Form = 21,
    /// A template of one: `document_templates.id`.
    Template = 22,
}

/// The parts of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// A row's number, below 2^40.
    pub row: u64,
    /// A second number, such as a day or a minute since 1970, below 2^32.
    pub at: u32,
    /// A third, such as a length in minutes, below 2^10.
    pub extra: u16,
}

/// The id of these parts: a uuid of version 8 (RFC 9562, 5.8). Kind and checksum stand where a chance uuid of version 8
/// would hardly have them.
pub fn id(kind: Kind, parts: Parts) -> Uuid {
    let mut bytes = [0_u8; 16];
    bytes[0..5].copy_from_slice(&parts.row.to_be_bytes()[3..8]);
    bytes[5] = kind as u8;
    bytes[6] = 0x80;
    bytes[8] = 0x80 | u8::try_from(parts.extra >> 8 & 3).unwrap_or_default();
    bytes[9] = u8::try_from(parts.extra & 255).unwrap_or_default();
    bytes[10..14].copy_from_slice(&parts.at.to_be_bytes());
    let sum = checksum(&bytes);
    bytes[6] |= u8::try_from(sum >> 24 & 15).unwrap_or_default();
    bytes[7] = u8::try_from(sum >> 16 & 255).unwrap_or_default();
    bytes[14..16].copy_from_slice(&sum.to_be_bytes()[2..4]);
    Uuid::from_bytes(bytes)
}

/// The parts of an id of this kind; `None` for any other.
pub fn parts(kind: Kind, id: Uuid) -> Option<Parts> {
    let bytes = id.as_bytes();
    let mut row = [0_u8; 8];
    row[3..8].copy_from_slice(&bytes[0..5]);
    let at = [bytes[10], bytes[11], bytes[12], bytes[13]];
    let found = Parts {
        row: u64::from_be_bytes(row),
        at: u32::from_be_bytes(at),
        extra: u16::from(bytes[8] & 3) << 8 | u16::from(bytes[9]),
    };
    (self::id(kind, found) == id).then_some(found)
}

/// FNV-1a over the parts, 32 bits.
fn checksum(bytes: &[u8; 16]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, byte| {
        (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_and_other_kinds_do_not() {
        let parts = Parts {
            row: 123_456_789_012,
            at: 29_000_000,
            extra: 1_023,
        };
        let made = id(Kind::Slot, parts);
        assert_eq!(super::parts(Kind::Slot, made), Some(parts));
        assert_eq!(super::parts(Kind::Schedule, made), None);
        assert_eq!(made.get_version_num(), 8);
        assert_eq!(made.get_variant(), uuid::Variant::RFC4122);
    }

    #[test]
    fn no_byte_can_be_changed() {
        let parts = Parts {
            row: 7,
            at: 20_000,
            extra: 15,
        };
        let made = id(Kind::Occurrence, parts);
        for at in 0..16 {
            let mut bytes = *made.as_bytes();
            bytes[at] ^= 1;
            let changed = Uuid::from_bytes(bytes);
            assert_eq!(super::parts(Kind::Occurrence, changed), None, "byte {at}");
        }
    }

    #[test]
    fn chance_uuids_name_nothing() {
        for seed in 0..2_000_u128 {
            let chance = Uuid::new_v5(&Uuid::NAMESPACE_OID, &seed.to_be_bytes());
            assert_eq!(super::parts(Kind::Slot, chance), None);
        }
    }
}
