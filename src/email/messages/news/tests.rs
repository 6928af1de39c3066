use super::*;
use crate::email::messages::samples::{self, album, item, many};

fn write(releases: &[NewsItem]) -> Letter {
    samples::news(releases).letter().unwrap()
}

#[test]
fn a_subject_stays_short_and_keeps_whole_names() {
    let guests: Vec<String> = (0..40).map(|n| format!("Guest number {n}")).collect();
    let mut names = vec!["Godspeed You! Black Emperor"];
    names.extend(guests.iter().map(String::as_str));
    let subject = write(&[item(Kind::Album, &names, &"long title ".repeat(30), "2026", 3)]).subject;
    assert!(subject.starts_with("Godspeed You! Black Emperor, Guest number 0, "), "{subject}");
    assert!(subject.contains(" and 38 more: long title ") && subject.ends_with('…'), "{subject}");
    assert!(subject.chars().count() <= LONGEST_SUBJECT);
}

#[test]
fn a_letter_names_the_kind_of_what_came_out() {
    let of = |kind, tracks| item(kind, &["Röyksopp"], "Do It Again", "2014", tracks);
    let letter = write(&[of(Kind::SingleOrEp, 5)]);
    assert!(letter.text.starts_with("A new single or EP for you\n"), "{}", letter.text);
    assert!(letter.text.contains("\nSingle or EP · 5 tracks\n"), "{}", letter.text);
    let single = of(Kind::SingleOrEp, 1);
    assert!(write(std::slice::from_ref(&single)).text.starts_with("A new single for you\n"));
    let both = [single.clone(), of(Kind::SingleOrEp, 5)];
    assert_eq!(write(&both).subject, "2 new singles and EPs: Röyksopp");
    assert_eq!(write(&[single.clone(), single]).subject, "2 new singles: Röyksopp");
    let mixed = [of(Kind::Live, 9), of(Kind::Remix, 9)];
    assert_eq!(write(&mixed).subject, "2 new releases: Röyksopp");
}

#[test]
fn the_subject_of_a_guest_appearance_names_the_guest() {
    let mut guest = item(Kind::AppearsOn, &["Various Artists"], "Night Drive", "2026-11", 18);
    guest.because = vec!["Robyn".into()];
    let letter = write(&[guest]);
    assert_eq!(letter.subject, "Robyn on Various Artists: Night Drive");
    assert!(letter.text.contains("because you follow Robyn, who appears on it\n"));
}

#[test]
fn no_news_is_no_letter() {
    assert!(matches!(samples::news(&[]).letter(), Err(RenderError::NoNews)));
}

#[test]
fn a_letter_without_assurance_says_nothing_of_it() {
    let letter = News { assurance: None, ..samples::news(&[album("Air", "Moon Safari")]) }.letter();
    let letter = letter.unwrap();
    assert!(!letter.text.contains("watched") && !letter.html.contains("watched"));
}

#[test]
fn a_long_list_is_cut_and_says_so() {
    let letter = write(&many(77));
    assert_eq!(letter.html.matches(r#"<tr class="row""#).count(), MOST_LISTED);
    assert!(letter.text.contains("and 37 more on your page:\nhttps://dropday.example/account"));
    assert!(letter.html.contains("37 more on your page"));
    let start = "77 new albums: Artist no. 0, Artist no. 1, ";
    assert!(letter.subject.starts_with(start), "{}", letter.subject);
    assert!(letter.subject.ends_with(" more") && letter.subject.chars().count() <= LONGEST_SUBJECT);
}

#[test]
fn forty_albums_with_long_names_fit_into_one_letter() {
    let (artist, title) =
        ("A band with quite a long name & friends", "An album, remastered in Å".repeat(3));
    let letter = write(&vec![album(artist, &title); 40]);
    assert_eq!(letter.html.matches(r#"<tr class="row""#).count(), 40);
    assert!(letter.html.len() <= LARGEST_HTML, "{} bytes", letter.html.len());
}

#[test]
fn names_that_would_burst_the_letter_shorten_the_list_no_more_than_they_must() {
    let long = "\"".repeat(300);
    let letter = write(&vec![album(&long, &long); 40]);
    assert!(letter.html.len() <= LARGEST_HTML, "{} bytes", letter.html.len());
    assert!(letter.html.len() > LARGEST_HTML * 8 / 10, "{} bytes", letter.html.len());
    assert!(letter.text.contains("more on your page:"));
}

#[test]
fn a_missing_cover_leaves_no_broken_image() {
    let mut bare = album("Air", "Moon Safari");
    bare.release.cover = Some("not an address".into());
    assert!(!write(&[bare]).html.contains("<img"));
}
