//! The new releases page: what the user's artists released, and whether an email announced it.

mod load;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

use self::load::{Filter, Item, ReleaseList, load};
use super::page::{self, PageResult};
use super::session::{CurrentUser, Fields, PageContext, UrlQuery};
use super::time::DisplayTime;
use crate::context::Ctx;
use crate::domain::release_filter::Category;
use crate::store::outbox::DeliveryStatus;

/// The kinds to filter by, with their names in URLs and on the page.
const KINDS: [(Category, &str, &str); 6] = [
    (Category::Album, "albums", "Albums"),
    (Category::Single, "singles", "Singles and EPs"),
    (Category::Compilation, "compilations", "Compilations"),
    (Category::Live, "live", "Live"),
    (Category::Remixes, "remixes", "Remixes"),
    (Category::Appearance, "appearances", "Guest appearances"),
];

#[derive(Template)]
#[template(path = "releases.html")]
struct ReleasesPage {
    frame: PageContext,
    now: Timestamp,
    zone: TimeZone,
    kind: Option<Category>,
    is_first_page: bool,
    /// Whether the list of the chosen kind is checked for this user.
    is_pending: bool,
    months: Vec<(DisplayTime, Vec<Item>)>,
    /// Where the next page starts, if there is one.
    older: Option<i64>,
}

impl ReleasesPage {
    /// This page in the menu.
    const PATH: &str = "/releases";

    fn new(frame: PageContext, filter: Filter, found: ReleaseList, now: Timestamp) -> Self {
        Self {
            frame,
            now,
            kind: filter.kind,
            is_first_page: filter.before.is_none(),
            is_pending: found.is_pending,
            months: by_month(found.items, &found.zone),
            older: found.older,
            zone: found.zone,
        }
    }

    fn exact(&self, at: &Timestamp) -> DisplayTime {
        DisplayTime::exact(*at, &self.zone)
    }

    fn is_past(&self, at: &Timestamp) -> bool {
        *at <= self.now
    }

    /// The chosen kind as URLs name it.
    fn word(&self) -> Option<&'static str> {
        KINDS.iter().find(|(kind, ..)| Some(*kind) == self.kind).map(|(_, word, _)| *word)
    }

    /// The URL of the next page.
    fn older_path(&self) -> Option<String> {
        let kind = self.word().map(|word| format!("kind={word}&")).unwrap_or_default();
        self.older.map(|before| format!("/releases?{kind}before={before}"))
    }

    /// The URL of the first page.
    fn latest_path(&self) -> String {
        self.word().map_or_else(|| "/releases".to_owned(), |word| format!("/releases?kind={word}"))
    }
}

/// Groups consecutive items by the month in which they were recorded.
fn by_month(items: Vec<Item>, zone: &TimeZone) -> Vec<(DisplayTime, Vec<Item>)> {
    let mut months: Vec<(civil::Date, Vec<Item>)> = Vec::new();
    for item in items {
        let month = zone.to_datetime(item.seen_at).date().first_of_month();
        match months.last_mut() {
            Some((last, items)) if *last == month => items.push(item),
            _ => months.push((month, vec![item])),
        }
    }
    months.into_iter().map(|(month, items)| (DisplayTime::month(month), items)).collect()
}

pub(super) async fn show(
    State(ctx): State<Arc<Ctx>>,
    UrlQuery(query): UrlQuery,
    current_user: CurrentUser,
) -> PageResult {
    let (filter, user) = (filter(&query), current_user.user);
    let found = ctx.db.read("load releases page", move |tx| load(tx, user, filter)).await?;
    let Some(found) = found else { return Ok(Redirect::to("/").into_response()) };
    Ok(page::render(&ReleasesPage::new(current_user.frame, filter, found, ctx.clock.now())))
}

/// Parses the query string; invalid values count as absent.
fn filter(fields: &Fields) -> Filter {
    let named = KINDS.iter().find(|(_, word, _)| *word == fields.value("kind"));
    let kind = named.map(|(kind, ..)| *kind);
    let before = fields.value("before").parse().ok().filter(|place| *place > 0);
    Filter { kind, before }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filter(query: &str) -> Filter {
        super::filter(&Fields::parse(query))
    }

    #[test]
    fn query_is_parsed_as_far_as_possible() {
        let live = Filter { kind: Some(Category::Live), before: Some(7) };
        assert_eq!(filter("kind=live&before=7"), live);
        assert_eq!(filter("before=7&kind=live&kind=albums&before=9"), live);
        let all = Filter { kind: None, before: None };
        for odd in ["", "kind=Live", "kind=", "before=-1", "before=0", "before=1e3", "&&=&%ff=%fe"]
        {
            assert_eq!(filter(odd), all, "{odd}");
        }
        assert_eq!(filter("before=99999999999999999999"), all);
    }

    proptest! {
        #[test]
        fn any_query_is_parsed_without_panic(query in any::<String>()) {
            let before = filter(&query).before;
            prop_assert!(before.is_none_or(|place| place > 0));
        }
    }
}
