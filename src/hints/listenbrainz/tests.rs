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
    read(&mut body.as_bytes(), &watched(), now())
}

fn list(entries: Value) -> String {
    json!({ "payload": { "releases": entries, "total_count": 1 } }).to_string()
}

/// The sample of ListenBrainz' own documentation.
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
fn the_documented_sample_is_a_hint() {
    let found = hints(&list(json!([mysteries()]))).unwrap();
    let [hint] = &found[..] else { panic!("{found:?}") };
    assert_eq!((hint.artist.as_str(), hint.key.as_str()), ("a", MYSTERIES));
    assert_eq!(hint.released, "2022-04-29".parse().ok());
}

#[test]
fn one_bad_entry_costs_no_other() {
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
        with("release_name", json!("x".repeat(MAX_ENTRY_SIZE))),
    ];
    for odd in odd {
        let found = hints(&list(json!([odd, mysteries(), odd]))).unwrap();
        assert_eq!(found.len(), 1, "{odd}");
    }
}

#[test]
fn what_is_no_album_of_these_days_is_no_hint() {
    for dull in [
        with("release_group_primary_type", json!("Single")),
        with("release_group_primary_type", json!("EP")),
        with("release_group_primary_type", json!("Broadcast")),
        with("release_group_secondary_type", json!("Compilation")),
        with("release_date", json!("2022-01-01")),
        with("release_date", json!("2023-01-01")),
        with("artist_mbids", json!([MYSTERIES])),
    ] {
        assert_eq!(hints(&list(json!([dull]))).unwrap(), [], "{dull}");
    }
    for fresh in [
        with("release_group_primary_type", json!(null)),
        with("release_group_secondary_type", json!("Live")),
    ] {
        assert_eq!(hints(&list(json!([fresh]))).unwrap().len(), 1, "{fresh}");
    }
}

#[test]
fn a_single_is_a_hint_for_those_artists_alone_whose_singles_somebody_wants() {
    let mut watched = watched();
    watched[0].wants_singles = true;
    let found = |mbid: &str, name: &str| {
        let mut entry = with("release_group_primary_type", json!("EP"));
        entry["artist_mbids"] = json!([mbid]);
        entry["artist_credit_name"] = json!(name);
        read(&mut list(json!([entry])).as_bytes(), &watched, now()).unwrap().len()
    };
    assert_eq!((found(ROYKSOPP, "Röyksopp"), found(MYSTERIES, "Susanne Sundfør")), (1, 0));
}

#[test]
fn a_name_will_do_where_no_identifier_is_known() {
    let by_name = |name: &str| {
        let mut entry = with("artist_credit_name", json!(name));
        entry["artist_mbids"] = json!([MYSTERIES]);
        hints(&list(json!([entry]))).unwrap().len()
    };
    assert_eq!((by_name("SUSANNE SUNDFØR"), by_name("Susanne Sundfor")), (1, 0));
    assert_eq!(by_name("Röyksopp"), 0, "Röyksopp's identifier is known, and another");
}

#[test]
fn an_answer_of_another_shape_is_an_error_of_its_kind() {
    for changed in ["{}", "[]", "null", "<html>", r#"{"payload":[]}"#, r#"{"payload":{"x":1}}"#] {
        assert!(matches!(hints(changed), Err(Error::Unreadable(_))), "{changed}");
    }
    let whole = list(json!([mysteries()]));
    for cut in ["", &whole[..40], &whole[..whole.len() - 30]] {
        assert!(matches!(hints(cut), Err(Error::Unreachable(_))), "{cut}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in any::<Vec<u8>>()) {
        let _ = read(&mut &bytes[..], &watched(), now());
    }

    #[test]
    fn any_answer_that_is_cut_somewhere_is_no_panic(at in 0usize..400) {
        let whole = list(json!([mysteries()]));
        let cut = whole.as_bytes().get(..at).unwrap_or(whole.as_bytes());
        let _ = read(&mut &cut[..], &watched(), now());
    }
}

#[test]
fn an_answer_that_names_everybody_a_thousand_times_over_gives_no_more_than_it_can_be_right_about() {
    let group = |n: usize| json!(format!("{n:08x}-8a9c-4f96-92ae-befcdf3e0d32"));
    let entries: Vec<Value> = (0..3_000).map(|n| with("release_group_mbid", group(n))).collect();
    assert_eq!(hints(&list(json!(entries))).unwrap().len(), MAX_AT_ONCE);
}
