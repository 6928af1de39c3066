use super::*;
use crate::email::messages::samples::{self, album, item, many};

fn write(releases: &[NewsItem]) -> Email {
    samples::news(releases).email().unwrap()
}

#[test]
fn subject_is_short_with_whole_names() {
    let guests: Vec<String> = (0..40).map(|n| format!("Guest number {n}")).collect();
    let mut names = vec!["Godspeed You! Black Emperor"];
    names.extend(guests.iter().map(String::as_str));
    let subject =
        write(&[item(Category::Album, &names, &"long title ".repeat(30), "2026", 3)]).subject;
    assert!(subject.starts_with("Godspeed You! Black Emperor, Guest number 0, "), "{subject}");
    assert!(subject.contains(" and 38 more: long title ") && subject.ends_with('…'), "{subject}");
    assert!(subject.chars().count() <= MAX_SUBJECT_LENGTH);
}

#[test]
fn news_email_names_release_kind() {
    let of = |category, tracks| item(category, &["Röyksopp"], "Do It Again", "2014", tracks);
    let email = write(&[of(Category::Single, 5)]);
    assert!(email.text.starts_with("A new single or EP for you\n"), "{}", email.text);
    assert!(email.text.contains("\nSingle or EP · 5 tracks\n"), "{}", email.text);
    let single = of(Category::Single, 1);
    assert!(write(std::slice::from_ref(&single)).text.starts_with("A new single for you\n"));
    let both = [single.clone(), of(Category::Single, 5)];
    assert_eq!(write(&both).subject, "2 new singles and EPs: Röyksopp");
    assert_eq!(write(&[single.clone(), single]).subject, "2 new singles: Röyksopp");
    let mixed = [of(Category::Live, 9), of(Category::Remixes, 9)];
    assert_eq!(write(&mixed).subject, "2 new releases: Röyksopp");
}

#[test]
fn guest_appearance_subject_names_the_guest() {
    let mut guest = item(Category::Appearance, &["Various Artists"], "Night Drive", "2026-11", 18);
    guest.because = vec!["Robyn".into()];
    let email = write(&[guest]);
    assert_eq!(email.subject, "Robyn on Various Artists: Night Drive");
    assert!(email.text.contains("You follow Robyn, who appears on it\n"));
}

#[test]
fn email_without_assurance_omits_it() {
    let email = News { assurance: None, ..samples::news(&[album("Air", "Moon Safari")]) }.email();
    let email = email.unwrap();
    assert!(!email.text.contains("312 artists") && !email.html.contains("312 artists"));
}

#[test]
fn long_list_is_truncated_with_a_note() {
    let email = write(&many(77));
    assert_eq!(email.html.matches(r#"<tr class="row""#).count(), MAX_LISTED);
    assert!(
        email.text.contains("and 37 more under New releases:\nhttps://dropday.example/account")
    );
    assert!(email.html.contains("37 more under New releases"));
    let start = "77 new albums: Artist no. 0, Artist no. 1, ";
    assert!(email.subject.starts_with(start), "{}", email.subject);
    assert!(
        email.subject.ends_with(" more") && email.subject.chars().count() <= MAX_SUBJECT_LENGTH
    );
}

#[test]
fn forty_albums_with_long_names_fit_one_email() {
    let (artist, title) =
        ("A band with quite a long name & friends", "An album, remastered in Å".repeat(3));
    let email = write(&vec![album(artist, &title); 40]);
    assert_eq!(email.html.matches(r#"<tr class="row""#).count(), 40);
    assert!(email.html.len() <= MAX_HTML_SIZE, "{} bytes", email.html.len());
}

#[test]
fn long_names_shorten_the_list_only_as_needed() {
    let long = "\"".repeat(300);
    let email = write(&vec![album(&long, &long); 40]);
    assert!(email.html.len() <= MAX_HTML_SIZE, "{} bytes", email.html.len());
    assert!(email.html.len() > MAX_HTML_SIZE * 8 / 10, "{} bytes", email.html.len());
    assert!(email.text.contains("more under New releases:"));
}

#[test]
fn missing_cover_leaves_no_broken_image() {
    let mut bare = album("Air", "Moon Safari");
    bare.release.cover = Some("not an address".into());
    assert!(!write(&[bare]).html.contains("<img"));
}
