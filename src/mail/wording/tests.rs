//! What every letter may never lack or hold, in every language, ours and a practice's own.

use std::path::PathBuf;

use super::*;

/// All letters in all languages.
fn all() -> impl Iterator<Item = (Letter, Language)> {
    let languages = |(_, letter): (&'static str, Letter)| Language::ALL.map(|one| (letter, one));
    Letter::ALL.into_iter().flat_map(languages)
}

fn facts(letter: Letter, language: Language) -> Facts {
    Facts {
        name: "Ana".to_owned(),
        ..sample(letter, language)
    }
}

fn ours(facts: &Facts) -> Written {
    let (written, broken) = write(None, facts).expect("ours is whole");
    assert_eq!(broken, None);
    written
}

/// The words of a page's body, without its letterhead.
fn words(html: &str) -> Vec<String> {
    let body = html.split("</h1>").nth(1).expect("a letterhead");
    let mut text = String::new();
    let mut inside = false;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            c if !inside => text.push(c),
            _ => {}
        }
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    let text = text.replace("&#x27;", "'").replace("&quot;", "\"");
    said(&text.replace("&amp;", "&"))
}

/// Words without the colon that stands before an address in text and not on a button.
fn said(text: &str) -> Vec<String> {
    let words = text.split_whitespace();
    words
        .map(|word| word.trim_end_matches(':').to_owned())
        .collect()
}

#[test]
fn case_179_text_and_html_say_the_same() {
    for (letter, language) in all() {
        let written = ours(&facts(letter, language));
        assert_eq!(
            said(&written.text),
            words(&written.html),
            "{letter:?} {language:?}"
        );
    }
}

#[test]
fn case_179_a_letter_has_one_link_at_most_and_it_is_ours() {
    for (letter, language) in all() {
        let facts = facts(letter, language);
        let written = ours(&facts);
        let expected = usize::from(carries_link(letter));
        assert_eq!(written.text.matches("://").count(), expected, "{letter:?}");
        let addresses: Vec<&str> = written
            .html
            .split("href=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        let wanted = vec![facts.link.as_str(); expected];
        assert_eq!(addresses, wanted, "{letter:?}");
        assert_eq!(written.html.matches("://").count(), 2 * expected);
        for word in ["<img", "src=", "<script", "<link", "url(", "@import"] {
            assert!(!written.html.contains(word), "{letter:?}: {word}");
        }
    }
}

#[test]
fn f057_case_179_nothing_secret_and_nothing_of_the_record_can_get_into_a_letter() {
    let folder = folder("secrets");
    for (letter, language) in all() {
        let name = format!("{}.{}.txt", letter.name(), language.tag());
        let asks =
            "{{ password }}{{ username }}{{ pin }}{{ diagnosis }}{{ reason }}{{ last_name }}";
        std::fs::write(
            folder.join(&name),
            format!("Subject: x\n\n{asks}{{{{ link }}}}\n"),
        )
        .expect("written");
        // A template that asks for what is not there is broken, and ours is sent.
        let (written, broken) = write(Some(&folder), &facts(letter, language)).expect("ours");
        assert!(broken.expect("told").contains(&name));
        assert!(written.subject.contains("Elm Street Clinic"), "{letter:?}");
        // No name in the subject, not even the first.
        assert!(!written.subject.contains("Ana"), "{}", written.subject);
    }
    std::fs::remove_dir_all(folder).expect("our own folder");
}

#[test]
fn f064_the_reset_letter_makes_four_statements() {
    let english = ours(&facts(Letter::Reset, Language::English)).text;
    for statement in [
        "Somebody asked for a new password",
        "the link below",
        "ignore this message",
        "one hour",
        "https://portal.example/x/al_sample",
    ] {
        assert!(english.contains(statement), "{statement}: {english}");
    }
    let spanish = ours(&facts(Letter::Reset, Language::Spanish)).text;
    for statement in [
        "Alguien solicitó una contraseña nueva",
        "el enlace de abajo",
        "ignore este mensaje",
        "una hora",
    ] {
        assert!(spanish.contains(statement), "{statement}: {spanish}");
    }
}

#[test]
fn case_104_what_people_are_called_is_text() {
    for name in [
        "{{7*7}}",
        "<b>",
        "%s",
        "${jndi}",
        "{% raw %}",
        "O'Neil & <i>",
    ] {
        for (letter, language) in all() {
            let mut facts = facts(letter, language);
            facts.practice = format!("Clinic {name}");
            facts.name = name.to_owned();
            let written = ours(&facts);
            assert!(written.text.contains(&facts.practice), "{name}");
            assert!(written.subject.contains(name), "{name}");
            assert_eq!(said(&written.text), words(&written.html), "{name}");
            assert!(!written.html.contains("<b>") && !written.html.contains("<i>"));
        }
    }
    // What a mail program would make a link of greets nobody.
    for name in ["http://evil.example", "evil.example", "a@evil.example"] {
        let mut facts = facts(Letter::Invite, Language::English);
        facts.name = name.to_owned();
        assert!(!ours(&facts).text.contains("evil"), "{name}");
    }
}

#[test]
fn case_102_a_name_with_line_breaks_stays_on_its_line() {
    let mut facts = facts(Letter::Invite, Language::English);
    facts.practice = "Elm\r\nBcc: x@evil.example\r\n\r\n.\r\nStreet\u{2028}Clinic\0".to_owned();
    let written = ours(&facts);
    assert_eq!(written.subject.lines().count(), 1);
    assert!(written.text.lines().all(|line| !line.starts_with("Bcc")));
    assert!(written.text.lines().all(|line| line != "."));
    assert!(!written.text.contains(['\r', '\0', '\u{2028}']));
}

#[test]
fn f055_a_practices_own_wording_is_taken_and_a_broken_one_is_told() {
    let folder = folder("own");
    let put = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("written");
    let reset = facts(Letter::Reset, Language::English);
    put(
        "reset.en.txt",
        "Subject: Hi from {{ practice }}\n\nGo on:\n{{ link }}\n\nBye <all>\n",
    );
    let (written, broken) = write(Some(&folder), &reset).expect("written");
    assert_eq!(broken, None);
    assert_eq!(written.subject, "Hi from Elm Street Clinic");
    assert_eq!(
        written.text,
        format!("Go on:\n{}\n\nBye <all>\n", reset.link)
    );
    assert!(written.html.contains("Bye &lt;all&gt;"));
    assert_eq!(faults(&folder), Vec::<String>::new());
    put("reset.en.html", "<p>Own: <a href=\"{{ link }}\">go</a></p>");
    let (written, _) = write(Some(&folder), &reset).expect("written");
    assert_eq!(
        written.html,
        format!("<p>Own: <a href=\"{}\">go</a></p>", reset.link)
    );

    for (name, text, word) in [
        ("reset.en.txt", "Hello {{ link }}", "Subject"),
        ("reset.en.txt", "Subject: x\n\n{{ link", "reset.en.txt"),
        (
            "reset.en.txt",
            "Subject: x\n\n{{ practise }}{{ link }}",
            "reset.en.txt",
        ),
        ("reset.en.txt", "Subject: x\n\nno link here", "link"),
        (
            "reset.en.txt",
            "Subject: x\n\n{{ link }}\n\nhttp://evil.example",
            "one link",
        ),
        (
            "reset.en.txt",
            "Subject: x\n\n{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}{{ link }}",
            "reset.en.txt",
        ),
        (
            "test.en.txt",
            "Subject: x\n\nsee www.evil.example",
            "one link",
        ),
        ("frame.html", "<img src=x>{{ parts[1].address }}", "<img"),
        ("rest.en.txt", "Subject: x\n\nx", "name of no letter"),
    ] {
        let _ = std::fs::remove_file(folder.join("reset.en.html"));
        put(name, text);
        let found = faults(&folder);
        assert!(
            found.iter().any(|fault| fault.contains(word)),
            "{text}: {found:?}"
        );
        let (_, broken) = write(Some(&folder), &reset).expect("ours");
        if name == "reset.en.txt" {
            assert!(broken.is_some(), "{text}");
        }
        std::fs::remove_file(folder.join(name)).expect("our own file");
    }
    std::fs::remove_dir_all(folder).expect("our own folder");
}

fn folder(name: &str) -> PathBuf {
    let folder =
        std::env::temp_dir().join(format!("anteroom-letters-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}
