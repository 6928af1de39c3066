use jiff::ToSpan;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::domain::artist_list::ListKind::{Albums, Appearances, Compilations, Singles};
use crate::domain::artist_list::ListState;
use crate::domain::release::ReleaseDate;
use crate::domain::release_query::ReleaseQuery::Only;

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

/// A list as Spotify returns it: newest first, one group after the other.
fn group(kind: ReleaseKind, new: usize, old: usize) -> impl Iterator<Item = Release> {
    let of = move |is_new| move |number| release(kind, number, is_new);
    (0..new).map(of(true)).chain((0..old).map(of(false)))
}

impl FetchPlan {
    fn later(query: ReleaseQuery, total_before: Option<u64>) -> Self {
        let window = NewsWindow::later(None, TODAY);
        Self { query, window, is_initial_scan: false, total_before, checked: None }
    }
}

const TOGETHER: ReleaseQuery = ReleaseQuery::AlbumsAndSingles;

struct Read {
    found: usize,
    pages: u32,
}

/// Fetches a list whose old releases are known, from a server that claims `claimed` as `total`.
fn read_list(
    query: ReleaseQuery,
    list: &[Release],
    claimed: Option<u64>,
    before: Option<u64>,
) -> Read {
    let old = list.iter().filter(|release| release.date != ReleaseDate::Day(TODAY));
    let seen = old.map(|release| release.id.clone()).collect();
    let plan = FetchPlan::later(query, before);
    let mut reader = Reader::new(&plan, &seen);
    loop {
        let from = usize::try_from(reader.progress.entries).unwrap().min(list.len());
        let releases = list[from..].iter().take(PAGE as usize).cloned().collect::<Vec<_>>();
        let entries = releases.len();
        reader.take(AlbumsPage { releases, entries, total: claimed }, TODAY);
        if !reader.wants_next_page() {
            return Read { found: reader.unseen.len(), pages: reader.progress.pages };
        }
    }
}

#[test]
fn list_without_news_takes_one_page() {
    for (query, list) in [
        (Only(Albums), group(ReleaseKind::Album, 0, 30).collect::<Vec<_>>()),
        (Only(Singles), group(ReleaseKind::Single, 0, 90).collect()),
        (Only(Compilations), group(ReleaseKind::Compilation, 0, 30).collect()),
        (Only(Appearances), group(ReleaseKind::Compilation, 0, 300).collect()),
        (TOGETHER, {
            let albums = group(ReleaseKind::Album, 0, 7);
            albums.chain(group(ReleaseKind::Single, 0, 90)).collect()
        }),
    ] {
        let read = read_list(query, &list, Some(list.len() as u64), Some(list.len() as u64));
        assert_eq!((read.found, read.pages), (0, 1), "{query:?}");
    }
}

#[test]
fn initial_scan_of_appearances_takes_one_page() {
    let wanted_since = TODAY.tomorrow().unwrap();
    let plan = FetchPlan {
        window: NewsWindow::initial(wanted_since),
        is_initial_scan: true,
        ..FetchPlan::later(Only(Appearances), None)
    };
    let seen = HashSet::new();
    let mut reader = Reader::new(&plan, &seen);
    let releases = group(ReleaseKind::Album, 10, 0).collect();
    reader.take(AlbumsPage { releases, entries: 10, total: Some(1_335) }, TODAY);
    assert!(!reader.wants_next_page());
}

#[test]
fn grown_secondary_list_is_searched_on_four_pages_at_most() {
    for list in ListKind::SECONDARY {
        let list_of = |new| group(ReleaseKind::Compilation, new, 90).collect::<Vec<_>>();
        let read = |new, total| read_list(Only(list), &list_of(new), Some(total), Some(90));
        assert_eq!(read(0, 91).pages, 4, "{list:?}");
        assert_eq!((read(3, 93).found, read(3, 93).pages), (3, 1), "{list:?}");
        assert_eq!((read(90, 180).found, read(90, 180).pages), (40, 4), "{list:?}");
    }
}

proptest! {
    #[test]
    fn all_new_releases_are_found_whatever_the_total_says(
        new_albums in 0usize..25, new_singles in 0usize..25, old_albums in 0usize..30,
        old_singles in 0usize..90, claimed in any::<Option<u64>>(), before in any::<Option<u64>>(),
    ) {
        let now = Timestamp::UNIX_EPOCH;
        let list = |kind| ListState {
            wanted_since: Some(now),
            checked_at: Some(now),
            ..ListState::new(kind)
        };
        let lists = ArtistLists::new(old_albums as u64, ListKind::ALL.map(list));
        let albums: Vec<_> = group(ReleaseKind::Album, new_albums, old_albums).collect();
        let singles: Vec<_> = group(ReleaseKind::Single, new_singles, old_singles).collect();
        let mut found = 0;
        for query in lists.main_queries(u64::from(PAGE), now) {
            let list = match query {
                Only(Albums) => albums.clone(),
                Only(Singles) => singles.clone(),
                Only(_) => unreachable!("secondary lists are fetched later"),
                ReleaseQuery::AlbumsAndSingles => [albums.clone(), singles.clone()].concat(),
            };
            let read = read_list(*query, &list, claimed, before);
            prop_assert!(read.pages <= detection::MAX_PAGES);
            found += read.found;
        }
        prop_assert_eq!(found, new_albums + new_singles);
    }

    #[test]
    fn any_pages_end_fetching_soon(
        kinds in prop::collection::vec(any::<bool>(), 0..20), entries in 0usize..40, total in any::<Option<u64>>(),
        query in prop::sample::select(vec![
            TOGETHER, Only(Albums), Only(Singles), Only(Compilations), Only(Appearances),
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
