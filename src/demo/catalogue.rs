//! Invented artists and albums. Any resemblance to real ones is a coincidence.

use jiff::ToSpan;
use jiff::civil::Date;

use super::world::{Artist, FakeUserId, Group, NewAlbum, World};
use crate::domain::release::ReleaseKind::{self, Album, Compilation, Single};

/// The users and artists that [`populate`] adds.
#[derive(Debug, Clone)]
pub struct SeedUsers {
    /// Follows most of the artists.
    pub martha: FakeUserId,
    /// Follows a few.
    pub jonas: FakeUserId,
    /// The ids of all artists, in the order of the back catalogue.
    pub artists: Vec<String>,
}

/// A release of the past: title, date, kind, tracks.
type Old = (&'static str, &'static str, ReleaseKind, u32);

/// The artists and their past releases.
const BACK_CATALOGUE: &[(&str, &[Old])] = &[
    (
        "The Paper Lanterns",
        &[
            ("Kitchen Radio", "2011-03-18", Album, 11),
            ("Slow Ferry Home", "2014-09-05", Album, 10),
            ("Rooms We Rented", "2018-02-23", Album, 12),
            ("Tin Roof Weather", "2022-10-14", Album, 9),
            ("Streetlight Etiquette", "2024-05-31", Single, 1),
        ],
    ),
    (
        "Åsa Lindqvist-Moe",
        &[
            ("Fjordlys", "2016-01-29", Album, 8),
            ("Stille som snø", "2019-11-08", Album, 9),
            ("Nattferge", "2023-02-17", Album, 8),
            ("Brev til ingen", "2021-06-11", Single, 4),
        ],
    ),
    (
        "Orquesta del Faro",
        &[
            ("Música para mareas", "1994", Album, 10),
            ("El último trasbordador", "1997-10", Album, 12),
            ("Sábado en la azotea", "2001-06-12", Album, 11),
            ("Viento del puerto", "2006-04-03", Album, 13),
            ("Treinta años de sal", "2024-09-20", Compilation, 28),
        ],
    ),
    (
        "夜行バス楽団",
        &[
            ("回送", "2017-07-07", Album, 9),
            ("終点のつづき", "2020-12-02", Album, 10),
            ("窓際の天気図", "2024-04-24", Album, 11),
            ("三号車", "2022-08-10", Single, 3),
        ],
    ),
    (
        "فرقة الميناء القديم",
        &[
            ("حكايات الرصيف", "2013-05-10", Album, 8),
            ("قهوة الفجر", "2018-10-26", Album, 9),
            ("مفاتيح البيت الأزرق", "2023-06-16", Album, 10),
        ],
    ),
    (
        "להקת המרפסת",
        &[("שכנים למעלה", "2015-08-21", Album, 10), ("כביסה בשבת", "2021-03-12", Album, 11)],
    ),
    (
        "🌵 Prickly & the Pears",
        &[
            ("Ouch 🌵", "2020-04-01", Album, 14),
            ("Watered Twice a Year", "2022-07-29", Album, 12),
            ("Repotted 🪴", "2025-01-17", Album, 13),
            ("Sunny Windowsill", "2025-06-06", Single, 1),
        ],
    ),
    (
        "Měsíční kancelář",
        &[
            ("Úřední hodiny", "2012-11-09", Album, 9),
            ("Razítko a tma", "2016-09-30", Album, 10),
            ("Žádost o jaro", "2021-04-16", Album, 9),
        ],
    ),
    (
        "Harrow & Quill",
        &[
            ("Fieldnotes, Vol. I", "2009-09-14", Album, 7),
            ("Fieldnotes, Vol. II", "2010-09-13", Album, 7),
            ("Fieldnotes, Vol. III", "2011-09-12", Album, 7),
            ("Fieldnotes, Vol. IV", "2012-09-17", Album, 7),
            ("The Long Hedge", "2014-03-28", Album, 10),
            ("Winter Barley", "2015-11-20", Album, 9),
            ("Ditch and Copse", "2017-05-19", Album, 10),
            ("Lambing Season", "2018-03-02", Album, 8),
            ("An Almanac of Small Repairs", "2019-10-11", Album, 12),
            ("Gate", "2020-05-15", Album, 6),
            ("Stile", "2020-11-13", Album, 6),
            ("Hollow Way", "2022-04-08", Album, 9),
            ("Rookery", "2023-09-22", Album, 10),
            ("The Weather Glass", "2025-03-14", Album, 11),
        ],
    ),
    (
        "Nokturna 7",
        &[
            ("Phase Garden", "2019-02-08", Album, 8),
            ("Low Orbit Lullabies", "2021-09-17", Album, 9),
            ("Soft Machinery Hours", "2024-11-01", Album, 10),
            ("Hum (Remixes)", "2022-03-04", Single, 5),
        ],
    ),
    (
        "Tante Frieda’s Blaskapelle",
        &[
            ("Noch ein Stück Kuchen", "2008-12-05", Album, 16),
            ("Große Pause", "2013-05-24", Album, 15),
            ("Übermorgen ist Kirchweih", "2019-08-30", Album, 17),
        ],
    ),
    (
        "Malia Kealoha Quartet",
        &[
            ("Blue Hour Harbor", "2016-06-24", Album, 8),
            ("Tidepool Standards", "2022-01-21", Album, 9),
        ],
    ),
];

/// The releases of the demo: artist, title, tracks.
const UPCOMING: &[(&str, &str, u32)] = &[
    ("The Paper Lanterns", "Borrowed Umbrellas", 11),
    ("夜行バス楽団", "始発まで", 10),
    ("Åsa Lindqvist-Moe", "Fyrvokterens drøm", 9),
    ("🌵 Prickly & the Pears", "Needle Drop 🌵🎶", 12),
    ("فرقة الميناء القديم", "رسائل لم تصل", 9),
    ("Harrow & Quill", "Fieldnotes, Vol. V", 7),
    ("Orquesta del Faro", "La lámpara y la niebla", 12),
    ("Měsíční kancelář", "Přesčas", 8),
    ("Nokturna 7", "A Slow Form of Lightning", 10),
    ("להקת המרפסת", "גשם על הגג", 10),
    ("Tante Frieda’s Blaskapelle", "Sonntags um drei", 18),
    ("Malia Kealoha Quartet", "Small Boats, Late Light", 8),
    ("The Paper Lanterns", "The Long Way Downstairs", 10),
    ("Nokturna 7", "Kelp Signals", 9),
    ("🌵 Prickly & the Pears", "<b>Bold</b> & Spiky", 13),
    ("Harrow & Quill", "Chaffinch, Again", 9),
];

/// Adds the artists, their releases up to `today`, and two users who follow some of them.
pub fn populate(world: &World, today: Date) -> SeedUsers {
    let artists: Vec<String> = BACK_CATALOGUE
        .iter()
        .map(|(name, albums)| {
            let artist = world.add_artist(*name);
            for old in albums.iter().filter(|(_, date, ..)| **date <= *today.to_string()) {
                world.publish(&artist, old_album(old));
            }
            artist
        })
        .collect();
    let recently = today.saturating_sub(75.days()).to_string();
    let shared = NewAlbum { tracks: 6, ..NewAlbum::titled("Two Harbors, One Bell") };
    world.publish(&artists[11], shared.on(recently).with(&artists[2]));
    let martha = world.add_user("Martha");
    artists.iter().filter(|id| **id != artists[10]).for_each(|id| world.follow(martha, id));
    let jonas = world.add_user("Jonas");
    artists.iter().step_by(3).for_each(|id| world.follow(jonas, id));
    SeedUsers { martha, jonas, artists }
}

/// The artist's next album: from `UPCOMING`, and after those one with a number for a title.
pub fn next_album(world: &World, artist: &Artist) -> NewAlbum {
    let out = world.albums_of(&artist.id, &Group::ALL);
    let is_out = |title: &str| out.iter().any(|album| album.title == title);
    let planned = UPCOMING.iter().find(|(name, title, _)| *name == artist.name && !is_out(title));
    match planned {
        Some((_, title, tracks)) => NewAlbum { tracks: *tracks, ..NewAlbum::titled(*title) },
        None => NewAlbum::titled(format!("No. {}", out.len() + 1)),
    }
}

fn old_album(&(title, date, kind, tracks): &Old) -> NewAlbum {
    NewAlbum { tracks, ..NewAlbum::titled(title).on(date).as_a(kind) }
}

#[cfg(test)]
mod tests {
    use super::super::world::testing::world;
    use super::*;

    #[test]
    fn upcoming_albums_are_new_albums_of_known_artists() {
        for (artist, title, _) in UPCOMING {
            let (_, old) = BACK_CATALOGUE.iter().find(|(name, _)| name == artist).unwrap();
            assert!(old.iter().all(|(old, ..)| old != title), "{title}");
        }
    }

    #[test]
    fn next_album_always_has_a_new_title() {
        let (world, _) = world();
        let users = populate(&world, "2026-11-23".parse().unwrap());
        let artist = world.artist(&users.artists[0]).unwrap();
        let mut titles = std::collections::HashSet::new();
        for _ in 0..80 {
            let album = next_album(&world, &artist);
            assert!(titles.insert(album.title.clone()), "{} twice", album.title);
            world.publish(&artist.id, album);
        }
        assert!(titles.contains("Borrowed Umbrellas"));
    }

    #[test]
    fn populate_leaves_out_later_releases() {
        let (world, _) = world();
        let users = populate(&world, "2015-01-01".parse().unwrap());
        for artist in &users.artists {
            let albums = world.albums_of(artist, &Group::ALL);
            assert!(albums.iter().all(|album| *album.date <= *"2015-01-01"));
        }
    }
}
