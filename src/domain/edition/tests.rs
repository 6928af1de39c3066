//! Tests with a corpus of real albums and with arbitrary titles.

use proptest::prelude::*;

use super::*;
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::release::{ReleaseDate, ReleaseId, ReleaseKind};

const CORPUS: &str = include_str!("../../../tests/data/editions.tsv");

fn artist(name: &str) -> Artist {
    let id: String = name.bytes().map(|b| format!("{b:02x}")).take(30).collect();
    Artist::new(ArtistId::parse(&format!("a{id}")).unwrap(), name)
}

fn release(by: &str, kind: ReleaseKind, title: &str, date: &str, tracks: &str) -> Release {
    Release {
        id: ReleaseId::parse("x").unwrap(),
        title: title.to_owned(),
        kind,
        artists: vec![artist(by)],
        date: ReleaseDate::parse(date, None),
        tracks: tracks.parse().ok(),
        cover: None,
        link: String::new(),
    }
}

fn album(title: &str, date: &str) -> Release {
    release("Nobody", ReleaseKind::Album, title, date, "-")
}

struct Judged {
    a: Release,
    b: Release,
    is_same: bool,
    line: &'static str,
    goes_by_own_name: bool,
}

fn corpus() -> Vec<Judged> {
    let lines = CORPUS.lines().filter(|line| !line.starts_with('#')).skip(1);
    lines.map(judged).collect()
}

fn judged(line: &'static str) -> Judged {
    let f: Vec<&str> = line.split('\t').collect();
    assert_eq!(f.len(), 10, "{line}");
    let (kind_a, kind_b) = f[1].split_once('/').unwrap_or((f[1], f[1]));
    Judged {
        a: release(f[0], ReleaseKind::parse(kind_a), f[2], f[3], f[4]),
        b: release(f[0], ReleaseKind::parse(kind_b), f[5], f[6], f[7]),
        is_same: match f[8] {
            "same" => true,
            "different" => false,
            _ => panic!("{line}"),
        },
        line,
        goes_by_own_name: f[9].starts_with("own name: "),
    }
}

/// Precision and recall.
fn figures<'a>(pairs: impl Iterator<Item = &'a Judged>) -> (f64, f64) {
    let (mut hits, mut wrong, mut missed) = (0.0, 0.0, 0.0);
    for pair in pairs {
        match (same_album(&pair.a, &pair.b), pair.is_same) {
            (true, true) => hits += 1.0,
            (true, false) => wrong += 1.0,
            (false, true) => missed += 1.0,
            (false, false) => {}
        }
    }
    (hits / (hits + wrong), hits / (hits + missed))
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are shown with --nocapture")]
fn corpus_matches_human_judgement() {
    let corpus = corpus();
    let same = corpus.iter().filter(|pair| pair.is_same).count();
    let (precision, recall_of_all) = figures(corpus.iter());
    let (_, recall) = figures(corpus.iter().filter(|pair| !pair.goes_by_own_name));
    for pair in corpus.iter().filter(|pair| same_album(&pair.a, &pair.b) != pair.is_same) {
        let mark = if pair.goes_by_own_name { "not in the words" } else { "MISS" };
        println!("{mark}: {}", pair.line);
    }
    println!("{} pairs, {same} same: precision {precision:.4}, recall {recall:.4}", corpus.len());
    println!("with the editions that go by a name of their own: recall {recall_of_all:.4}");
    assert!(corpus.len() >= 160);
    assert!(precision >= 0.98 && recall >= 0.98, "see the list above");
}

#[test]
fn corpus_comparison_is_symmetric() {
    for pair in corpus() {
        assert_eq!(same_album(&pair.a, &pair.b), same_album(&pair.b, &pair.a), "{}", pair.line);
    }
}

/// Suffixes in many languages.
const SUFFIXES: &[&str] = &[
    "(Deluxe)",
    "[Deluxe Edition]",
    "{Super Deluxe}",
    "（Deluxe Edition）",
    "【デラックス・エディション】",
    "「豪華盤」",
    "(Expanded Edition)",
    "(Remastered 2009)",
    "(2011 Remaster)",
    "[2015 Remastered Version]",
    "(Bonus Track Version)",
    "(With Bonus Tracks)",
    "(+ Bonus Tracks)",
    "(Special Edition)",
    "(Limited Edition)",
    "(Collector's Edition)",
    "(Collector’s Edition)",
    "(20th Anniversary Edition)",
    "(Tenth Anniversary)",
    "(Explicit)",
    "[Clean]",
    "(Explicit Version)",
    "(UK Version)",
    "(U.S. Edition)",
    "(Japan Edition)",
    "(Standard Edition)",
    "(Deluxe) [2011 Remaster]",
    "(Re-Issue)",
    "(Re-Mastered)",
    "- Deluxe",
    "– Deluxe Edition",
    ": Deluxe Edition",
    "- 2011 Remaster",
    "- Remastered 2011",
    ": 25th Anniversary Edition",
    "~Deluxe Edition~",
    "-Deluxe Edition-",
    "Deluxe Edition",
    "Special Edition",
    "30th Anniversary Edition",
    "(iTunes Deluxe Version)",
    "(Apple Music Edition)",
    "(2CD Deluxe)",
    // German, French, Spanish, Portuguese, Italian
    "(Jubiläumsedition)",
    "(Deluxe-Ausgabe)",
    "(Limitierte Edition)",
    "(Erweiterte Ausgabe)",
    "(25 Jahre Jubiläums-Edition)",
    "(Édition Deluxe)",
    "(Édition limitée)",
    "[Réédition]",
    "(Édition 20ème anniversaire)",
    "(Version remasterisée)",
    "(Remasterisé en 2014)",
    "(Édition collector)",
    "(Edición Especial)",
    "(Edición Deluxe)",
    "(Edición de Lujo)",
    "(Edición 25 Aniversario)",
    "(Remasterizado 2011)",
    "(Versión Remasterizada)",
    "(Edição Especial)",
    "(Edição Comemorativa)",
    "(Edição de Luxo)",
    "(Remasterizado)",
    "(Edição de Aniversário)",
    "(Edizione Speciale)",
    "(Edizione Limitata)",
    "(Rimasterizzato)",
    "(25° Anniversario)",
    "(Ristampa)",
    // Swedish, Norwegian, Danish, Dutch, Finnish, Polish, Russian
    "(Jubileumsutgåva)",
    "(Specialutgåva)",
    "(Remastrad)",
    "(Utökad utgåva)",
    "(Jubileumsutgave)",
    "(Utvidet utgave)",
    "(Begrenset opplag)",
    "(Jubilæumsudgave)",
    "(Udvidet udgave)",
    "(Speciale Editie)",
    "(Luxe Editie)",
    "(Geremasterd)",
    "(Jubileumeditie)",
    "(Heruitgave)",
    "(Juhlapainos)",
    "(Erikoispainos)",
    "(Remasteroitu)",
    "(Laajennettu painos)",
    "(20-vuotisjuhlapainos)",
    "(Edycja Specjalna)",
    "(Edycja Limitowana)",
    "(Reedycja)",
    "(Zremasterowany)",
    "(Edycja rozszerzona)",
    "(Wersja Deluxe)",
    "(Юбилейное издание)",
    "(Делюкс-версия)",
    // Japanese, Korean, Chinese
    "(初回限定盤)",
    "(通常盤)",
    "(完全生産限定盤)",
    "(リマスター)",
    "(2020年リマスター)",
    "(20周年記念盤)",
    "【特別盤】",
    "(スペシャル・エディション)",
    "ﾃﾞﾗｯｸｽ盤",
    "(디럭스 에디션)",
    "(리패키지)",
    "(20주년 기념반)",
    "(2020 리마스터)",
    "(스페셜 에디션)",
    "(豪华版)",
    "(豪華版)",
    "(紀念版)",
    "(特別版)",
    "(限定版)",
    "（珍藏版）",
    "(20週年紀念版)",
];

#[test]
fn edition_suffix_is_removed_in_any_language() {
    for suffix in SUFFIXES {
        let name = Title::part(&format!("Nattens Sång {suffix}")).name;
        assert_eq!(name, "nattens sång", "{suffix}");
    }
}

#[test]
fn words_for_other_recordings_stay_in_name() {
    for suffix in [
        "(Live)",
        "(Taylor's Version)",
        "(Re-Recorded)",
        "(Acoustic)",
        "(Instrumental)",
        "(Remixes)",
        "(Vol. 2)",
        "(Part II)",
        "(English Version)",
        "(Japanese Version)",
        "-JP Ver.-",
        "(2018)",
        "(2018 Version)",
        "(Live Edition)",
        "(Acoustic Deluxe Edition)",
        "- EP",
        "- Live",
        ": The Remixes",
        "(Original Motion Picture Soundtrack)",
        "(Original Score)",
        "(Steven Wilson Remix)",
        "(Sped Up)",
        "(Demos)",
        "(Karaoke Version)",
        "(ライブ)",
        "(라이브)",
        "(Drumless Edition)",
        "(En Vivo)",
        "2",
        "II",
    ] {
        let plain = album("Nattens Sång", "2020-01-01");
        let other = album(&format!("Nattens Sång {suffix}"), "2020-01-01");
        assert!(!same_album(&plain, &other), "{suffix}");
        let deluxe = Title::part(&format!("Nattens Sång {suffix} (Deluxe)")).name;
        assert_eq!(deluxe, Title::part(&other.title).name, "{suffix}");
    }
}

#[test]
fn title_of_edition_words_only_is_kept() {
    for title in
        ["Deluxe", "(Deluxe)", "Limited Edition", "The Deluxe Edition", "Remastered", "-", "+"]
    {
        assert_eq!(Title::part(title).name, fold(title));
    }
    assert_eq!(Title::part("Live at Leeds (Live / Remastered)").name, "live at leeds (live)");
    assert_eq!(Title::part("Chicago 17 Deluxe Edition").name, "chicago 17");
}

#[test]
fn edition_words_are_shown_as_written() {
    let words = |title| edition_words(&album(title, "2020"));
    assert_eq!(words("CTRL (Deluxe)").as_deref(), Some("Deluxe"));
    assert_eq!(words("X (Deluxe) [2011 Remaster]").as_deref(), Some("Deluxe, 2011 Remaster"));
    assert_eq!(words("X - Édition spéciale").as_deref(), Some("Édition spéciale"));
    assert_eq!(words("X (Deluxe) [Explicit]").as_deref(), Some("Deluxe"));
    assert_eq!(words("X (Explicit)").or(words("X")).or(words("Deluxe")), None);
}

#[test]
fn ep_differs_from_its_title_song() {
    let single = |tracks| release("Nobody", ReleaseKind::Single, "Ribs", "2020-01-01", tracks);
    assert!(!same_album(&single("1"), &single("5")));
    assert!(same_album(&single("1"), &single("2")) && same_album(&single("5"), &single("-")));
}

#[test]
fn joint_album_matches_in_either_artist_order() {
    let mut ab = album("Do It Again", "2014-05-23");
    ab.artists.push(artist("Robyn"));
    let mut ba = ab.clone();
    ba.artists.reverse();
    assert!(same_album(&ab, &ba));
    let guest = Release { artists: vec![artist("Robyn")], ..ab.clone() };
    assert!(!same_album(&ab, &guest), "Robyn's own of that name");
    let nobodys = Release { artists: Vec::new(), ..ab };
    assert!(!same_album(&nobodys, &nobodys));
}

#[test]
fn various_artists_are_recognised_by_id_and_name() {
    let by_id = Artist::new(ArtistId::parse("0LyfQWJT6nXafLPZqxe9Of").unwrap(), "Anything");
    assert!(is_various_artists(&by_id));
    for name in ["Various Artists", "VARIOS ARTISTAS", "Vários Artistas", "群星", "Różni Wykonawcy"]
    {
        assert!(is_various_artists(&artist(name)), "{name}");
    }
    for name in ["Various", "Diverse", "Various Production", "VA", ""] {
        assert!(!is_various_artists(&artist(name)), "{name}");
    }
}

fn any_release() -> impl Strategy<Value = Release> {
    let titles = prop_oneof![
        any::<String>(),
        "[()\\[\\]{}「」~:;/ +-]{0,12}",
        (any::<String>(), prop::sample::select(SUFFIXES)).prop_map(|(t, s)| format!("{t} {s}")),
        prop::sample::select(vec![
            "Weezer",
            "Weezer (Deluxe)",
            "Weezer (30th Anniversary)",
            "Weezer 25"
        ])
        .prop_map(Into::into),
    ];
    let dates = prop_oneof!["", "(19|20)[0-9]{2}", "(199|200)[0-9]-0[1-9]-[0-2][1-8]"];
    (titles, dates, prop::option::of(0..60_u32), any::<bool>()).prop_map(
        |(title, date, tracks, single)| {
            let kind = if single { ReleaseKind::Single } else { ReleaseKind::Album };
            Release { tracks, ..release("Weezer", kind, &title, &date, "-") }
        },
    )
}

proptest! {
    #[test]
    fn comparison_is_symmetric(a in any_release(), b in any_release()) {
        prop_assert_eq!(same_album(&a, &b), same_album(&b, &a));
        prop_assert!(a.date == ReleaseDate::Unknown || a.title.is_empty() || same_album(&a, &a));
    }

    #[test]
    fn title_is_never_normalised_to_nothing(title in any::<String>()) {
        let title = crate::domain::text::one_line(&title);
        prop_assert_eq!(Title::part(&title).name.is_empty(), title.is_empty());
    }

    #[test]
    fn suffixes_do_not_change_the_name(
        title in "[\\PC]{0,20}[\\p{L}\\p{N}\\p{P}]", suffixes in prop::collection::vec(prop::sample::select(SUFFIXES), 1..3)
    ) {
        let name = Title::part(&title).name;
        // Suffixes without a separator need more evidence.
        let marked = suffixes.iter().filter(|s| !s.starts_with(char::is_alphanumeric));
        let long = marked.fold(title, |title, suffix| format!("{title} {suffix}"));
        prop_assert_eq!(Title::part(&long).name, name);
    }

    #[test]
    fn case_and_width_do_not_change_the_name(title in "[A-Za-zÀ-ÖØ-öø-ÿßŒœΑ-Ωα-ως0-9 ()\\[\\]:!'-]{1,30}") {
        let title = crate::domain::text::one_line(&title);
        let name = |title: &str| Title::part(title).name;
        let wide: String = title
            .chars()
            .map(|c| match c {
                '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap(),
                ' ' => '\u{3000}',
                _ => c,
            })
            .collect();
        prop_assert_eq!(name(&title.to_uppercase()), name(&title));
        prop_assert_eq!(name(&title.to_lowercase()), name(&title));
        prop_assert_eq!(name(&wide), name(&title));
    }
}
