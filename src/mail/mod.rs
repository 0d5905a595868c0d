//! Letters: whether they can leave, what they say, and how they go (`lettre`).

use crate::config::notify::Notify;
use crate::config::notify::Transport;
use crate::domain::accounts::Post;
use crate::domain::refusal::Answer;
use crate::emr::Emr;

/// The address letters come from: the setting, else OpenEMR's own (F012, F049).
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn sender(emr: &Emr, notify: &Notify) -> Answer<Option<String>> {
    let practice = emr.practice().await?;
    let own = practice.globals.text("patient_reminder_sender_email");
    let address = match notify.sender.trim() {
        "" => own.trim(),
        address => address,
    };
    Ok(Some(address.to_owned()).filter(|address| !address.is_empty()))
}

/// Whether letters can leave.
///
/// # Errors
/// As [`sender`].
pub async fn post(emr: &Emr, notify: &Notify) -> Answer<Post> {
    if notify.transport == Transport::Off {
        return Ok(Post::NoTransport);
    }
    Ok(match sender(emr, notify).await? {
        Some(_) => Post::Ready,
        None => Post::NoSender,
    })
}
