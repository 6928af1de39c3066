use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::artist::ArtistId;

const ROYKSOPP: &str = "1c70a3fc-fa3c-4be1-8b55-c3192db8a884";
const MYSTERIES: &str = "4f1c579a-8a9c-4f96-92ae-befcdf3e0d32";

fn now() -> Timestamp {
    "2022-05-02T12:00:00Z".parse().unwrap()
}

fn watched() -> Vec<Subject> {
    let subject = |id, name: &str, mbid| Subject {
        id: ArtistId::parse(id).unwrap(),
        name: name.into(),
        mbid: Mbid::parse(mbid),
        deezer: None,
        wants_singles: false,
    };
    vec![subject("a", "Röyksopp", ROYKSOPP), subject("b", "Susanne Sundfør", "")]
}

fn hints(body: &str) -> Result<Vec<Hint>, Error> {
    parse(body.as_bytes(), &watched(), now())
}

fn list(entries: Value) -> String {
    json!({ "payload": { "releases": entries, "total_count": 1 } }).to_string()
}

/// The sample in the documentation of ListenBrainz.
fn mysteries() -> Value {
    json!({
        "artist_credit_name": "R\u{f6}yksopp",
        "artist_mbids": [ROYKSOPP],
        "release_date": "2022-04-29",
        "release_group_mbid": MYSTERIES,
        "release_group_primary_type": "Album",
        "release_mbid": "1f1db316-8361-4a40-9633-550b259642f5",
        "release_name": "Profound Mysteries"
    })
}

fn with(key: &str, value: Value) -> Value {
    let mut entry = mysteries();
    entry[key] = value;
    entry
}

#[test]
fn documented_sample_is_a_hint() {
    let found = hints(&list(json!([mysteries()]))).unwrap();
    let [hint] = &found[..] else { panic!("{found:?}") };
    assert_eq!((hint.artist.as_str(), hint.key.as_str()), ("a", MYSTERIES));
    assert_eq!(hint.released, "2022-04-29".parse().ok());
}

#[test]
fn invalid_entries_do_not_affect_others() {
    let odd = [
        json!(null),
        json!(7),
        json!([[[]]]),
        json!({}),
        with("artist_mbids", json!({"a": 1})),
        with("artist_mbids", json!([null, 3])),
        with("release_date", json!(20220429)),
        with("release_date", json!("2022-04")),
        with("release_group_mbid", json!("../../etc")),
    ];
    for odd in odd {
        let found = hints(&list(json!([odd, mysteries(), odd]))).unwrap();
        assert_eq!(found.len(), 1, "{odd}");
    }
}

#[test]
fn only_recent_albums_are_hints() {
    for entry in [
        with("release_group_primary_type", json!("Single")),
        with("release_group_primary_type", json!("EP")),
        with("release_group_primary_type", json!("Broadcast")),
        with("release_group_secondary_type", json!("Compilation")),
        with("release_date", json!("2022-01-01")),
        with("release_date", json!("2023-01-01")),
        with("artist_mbids", json!([MYSTERIES])),
    ] {
        assert_eq!(hints(&list(json!([entry]))).unwrap(), [], "{entry}");
    }
    for entry in [
        with("release_group_primary_type", json!(null)),
        with("release_group_secondary_type", json!("Live")),
    ] {
        assert_eq!(hints(&list(json!([entry]))).unwrap().len(), 1, "{entry}");
    }
}

#[test]
fn singles_are_hints_only_where_wanted() {
    let mut watched = watched();
    watched[0].wants_singles = true;
    let found = |mbid: &str, name: &str| {
        let mut entry = with("release_group_primary_type", json!("EP"));
        entry["artist_mbids"] = json!([mbid]);
        entry["artist_credit_name"] = json!(name);
        parse(list(json!([entry])).as_bytes(), &watched, now()).unwrap().len()
    };
    assert_eq!((found(ROYKSOPP, "Röyksopp"), found(MYSTERIES, "Susanne Sundfør")), (1, 0));
}

#[test]
fn artist_without_mbid_is_matched_by_name() {
    let by_name = |name: &str| {
        let mut entry = with("artist_credit_name", json!(name));
        entry["artist_mbids"] = json!([MYSTERIES]);
        hints(&list(json!([entry]))).unwrap().len()
    };
    assert_eq!((by_name("SUSANNE SUNDFØR"), by_name("Susanne Sundfor")), (1, 0));
    assert_eq!(by_name("Röyksopp"), 0, "the MBID of Röyksopp is known, and different");
}

#[test]
fn answer_in_another_format_is_unreadable() {
    for changed in ["{}", "[]", "null", "<html>", r#"{"payload":[]}"#, r#"{"payload":{"x":1}}"#] {
        assert!(matches!(hints(changed), Err(Error::Unreadable(_))), "{changed}");
    }
    let whole = list(json!([mysteries()]));
    for cut in ["", &whole[..40], &whole[..whole.len() - 30]] {
        assert!(matches!(hints(cut), Err(Error::Unreadable(_))), "{cut}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_without_panic(bytes in any::<Vec<u8>>()) {
        let _ = parse(&bytes, &watched(), now());
    }

    #[test]
    fn truncated_answer_is_parsed_without_panic(at in 0usize..400) {
        let whole = list(json!([mysteries()]));
        let cut = whole.as_bytes().get(..at).unwrap_or(whole.as_bytes());
        let _ = parse(cut, &watched(), now());
    }
}

#[test]
fn hints_per_answer_are_limited() {
    let group = |n: usize| json!(format!("{n:08x}-8a9c-4f96-92ae-befcdf3e0d32"));
    let entries: Vec<Value> = (0..3_000).map(|n| with("release_group_mbid", group(n))).collect();
    assert_eq!(hints(&list(json!(entries))).unwrap().len(), MAX_AT_ONCE);
}
