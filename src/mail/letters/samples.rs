//! One letter of each kind, made of made-up values: for pictures and for spam filters to judge.

use jiff::civil::date;

use super::confirm::Confirm;
use super::consent_ends::ConsentEnds;
use super::news::{News, NewsItem};
use super::operator::{ToOperator, Trouble};
use super::sign_in_again::SignInAgain;
use super::withdrawn::Withdrawn;
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::release::{Release, ReleaseDate, ReleaseId, ReleaseKind};
use crate::mail::letter::Letter;

const INSTANCE: &str = "https://dropday.example.com/";
const ACCOUNT: &str = "https://dropday.example.com/account";
const LOGIN: &str = "https://dropday.example.com/login";

/// Every kind of letter, by a name that can be a file's. What cannot be written is left out, which
/// the tests of the letters would notice.
pub fn all() -> Vec<(&'static str, Letter)> {
    let confirm = Confirm {
        link: "https://dropday.example.com/confirm?code=abc&for=1",
        account: "Martha",
        instance_url: INSTANCE,
        expires_in: "24 hours",
    };
    let items: Vec<NewsItem> = TITLES.iter().filter_map(|title| item(title)).collect();
    let news = |releases| News { releases, account_url: ACCOUNT, today: date(2026, 11, 27) };
    let withdrawn = Withdrawn { link: LOGIN, account_url: ACCOUNT, deleted_on: date(2026, 12, 1) };
    let ends = ConsentEnds { link: LOGIN, ends_on: date(2027, 5, 23) };
    let operator = ToOperator { trouble: Trouble::NoPremium, instance_url: INSTANCE };
    let letters = [
        ("confirm", confirm.letter()),
        ("news-one", news(&items[..1]).letter()),
        ("news-three", news(&items).letter()),
        ("sign-in-again", SignInAgain { link: LOGIN }.letter()),
        ("consent-ends", ends.letter()),
        ("withdrawn", withdrawn.letter()),
        ("operator", operator.letter()),
    ];
    letters.into_iter().filter_map(|(name, letter)| Some((name, letter.ok()?))).collect()
}

const TITLES: [(&str, &str); 3] =
    [("Röyksopp", "Profound Mysteries III"), ("Air", "Moon Safari"), ("Robyn", "Honey")];

fn item((artist, title): &(&str, &str)) -> Option<NewsItem> {
    let release = Release {
        id: ReleaseId::parse("7w4vWXxNKPRCLjQL3ciEza")?,
        title: (*title).to_owned(),
        kind: ReleaseKind::Album,
        artists: vec![Artist::new(ArtistId::parse("5nPOO9iTcrs9k6yFffPxjH")?, *artist)],
        date: ReleaseDate::parse("2026-11-27", None),
        tracks: Some(10),
        cover: Some("https://i.scdn.co/image/ab67616d00001e02".to_owned()),
        link: "https://open.spotify.com/album/7w4vWXxNKPRCLjQL3ciEza".to_owned(),
    };
    Some(NewsItem { release, because: vec![(*artist).to_owned()], also_as: vec![] })
}
