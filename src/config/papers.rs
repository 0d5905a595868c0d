//! The settings of documents: which of them patients see, and who looks for viruses in what is sent.

use std::path::PathBuf;

/// Which documents of a chart its patient sees, where staff said nothing about one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// All, as in OpenEMR's own portal.
    All,
    /// None but what the patient sent or signed.
    Chosen,
}

/// Where ClamAV's daemon listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clamd {
    /// At a socket on this machine.
    Unix(PathBuf),
    /// At `host:port`.
    Tcp(String),
}

/// What is done with documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Papers {
    /// What patients see.
    pub shared: Shared,
    /// Who looks for viruses; `None` where nobody does.
    pub clamd: Option<Clamd>,
}

impl Default for Papers {
    fn default() -> Self {
        Self {
            shared: Shared::All,
            clamd: None,
        }
    }
}

/// Reads the settings of documents.
///
/// # Errors
/// One sentence that names the key.
pub(super) fn resolve<'t>(text: &impl Fn(&str) -> &'t str) -> Result<Papers, String> {
    Ok(Papers {
        shared: match text("documents_shared") {
            "all" => Shared::All,
            "chosen" => Shared::Chosen,
            other => {
                return Err(format!(
                    "documents_shared = \"{other}\" is none of all and chosen"
                ));
            }
        },
        clamd: clamd(text("clamd"))?,
    })
}

fn clamd(text: &str) -> Result<Option<Clamd>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let path = text.strip_prefix("unix:").map(PathBuf::from);
    if let Some(path) = path.filter(|path| path.is_absolute()) {
        return Ok(Some(Clamd::Unix(path)));
    }
    let place = text.strip_prefix("tcp:").and_then(|place| {
        let (host, port) = place.rsplit_once(':')?;
        let port = port.parse::<u16>().ok().filter(|port| *port > 0);
        port.filter(|_| !host.is_empty()).map(|_| place.to_owned())
    });
    match place {
        Some(place) => Ok(Some(Clamd::Tcp(place))),
        None => Err(format!(
            "clamd = \"{text}\" is neither unix:/path/of/the/socket nor tcp:host:port"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clamd_is_a_socket_or_a_host_with_its_port() {
        let unix = Clamd::Unix(PathBuf::from("/run/clamav/clamd.ctl"));
        assert_eq!(clamd("unix:/run/clamav/clamd.ctl"), Ok(Some(unix)));
        let tcp = Clamd::Tcp("scanner.example:3310".to_owned());
        assert_eq!(clamd("tcp:scanner.example:3310"), Ok(Some(tcp)));
        assert_eq!(clamd(""), Ok(None));
        for wrong in [
            "clamd",
            "unix:clamd.ctl",
            "tcp:scanner",
            "tcp::3310",
            "tcp:scanner:0",
            "/run/clamd",
        ] {
            assert!(clamd(wrong).is_err(), "{wrong}");
        }
    }
}
