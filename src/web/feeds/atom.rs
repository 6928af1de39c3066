//! The Atom feed of new releases (RFC 4287).

use askama::Template;
use atom_syndication::{
    Category, Content, Entry as Written, Feed, FixedDateTime, Link, Person, Text,
};
use jiff::Timestamp;

use super::calendar::describe;
use crate::accounts::feeds::FeedState;
use crate::context::Ctx;
use crate::domain::feed::Entry;
use crate::domain::release::ReleaseDate;
use crate::domain::text::one_line;

/// The date part of tag URIs (RFC 4151), which must not change.
const SINCE: &str = "2026";

#[derive(Template)]
#[template(path = "feed_entry.html")]
struct Body<'a> {
    cover: Option<&'a str>,
    link: &'a str,
    title: &'a str,
    artists: &'a str,
    kind: &'static str,
    date: String,
}

/// Renders the feed; `own` is its URL.
pub(super) fn write(ctx: &Ctx, standing: &FeedState, own: &str, entries: &[Entry]) -> String {
    let domain = &ctx.mail_domain;
    let link = |href: String, rel: &str, kind: &str| Link {
        href,
        rel: rel.to_owned(),
        mime_type: Some(kind.to_owned()),
        ..Link::default()
    };
    let feed = Feed {
        id: format!("tag:{domain},{SINCE}:dropday/albums/{}", standing.user.0),
        title: Text::plain("New releases · Dropday"),
        subtitle: Some(Text::plain("New releases from the artists you follow on Spotify")),
        updated: time(standing.changed_at),
        authors: vec![Person { name: "Dropday".to_owned(), ..Person::default() }],
        links: vec![
            link(own.to_owned(), "self", "application/atom+xml"),
            link(ctx.url("/releases"), "alternate", "text/html"),
        ],
        entries: entries.iter().map(|entry| entry_of(entry, domain)).collect(),
        lang: Some("en".to_owned()),
        ..Feed::default()
    };
    feed.to_string()
}

fn entry_of(entry: &Entry, domain: &str) -> Written {
    let release = &entry.release;
    // XML cannot represent control characters.
    let (title, artists) = (one_line(release.shown_title()), one_line(&release.artist_line()));
    let body = Body {
        cover: release.cover.as_deref(),
        link: &release.link,
        title: &title,
        artists: &artists,
        kind: describe(entry),
        date: date(release.date),
    };
    let html = body.render().unwrap_or_default();
    let author = |artist: &crate::domain::artist::Artist| Person {
        name: one_line(&artist.name),
        ..Person::default()
    };
    let link = Link {
        href: one_line(&release.link),
        rel: "alternate".to_owned(),
        mime_type: Some("text/html".to_owned()),
        ..Link::default()
    };
    Written {
        id: format!("tag:{domain},{SINCE}:dropday/release/{}", release.id),
        title: Text::plain(if artists.is_empty() {
            title.clone()
        } else {
            format!("{artists}: {title}")
        }),
        updated: time(entry.changed_at),
        published: Some(time(entry.seen_at)),
        authors: release.artists.iter().map(author).collect(),
        categories: vec![Category { term: describe(entry).to_owned(), ..Category::default() }],
        links: vec![link],
        content: Some(Content {
            value: Some(html),
            content_type: Some("html".to_owned()),
            ..Content::default()
        }),
        ..Written::default()
    }
}

/// `out on 3 December 2026`, as precise as the date is known.
fn date(date: ReleaseDate) -> String {
    match date {
        ReleaseDate::Day(day) => day.strftime("out on %-d %B %Y").to_string(),
        ReleaseDate::Month(day) => day.strftime("out in %B %Y").to_string(),
        ReleaseDate::Year(day) => day.strftime("out in %Y").to_string(),
        ReleaseDate::Unknown => "release date unknown".to_owned(),
    }
}

fn time(at: Timestamp) -> FixedDateTime {
    // Cannot fail: it parses the format that was just written.
    format!("{at:.0}").parse().unwrap_or_default()
}
