use jiff::ToSpan;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::domain::release::ReleaseDate;

const TODAY: Date = date(2026, 11, 23);

fn release(kind: ReleaseKind, number: usize, is_new: bool) -> Release {
    let day = if is_new { TODAY } else { TODAY.saturating_sub((100 + number as i64).days()) };
    Release {
        id: ReleaseId::parse(&format!("{}{number}{is_new}", kind.as_str())).unwrap(),
        title: format!("Number {number}"),
        kind,
        artists: Vec::new(),
        date: ReleaseDate::Day(day),
        tracks: None,
        cover: None,
        link: String::new(),
    }
}

/// A list as Spotify shows it: the newest first, a group at a time.
fn group(kind: ReleaseKind, new: usize, old: usize) -> impl Iterator<Item = Release> {
    let of = move |is_new| move |number| release(kind, number, is_new);
    (0..new).map(of(true)).chain((0..old).map(of(false)))
}

impl FetchPlan {
    fn later(query: ReleaseQuery, total: Option<u64>) -> Self {
        Self {
            query,
            news_window: NewsWindow::later(None, TODAY),
            must_be_whole: false,
            total,
            checked: None,
        }
    }
}

struct Told {
    found: usize,
    pages: u32,
}

/// Reads a list of which the old ones were seen, from a server whose `total` says `claimed`.
fn read_list(
    query: ReleaseQuery,
    list: &[Release],
    claimed: Option<u64>,
    before: Option<u64>,
) -> Told {
    let old = list.iter().filter(|release| release.date != ReleaseDate::Day(TODAY));
    let seen = old.map(|release| release.id.clone()).collect();
    let plan = FetchPlan::later(query, before);
    let mut reader = Reader::new(&plan, &seen);
    loop {
        let from = usize::try_from(reader.reading.entries).unwrap().min(list.len());
        let releases = list[from..].iter().take(PAGE as usize).cloned().collect::<Vec<_>>();
        let entries = releases.len();
        reader.take(AlbumsPage { releases, entries, total: claimed }, TODAY);
        if !reader.wants_next_page() {
            return Told { found: reader.unseen.len(), pages: reader.reading.pages };
        }
    }
}

#[test]
fn where_nothing_is_new_one_page_will_do() {
    for (query, list) in [
        (ReleaseQuery::Albums, group(ReleaseKind::Album, 0, 30).collect::<Vec<_>>()),
        (ReleaseQuery::Singles, group(ReleaseKind::Single, 0, 90).collect()),
        (
            ReleaseQuery::Secondary(SecondaryList::Compilations),
            group(ReleaseKind::Compilation, 0, 30).collect(),
        ),
        (
            ReleaseQuery::Secondary(SecondaryList::Appearances),
            group(ReleaseKind::Compilation, 0, 300).collect(),
        ),
        (ReleaseQuery::AlbumsAndSingles, {
            let albums = group(ReleaseKind::Album, 0, 7);
            albums.chain(group(ReleaseKind::Single, 0, 90)).collect()
        }),
    ] {
        let told = read_list(query, &list, Some(list.len() as u64), Some(list.len() as u64));
        assert_eq!((told.found, told.pages), (0, 1), "{query:?}");
    }
}

#[test]
fn a_initial_scan_at_what_an_artist_appears_on_takes_one_page_however_young_and_long_the_list_is() {
    let wanted_since = TODAY.tomorrow().unwrap();
    let plan = FetchPlan {
        news_window: NewsWindow::first(wanted_since),
        ..FetchPlan::later(ReleaseQuery::Secondary(SecondaryList::Appearances), None)
    };
    let seen = HashSet::new();
    let mut reader = Reader::new(&plan, &seen);
    let releases = group(ReleaseKind::Album, 10, 0).collect();
    reader.take(AlbumsPage { releases, entries: 10, total: Some(1_335) }, TODAY);
    assert!(!reader.wants_next_page());
}

#[test]
fn a_secondary_list_that_grew_is_searched_on_four_pages_at_most() {
    for list in SecondaryList::ALL {
        let list_of = |new| group(ReleaseKind::Compilation, new, 90).collect::<Vec<_>>();
        let told = |new, total| {
            read_list(ReleaseQuery::Secondary(list), &list_of(new), Some(total), Some(90))
        };
        assert_eq!(told(0, 91).pages, 4, "{list:?}");
        assert_eq!((told(3, 93).found, told(3, 93).pages), (3, 1), "{list:?}");
        assert_eq!((told(90, 180).found, told(90, 180).pages), (40, 4), "{list:?}");
    }
}

proptest! {
    #[test]
    fn all_that_is_new_is_found_whatever_the_total_says(
        new_albums in 0usize..25, new_singles in 0usize..25, old_albums in 0usize..30,
        old_singles in 0usize..90, claimed in any::<Option<u64>>(), before in any::<Option<u64>>(),
    ) {
        let known = Known {
            albums: old_albums as u64,
            wants_singles: true,
            had_initial_scans: true,
            only_singles_are_left: false,
        };
        let albums: Vec<_> = group(ReleaseKind::Album, new_albums, old_albums).collect();
        let singles: Vec<_> = group(ReleaseKind::Single, new_singles, old_singles).collect();
        let mut found = 0;
        for query in known.looks(u64::from(PAGE)) {
            let list = match query {
                ReleaseQuery::Albums => albums.clone(),
                ReleaseQuery::Singles => singles.clone(),
                ReleaseQuery::Secondary(_) => unreachable!("no list of a check as such"),
                ReleaseQuery::AlbumsAndSingles => [albums.clone(), singles.clone()].concat(),
            };
            let told = read_list(*query, &list, claimed, before);
            prop_assert!(told.pages <= detection::MAX_PAGES);
            found += told.found;
        }
        prop_assert_eq!(found, new_albums + new_singles);
    }

    #[test]
    fn a_page_of_anything_ends_a_reading_soon(
        kinds in prop::collection::vec(any::<bool>(), 0..20), entries in 0usize..40, total in any::<Option<u64>>(),
        query in prop::sample::select(vec![
            ReleaseQuery::Albums, ReleaseQuery::Singles, ReleaseQuery::AlbumsAndSingles,
            ReleaseQuery::Secondary(SecondaryList::Compilations), ReleaseQuery::Secondary(SecondaryList::Appearances),
        ]),
    ) {
        let kind = |single| if single { ReleaseKind::Single } else { ReleaseKind::Album };
        let releases: Vec<_> =
            kinds.iter().enumerate().map(|(n, single)| release(kind(*single), n, true)).collect();
        let plan = FetchPlan::later(query, None);
        let seen = HashSet::new();
        let mut reader = Reader::new(&plan, &seen);
        for _ in 0..detection::MAX_PAGES {
            let page = AlbumsPage { releases: releases.clone(), entries, total };
            reader.take(page, TODAY);
        }
        prop_assert!(!reader.wants_next_page());
    }
}
