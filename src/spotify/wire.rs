//! Parses response bodies leniently: an invalid field loses that field, an invalid item that item, and only
//! an invalid page fails.

use serde_json::Value;
use url::Url;

use super::error::Error;
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::release::{Release, ReleaseDate, ReleaseId, ReleaseKind};
use crate::domain::text::one_line;
use crate::domain::user::{EmailAddress, Profile};

/// The minimum width of a cover in an email, in pixels.
const MIN_COVER_WIDTH: u64 = 300;

/// Of ids and URLs, in bytes.
const MAX_LENGTH: usize = 2048;

pub(super) struct Listing<T> {
    /// The items that could be parsed, in Spotify's order.
    pub(super) items: Vec<T>,
    /// All items, including null and invalid ones.
    pub(super) entries: usize,
    /// The total according to Spotify.
    pub(super) total: Option<u64>,
}

pub(super) fn page<T>(page: &Value, read: fn(&Value) -> Option<T>) -> Result<Listing<T>, Error> {
    let Some(all) = page.get("items").and_then(Value::as_array) else {
        return Err(Error::Malformed("a page without items".into()));
    };
    Ok(Listing {
        items: all.iter().filter_map(read).collect(),
        entries: all.len(),
        total: total(page),
    })
}

/// The cursor of the next page of followed artists; `None` at the end.
///
/// `cursors` is sometimes missing in the middle of a list. A full page with a `next` then continues after its
/// last artist, which is what the cursor would have been.
pub(super) fn next_after(page: &Value, asked: usize) -> Option<String> {
    if let Some(after) = page.get("cursors").and_then(|cursors| cursors.get("after")) {
        return text(after);
    }
    page.get("next").and_then(text)?;
    let items = page.get("items")?.as_array()?;
    let limit = page.get("limit").and_then(count).and_then(|n| usize::try_from(n).ok());
    if items.len() < limit.unwrap_or(asked).min(asked) {
        return None;
    }
    items.iter().rev().find_map(artist).map(|last| last.id.as_str().to_owned())
}

/// An artist object, full or simplified.
pub(super) fn artist(item: &Value) -> Option<Artist> {
    let id = ArtistId::parse(item.get("id")?.as_str()?)?;
    Some(Artist::new(id, item.get("name").and_then(Value::as_str).unwrap_or_default()))
}

/// An album object, full or simplified.
pub(super) fn release(item: &Value) -> Option<Release> {
    let id = ReleaseId::parse(item.get("id")?.as_str()?)?;
    let word = |key| item.get(key).and_then(Value::as_str);
    Some(Release {
        title: one_line(word("name").unwrap_or_default()),
        kind: ReleaseKind::parse(word("album_type").unwrap_or_default()),
        artists: list(item, "artists").iter().filter_map(artist).collect(),
        date: ReleaseDate::parse(
            word("release_date").unwrap_or_default(),
            word("release_date_precision"),
        ),
        tracks: item.get("total_tracks").and_then(count).and_then(|n| n.try_into().ok()),
        cover: cover(list(item, "images")),
        link: link(item, &id),
        id,
    })
}

/// The answer of `GET /me`.
pub(super) fn profile(me: &Value) -> Result<Profile, Error> {
    let word = |key| me.get(key).and_then(Value::as_str).unwrap_or_default();
    Ok(Profile {
        id: me.get("id").and_then(text).ok_or_else(|| Error::Malformed("no user id".into()))?,
        account_id: me.get("account_id").and_then(text),
        display_name: one_line(word("display_name")),
        email: EmailAddress::parse(word("email")).ok(),
    })
}

/// The smallest image that is wide enough, otherwise the widest.
fn cover(images: &[Value]) -> Option<String> {
    let wide = |image: &Value| image.get("width").and_then(count).unwrap_or(0);
    let mut known: Vec<_> =
        images.iter().filter_map(|i| Some((wide(i), web_address(i.get("url")?)?))).collect();
    known.sort_by_key(|(width, _)| *width);
    let enough = known.iter().position(|(width, _)| *width >= MIN_COVER_WIDTH);
    match enough {
        Some(first) => Some(known.swap_remove(first).1),
        None => known.pop().map(|(_, widest)| widest),
    }
}

fn link(item: &Value, id: &ReleaseId) -> String {
    item.get("external_urls")
        .and_then(|urls| web_address(urls.get("spotify")?))
        .unwrap_or_else(|| format!("https://open.spotify.com/album/{id}"))
}

/// Only `http(s)`, because it is used in emails.
fn web_address(value: &Value) -> Option<String> {
    let url = Url::parse(&text(value)?).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.into())
}

/// Text that is not empty and has no control characters.
fn text(value: &Value) -> Option<String> {
    let raw = value.as_str()?;
    let sound = (1..=MAX_LENGTH).contains(&raw.len()) && !raw.chars().any(char::is_control);
    sound.then(|| raw.to_owned())
}

/// A count, also from `12.0` or `"12"`; never negative.
pub(super) fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Number(n) => n.as_u64().or_else(|| n.as_f64().and_then(whole)),
        Value::String(s) => s.trim().parse().ok(),
        _ => None,
    }
}

/// Ignores absurd numbers.
fn total(page: &Value) -> Option<u64> {
    count(&page["total"]).filter(|total| *total <= u64::from(u32::MAX))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked on its line")]
fn whole(n: f64) -> Option<u64> {
    // Beyond 2^53 floats are not exact.
    (n.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&n)).then_some(n as u64)
}

fn list<'a>(item: &'a Value, key: &str) -> &'a [Value] {
    item.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{any_json, whole};
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn sample(raw: &str) -> Value {
        serde_json::from_str(raw).unwrap()
    }

    #[test]
    fn recorded_albums_are_parsed() {
        let body =
            sample(include_str!("../../tests/data/spotify-samples/GetArtistsAlbumsRequest.json"));
        let page = page(&body, release).unwrap();
        assert_eq!((page.items.len(), page.entries, page.total), (2, 2, Some(64)));
        let heaven = &page.items[0];
        assert_eq!(heaven.title, "Heaven (David Guetta & MORTEN Remix)");
        assert_eq!(heaven.artist_line(), "Avicii, David Guetta, MORTEN");
        assert_eq!(heaven.kind, ReleaseKind::Single);
        assert_eq!(heaven.date.to_string(), "2019-08-23");
        assert_eq!(heaven.tracks, Some(2));
        assert_eq!(heaven.link, "https://open.spotify.com/album/37bCTD5iLWMpDcBanNkkXB");
        assert_eq!(
            heaven.cover.as_deref(),
            Some("https://i.scdn.co/image/a014dbaab6a1d4ae99ff83d523d4696c307b4009")
        );
    }

    #[test]
    fn full_album_keeps_date_precision() {
        let body = sample(include_str!("../../tests/data/spotify-samples/GetAlbumRequest.json"));
        assert_eq!(release(&body).unwrap().date.to_string(), "1983");
    }

    #[test]
    fn recorded_follows_are_parsed() {
        let body = sample(include_str!(
            "../../tests/data/spotify-samples/GetUsersFollowedArtistsRequest.json"
        ));
        let list = &body["artists"];
        let page = page(list, artist).unwrap();
        assert_eq!(page.items[0].name, "Afasi & Filthy");
        assert_eq!(page.total, Some(183));
        assert_eq!(next_after(list, 50).as_deref(), Some("0aV6DOiouImYTqrR5YlIqx"));
    }

    #[test]
    fn recorded_and_minimal_profiles_are_parsed() {
        let body = sample(include_str!(
            "../../tests/data/spotify-samples/GetCurrentUsersProfileRequest.json"
        ));
        let me = profile(&body).unwrap();
        assert_eq!((me.id.as_str(), me.display_name.as_str()), ("wizzler", "JM Wizzler"));
        assert_eq!(me.email.unwrap().as_str(), "email@example.com");

        let bare = profile(&json!({"id": "x", "account_id": "y", "display_name": null})).unwrap();
        assert_eq!((bare.account_id.as_deref(), bare.display_name.as_str()), (Some("y"), ""));
        assert!(profile(&json!({"display_name": "x"})).is_err());
    }

    #[test]
    fn one_bad_item_affects_no_other() {
        let body = json!({"items": [null, 7, {}, {"id": "../me"}, {"id": "a", "artists": [null, {"id": "b"}]}]});
        let page = page(&body, release).unwrap();
        assert_eq!((page.items.len(), page.entries), (1, 5));
        assert_eq!(page.items[0].artists.len(), 1);
        assert_eq!(page.items[0].link, "https://open.spotify.com/album/a");
    }

    #[test]
    fn page_needs_items_but_can_be_empty() {
        for body in [json!(null), json!({}), json!({"items": null}), json!({"items": {}})] {
            assert!(matches!(page(&body, release), Err(Error::Malformed(_))), "{body}");
        }
        assert_eq!(page(&json!({"items": []}), release).unwrap().entries, 0);
    }

    #[test]
    fn odd_numbers_are_parsed_or_omitted() {
        for (raw, read) in [
            (json!(12), Some(12)),
            (json!(12.0), Some(12)),
            (json!("12"), Some(12)),
            (json!(-1), None),
            (json!(1.5), None),
            (json!(1e300), None),
            (json!("many"), None),
            (json!(null), None),
        ] {
            assert_eq!(count(&raw), read, "{raw}");
        }
    }

    #[test]
    fn end_of_follows_differs_from_missing_cursor() {
        let full: Vec<Value> = (0..50).map(|n| json!({"id": format!("a{n}")})).collect();
        let next = "https://api.spotify.com/v1/me/following?after=z";
        let after = |page: Value| next_after(&page, 50);
        assert_eq!(after(json!({"items": full, "cursors": {"after": null}, "next": next})), None);
        assert_eq!(after(json!({"items": full, "cursors": {"after": ""}, "next": next})), None);
        assert_eq!(after(json!({"items": full, "next": next})), Some("a49".into()));
        assert_eq!(after(json!({"items": full, "cursors": {}, "next": next})), Some("a49".into()));
        assert_eq!(after(json!({"items": full, "next": null})), None);
        assert_eq!(after(json!({"items": full[..9], "next": next})), None);
        assert_eq!(after(json!({"items": full[..9], "limit": 9, "next": next})), Some("a8".into()));
    }

    #[test]
    fn cover_is_smallest_wide_enough_image() {
        let image =
            |width: Value, name: &str| json!({"width": width, "url": format!("https://i/{name}")});
        let chosen = |images: Value| cover(images.as_array().unwrap());
        let (big, fit) = (image(json!(640), "big"), image(json!(300), "fit"));
        let (small, untold) = (image(json!(64), "small"), image(json!(null), "untold"));
        assert_eq!(chosen(json!([big, fit, small])), Some("https://i/fit".into()));
        assert_eq!(chosen(json!([untold, small])), Some("https://i/small".into()));
        assert_eq!(chosen(json!([untold])), Some("https://i/untold".into()));
        assert_eq!(chosen(json!([null, {"width": 300, "url": "file:///etc/passwd"}])), None);
        assert_eq!(chosen(json!([])), None);
    }

    #[test]
    fn invalid_link_is_replaced() {
        for odd in ["javascript:alert(1)", "", "spotify:album:a", "https://a\r\nb"] {
            let item = json!({"id": "a", "external_urls": {"spotify": odd}});
            assert_eq!(release(&item).unwrap().link, "https://open.spotify.com/album/a");
        }
    }

    proptest! {
        #[test]
        fn any_json_is_parsed_without_panic(body in any_json()) {
            let _ = (profile(&body), artist(&body), next_after(&body, 50));
            for list in [&body, &body["artists"]] {
                if let Ok(page) = page(list, release) {
                    prop_assert!(page.items.len() <= page.entries);
                }
            }
            if let Some(release) = release(&body) {
                prop_assert!(release.link.starts_with("http"));
            }
        }

        #[test]
        fn any_items_are_parsed_without_panic(
            items in proptest::collection::vec(any_json(), 0..9),
            more in any_json(),
        ) {
            let body = json!({"items": items, "total": more, "cursors": more, "next": more});
            prop_assert_eq!(page(&body, artist).unwrap().entries, items.len());
            let _ = next_after(&body, 50);
        }

        #[test]
        fn any_bytes_are_parsed_without_panic(bytes in any::<Vec<u8>>()) {
            let _ = whole(200, &bytes).json();
        }
    }
}
