//! Every setting there is: the example file, the README and `Config` are made of this table.

/// One setting: its key in the file, its default, and what it is for. In the environment it is
/// `ANTEROOM_` and the key in capitals.
pub struct Setting {
    /// The key.
    pub key: &'static str,
    /// The value where none is given; empty means not set.
    pub default: &'static str,
    /// One sentence.
    pub about: &'static str,
}

/// Every setting there is.
pub const SETTINGS: [Setting; 56] = [
    Setting {
        key: "listen",
        default: "127.0.0.1:8080",
        about: "Address and port to listen on. TLS is the reverse proxy's work.",
    },
    Setting {
        key: "public_url",
        default: "http://127.0.0.1:8080",
        about: "How the world reaches this server, without a slash at the end: the OAuth issuer. https outside a sandbox.",
    },
    Setting {
        key: "database_url",
        default: "",
        about: "mysql://user:password@host:3306/openemr, the practice's own OpenEMR database.",
    },
    Setting {
        key: "documents",
        default: "",
        about: "OpenEMR's folder sites/<site>/documents, readable by this process. Without it documents have no content.",
    },
    Setting {
        key: "zone",
        default: "UTC",
        about: "The practice's IANA time zone, used where OpenEMR's gbl_time_zone is empty (then it is that of php.ini).",
    },
    Setting {
        key: "cancel_notice_hours",
        default: "0",
        about: "How many hours before a visit a patient may still cancel it. 0 is OpenEMR's own rule: until it begins.",
    },
    Setting {
        key: "booking_notice_hours",
        default: "0",
        about: "How many hours before a visit a patient must ask for it. 0: until it begins.",
    },
    Setting {
        key: "booking_ahead_days",
        default: "365",
        about: "How many days ahead a patient may ask for a visit: 1 to 730.",
    },
    Setting {
        key: "booking_open_requests",
        default: "0",
        about: "How many requests of one patient may wait for the practice's answer at once. 0: any number.",
    },
    Setting {
        key: "booking_hold_minutes",
        default: "5",
        about: "For how many minutes a time is kept for a patient who has chosen it and is about to ask: 1 to 60.",
    },
    Setting {
        key: "booking_confirm",
        default: "",
        about: "Calendar categories in which a patient's request is confirmed at once, by constant id or number, such as office_visit; or all. Empty: staff confirm each.",
    },
    Setting {
        key: "booking_cancelled_time",
        default: "blocks",
        about: "What a cancelled visit does to its time: blocks (until staff delete it, as in OpenEMR) or frees.",
    },
    Setting {
        key: "booking_open_end",
        default: "schedule",
        about: "When a day ends that no Out Of Office ends: schedule (OpenEMR's schedule_end) or midnight (as in OpenEMR's own search).",
    },
    Setting {
        key: "booking_letters",
        default: "yes",
        about: "Whether patients are told by letter what becomes of their visits, with an entry for their calendar: yes or no.",
    },
    Setting {
        key: "documents_shared",
        default: "all",
        about: "Which documents of the chart its patient sees: all (as in OpenEMR's own portal) or chosen (what staff shared, and what the patient sent or signed). Staff can take each one back.",
    },
    Setting {
        key: "clamd",
        default: "",
        about: "Where ClamAV's daemon looks through what is sent: unix:/run/clamav/clamd.ctl or tcp:host:3310. While it does not answer nothing is taken. Empty: nobody looks.",
    },
    Setting {
        key: "review_form",
        default: "review",
        about: "What becomes of a form a patient signed: review (staff look through it) or automatic (it is locked and filed in the chart at once).",
    },
    Setting {
        key: "review_profile",
        default: "review",
        about: "What becomes of a patient's changes to the profile: automatic (taken over at once), review (staff decide first) or forbidden.",
    },
    Setting {
        key: "review_coverage",
        default: "review",
        about: "The same for insurances that patients add or change: automatic, review or forbidden.",
    },
    Setting {
        key: "review_document",
        default: "review",
        about: "The same for documents that patients send: automatic, review or forbidden.",
    },
    Setting {
        key: "review_letters",
        default: "yes",
        about: "Whether a letter tells patients that a request of theirs was decided, without saying what: yes or no.",
    },
    Setting {
        key: "client_address_header",
        default: "",
        about: "Header in which your reverse proxy, and nobody else, puts the client's address, such as X-Real-IP. Empty: the connection's own.",
    },
    Setting {
        key: "help_phone",
        default: "",
        about: "Phone number patients are told to call when they cannot get in.",
    },
    Setting {
        key: "website",
        default: "",
        about: "The practice's public website, for the list apps choose practices from. Empty: public_url.",
    },
    Setting {
        key: "app_registration",
        default: "approval",
        about: "Who may register apps over the network: open (apps for patients at once, others wait for staff), approval (all wait) or off.",
    },
    Setting {
        key: "key_rotation_days",
        default: "90",
        about: "After how many days a new signing key takes over. 0: only when somebody runs anteroom keys rotate.",
    },
    Setting {
        key: "staff_idp_issuer",
        default: "",
        about: "Issuer of the practice's identity provider, where staff log in. Empty: staff use their OpenEMR passwords.",
    },
    Setting {
        key: "staff_idp_client_id",
        default: "",
        about: "This server's client_id at the identity provider. Its redirect address there is public_url/login/staff/callback.",
    },
    Setting {
        key: "staff_idp_client_secret",
        default: "",
        about: "This server's secret at the identity provider. Better in the environment than in a file.",
    },
    Setting {
        key: "staff_idp_claim",
        default: "email",
        about: "The claim that says which OpenEMR user somebody is: email (then it must be verified), or a claim with the user name, such as preferred_username.",
    },
    Setting {
        key: "staff_idp_acr",
        default: "",
        about: "The acr the identity provider must have reached, such as one that means a second factor. Empty: any.",
    },
    Setting {
        key: "notify_transport",
        default: "off",
        about: "How letters to patients leave: smtp, files (into mail_folder, for a sandbox) or off.",
    },
    Setting {
        key: "notify_sender",
        default: "",
        about: "Address letters come from; it may be one nobody reads. Empty: OpenEMR's patient_reminder_sender_email.",
    },
    Setting {
        key: "notify_reply_to",
        default: "",
        about: "Address replies go to. Empty: the sender's.",
    },
    Setting {
        key: "notify_smtp_host",
        default: "",
        about: "The mail server. A mailbox for the portal alone is advised.",
    },
    Setting {
        key: "notify_smtp_port",
        default: "587",
        about: "Its port: 587 with starttls, 465 with tls.",
    },
    Setting {
        key: "notify_smtp_user",
        default: "",
        about: "Who logs in there. Empty: nobody does.",
    },
    Setting {
        key: "notify_smtp_password",
        default: "",
        about: "The password there; a Google mailbox wants an app password. Better in the environment than in a file.",
    },
    Setting {
        key: "notify_smtp_tls",
        default: "starttls",
        about: "How the connection is protected: starttls, tls (from the first byte) or none (a server on this machine).",
    },
    Setting {
        key: "notify_smtp_ca",
        default: "",
        about: "File with the certificate (PEM) of the authority the mail server's certificate comes from, where it is none the system knows.",
    },
    Setting {
        key: "notify_on_reset",
        default: "yes",
        about: "Whether a letter to the trusted address says that credentials were changed by staff: yes or no.",
    },
    Setting {
        key: "message_letters",
        default: "yes",
        about: "Whether a letter tells patients that there is a message, or a form to be signed, and nothing of it: yes or no.",
    },
    Setting {
        key: "letters",
        default: "",
        about: "Folder with the practice's own wording of letters, such as reset.en.txt; anteroom letters prints ours to begin with.",
    },
    Setting {
        key: "activation_requires",
        default: "home-phone zip email trusted-email",
        about: "What a chart must have before credentials are made: any of home-phone, zip, email, trusted-email.",
    },
    Setting {
        key: "activation_auto_enable",
        default: "no",
        about: "Whether a chart that staff open has portal access at once, without further confirmation: yes or no.",
    },
    Setting {
        key: "username_strategy",
        default: "openemr",
        about: "How login names are proposed: email, email-number (the part before the @ and a number), name (first name, last name, number), or openemr (as its setting use_email_for_portal_username says).",
    },
    Setting {
        key: "password_minimum",
        default: "12",
        about: "Fewest characters of a patient's password: 8 to 64.",
    },
    Setting {
        key: "reset_self_service",
        default: "openemr",
        about: "Whether patients reset a lost password themselves: on, off, or openemr (as its setting portal_two_pass_reset says).",
    },
    Setting {
        key: "reset_link",
        default: "after-failure",
        about: "When the login page offers the reset: after-failure (once a login went wrong) or always.",
    },
    Setting {
        key: "invite_factor",
        default: "birth-date",
        about: "What an invitation asks for beside its link: birth-date, pin (read out by staff) or none.",
    },
    Setting {
        key: "invite_again_hours",
        default: "24",
        about: "For how many hours a patient who was invited is passed over by further batches.",
    },
    Setting {
        key: "force_reset_revoke_tokens",
        default: "no",
        about: "Whether a forced reset of everybody also ends what apps may do: yes or no.",
    },
    Setting {
        key: "register_self",
        default: "openemr",
        about: "Whether new patients register themselves: on, off, or openemr (as its setting portal_onsite_two_register says).",
    },
    Setting {
        key: "register_approval",
        default: "email",
        about: "What lets somebody in who registered: email (the confirmed address), staff (who look at it) or both.",
    },
    Setting {
        key: "email_change_hold_hours",
        default: "72",
        about: "For how many hours a changed e-mail address gets no reset links, and the old one can undo the change.",
    },
    Setting {
        key: "login_banner",
        default: "",
        about: "A sentence on the login page, such as what has changed. Empty: none.",
    },
];
