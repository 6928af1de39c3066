use jiff::civil::date;
use proptest::prelude::*;
use scraper::{Html, Selector};

use super::*;
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::release::{ReleaseDate, ReleaseId, ReleaseKind};

const ACCOUNT: &str = "https://dropday.example/account";

fn artist(name: &str) -> Artist {
    Artist::new(ArtistId::parse("5nPOO9iTcrs9k6yFffPxjH").unwrap(), name)
}

fn item(artist_name: &str, title: &str, released: &str) -> NewsItem {
    let release = Release {
        id: ReleaseId::parse("7w4vWXxNKPRCLjQL3ciEza").unwrap(),
        title: one_line(title),
        kind: ReleaseKind::Album,
        artists: vec![artist(artist_name)],
        date: ReleaseDate::parse(released, None),
        tracks: Some(10),
        cover: Some("https://i.scdn.co/image/ab67616d00001e02".into()),
        link: "https://open.spotify.com/album/7w4vWXxNKPRCLjQL3ciEza".into(),
    };
    NewsItem { release, because: vec![artist_name.into()], also_as: Vec::new() }
}

fn write(releases: &[NewsItem]) -> Letter {
    News { releases, account_url: ACCOUNT, today: date(2026, 11, 23) }.letter().unwrap()
}

/// What a person reads in the HTML, and nothing else.
fn read(html: &str, selector: &str) -> Vec<String> {
    let page = Html::parse_document(html);
    let wanted = Selector::parse(selector).unwrap();
    page.select(&wanted).map(|e| e.text().collect()).collect()
}

#[test]
fn one_new_album() {
    let letter = write(&[item("Röyksopp", "Profound Mysteries III", "2026-11-23")]);
    insta::assert_snapshot!("one_subject", letter.subject);
    insta::assert_snapshot!("one_text", letter.text);
    insta::assert_snapshot!("one_html", letter.html);
}

#[test]
fn several_releases_of_which_some_are_known_badly() {
    let mut bare = item("אביב גפן", "", "");
    bare.release.cover = None;
    bare.release.tracks = None;
    bare.because.clear();
    let mut shared = item("Röyksopp", "Do It Again", "2014");
    shared.release.kind = ReleaseKind::Single;
    shared.release.tracks = Some(1);
    shared.release.artists.push(artist("Robyn"));
    shared.because.push("Robyn".into());
    let letter = write(&[bare, shared, item("Air", "Moon Safari", "2026-12")]);
    insta::assert_snapshot!("several_subject", letter.subject);
    insta::assert_snapshot!("several_text", letter.text);
    insta::assert_snapshot!("several_html", letter.html);
}

#[test]
fn a_subject_stays_short_and_keeps_whole_names() {
    let mut crowd = item("Godspeed You! Black Emperor", &"long title ".repeat(30), "2026");
    crowd.release.artists.extend((0..40).map(|n| artist(&format!("Guest number {n}"))));
    let subject = write(&[crowd]).subject;
    assert!(subject.starts_with("Godspeed You! Black Emperor, Guest number 0, "), "{subject}");
    assert!(subject.contains(" and 38 more: long title ") && subject.ends_with('…'), "{subject}");
    assert!(subject.chars().count() <= LONGEST_SUBJECT);
}

#[test]
fn a_letter_names_the_kind_of_what_came_out() {
    let mut ep = item("Röyksopp", "Do It Again", "2014");
    ep.release.kind = ReleaseKind::Single;
    let letter = write(&[ep]);
    assert!(letter.text.starts_with("A new single or EP for you\n"), "{}", letter.text);
    assert!(letter.text.contains("\nSingle or EP · 10 tracks · out since 2014\n"));
}

#[test]
fn a_new_single_and_an_album_with_singles() {
    let mut single = item("Röyksopp", "Speed King", "2026-11-23");
    single.release.kind = ReleaseKind::Single;
    single.release.tracks = Some(1);
    let letter = write(std::slice::from_ref(&single));
    insta::assert_snapshot!("single_subject", letter.subject);
    insta::assert_snapshot!("single_text", letter.text);
    let mut ep = item("Robyn", "Body Talk Pt. 4", "2026-11-20");
    ep.release.kind = ReleaseKind::Single;
    ep.release.tracks = Some(5);
    let letter = write(&[item("Air", "Moon Safari", "2026-11-20"), single.clone(), ep.clone()]);
    insta::assert_snapshot!("mixed_subject", letter.subject);
    insta::assert_snapshot!("mixed_text", letter.text);
    assert_eq!(write(&[single.clone(), ep]).subject, "2 new singles and EPs: Röyksopp, Robyn");
    assert_eq!(write(&[single.clone(), single]).subject, "2 new singles: Röyksopp");
}

#[test]
fn no_news_is_no_letter() {
    let none = News { releases: &[], account_url: ACCOUNT, today: date(2026, 11, 23) };
    assert!(matches!(none.letter(), Err(RenderError::NoNews)));
}

#[test]
fn a_long_list_is_cut_and_says_so() {
    let many: Vec<NewsItem> = (0..77)
        .map(|n| item(&format!("Artist {n}"), &format!("Album {n}"), "2026-11-20"))
        .collect();
    let letter = write(&many);
    assert!(letter.html.len() < LARGEST_HTML, "{} bytes", letter.html.len());
    assert_eq!(read(&letter.html, "tr.row").len(), MOST_LISTED);
    assert!(letter.text.contains("and 37 more on your page:\nhttps://dropday.example/account"));
    assert!(letter.html.contains("37 more on your page"));
    assert!(
        letter.subject.starts_with("77 new albums: Artist 0, Artist 1, "),
        "{}",
        letter.subject
    );
    assert!(letter.subject.ends_with(" more") && letter.subject.chars().count() <= LONGEST_SUBJECT);
}

#[test]
fn names_that_would_burst_the_letter_shorten_the_list() {
    let long = "\"".repeat(300);
    let many = vec![item(&long, &long, "2026-11-20"); 40];
    let letter = write(&many);
    assert!(letter.html.len() <= LARGEST_HTML, "{} bytes", letter.html.len());
    assert!(letter.text.contains("more on your page:"));
}

#[test]
fn a_missing_cover_leaves_no_broken_image() {
    let mut bare = item("Air", "Moon Safari", "1998");
    bare.release.cover = Some("not an address".into());
    assert!(!write(&[bare]).html.contains("<img"));
}

#[test]
fn a_name_made_of_markup_is_a_name() {
    let name = "</bdi></td><script>alert('x')</script>{{ 7*7 }} & <mj-raw> \" <!--";
    let letter = write(&[item(name, name, "2026-11-23")]);
    let shown = read(&letter.html, ".title bdi");
    assert_eq!(shown, [name]);
    assert!(read(&letter.html, "script").is_empty());
    assert!(letter.text.contains(name));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_name_is_shown_and_never_interpreted(name in any::<String>(), title in any::<String>()) {
        let item = item(&name, &title, "2026-11-23");
        let (title, release) = (one_line(item.release.shown_title()), item.release.clone());
        let letter = write(&[item]);
        prop_assert!(!letter.subject.chars().any(char::is_control));
        prop_assert!(letter.subject.chars().count() <= LONGEST_SUBJECT, "{}", letter.subject);
        prop_assert!(letter.text.contains(&title));
        prop_assert!(letter.text.contains(&artists(&release, LONGEST_NAMES).to_string()));
        // HTML reads U+0000 and lone surrogates differently; `one_line` leaves neither.
        prop_assert_eq!(read(&letter.html, ".title bdi"), [title]);
    }

    #[test]
    fn markup_is_shown_and_never_interpreted(name in "[<>&\"'{}%#!/a-z -]{0,40}") {
        let letter = write(&[item(&name, &name, "2026-11-23")]);
        let item = item(&name, &name, "2026-11-23");
        prop_assert_eq!(read(&letter.html, ".title bdi"), [item.release.shown_title()]);
        prop_assert_eq!(read(&letter.html, "script, style[onload], iframe").len(), 0);
    }
}
