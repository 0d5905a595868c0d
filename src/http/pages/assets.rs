//! The files that pages load: one stylesheet, one mark, the sample app's scripts.

/// A file served as it is.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// The whole path of its URL.
    pub path: &'static str,
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// Its content.
    pub body: &'static str,
}

/// Every file that a page may name.
pub const ASSETS: &[Asset] = &[
    css(
        "/assets/anteroom.css",
        include_str!("../assets/anteroom.css"),
    ),
    css("/assets/app.css", include_str!("../assets/app.css")),
    Asset {
        path: "/assets/mark.svg",
        content_type: "image/svg+xml",
        body: include_str!("../assets/mark.svg"),
    },
    script("/assets/desk.js", include_str!("../assets/desk.js")),
    script("/assets/sign.js", include_str!("../assets/sign.js")),
    script("/assets/send.js", include_str!("../assets/send.js")),
    script("/assets/app/main.js", include_str!("../assets/app/main.js")),
    script(
        "/assets/app/launch.js",
        include_str!("../assets/app/launch.js"),
    ),
    script("/assets/app/fhir.js", include_str!("../assets/app/fhir.js")),
    script(
        "/assets/app/words.js",
        include_str!("../assets/app/words.js"),
    ),
    script(
        "/assets/app/visits.js",
        include_str!("../assets/app/visits.js"),
    ),
    script("/assets/app/mail.js", include_str!("../assets/app/mail.js")),
    script(
        "/assets/app/teaching.js",
        include_str!("../assets/app/teaching.js"),
    ),
];

const fn css(path: &'static str, body: &'static str) -> Asset {
    Asset {
        path,
        content_type: "text/css; charset=utf-8",
        body,
    }
}

const fn script(path: &'static str, body: &'static str) -> Asset {
    Asset {
        path,
        content_type: "text/javascript; charset=utf-8",
        body,
    }
}
