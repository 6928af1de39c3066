//! The artists page: which artists a user follows, when each was checked, and why one is overdue.

use dropday::demo::world::{Endpoint, Fault, NewAlbum};
use dropday::domain::artist::ArtistId;
use dropday::domain::artist_list::ListKind;
use dropday::domain::release_query::ReleaseQuery;
use dropday::domain::user::UserId;
use dropday::jobs::Scope;
use dropday::store::artist_lists::{self, ListCheck};
use dropday::store::artists;
use dropday::store::{Tx, follows, preferences};
use jiff::SignedDuration;
use reqwest::StatusCode;
use scraper::{Html, Selector};

use crate::test_app::{Listener, TestApp};
use crate::visitor::Answer;

fn all(html: &str, selector: &str) -> Vec<String> {
    let page = Html::parse_document(html);
    let selector = Selector::parse(selector).unwrap();
    let text = |element: scraper::ElementRef<'_>| {
        element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    page.select(&selector).map(text).collect()
}

fn names(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    all(&answer.body, "tbody th")
}

/// The cells of an artist's row: last album, last check, mute button.
fn row(answer: &Answer, name: &str) -> Vec<String> {
    let place = names(answer).iter().position(|found| found == name);
    let place = place.unwrap_or_else(|| panic!("{name} is not listed"));
    all(&answer.body, "tbody td")[place * 3..place * 3 + 3].to_vec()
}

fn status_line(answer: &Answer) -> String {
    all(&answer.body, "[role=status]").join(" ")
}

async fn muted(app: &TestApp, user: i64) -> usize {
    let muted = move |tx: &Tx<'_>| preferences::muted(tx, UserId(user));
    app.ctx.db.read("test", muted).await.unwrap().len()
}

async fn page(listener: &Listener, query: &str) -> Answer {
    listener.browser.get(&format!("/artists{query}")).await
}

#[tokio::test]
async fn artists_page_shows_last_album_and_last_check() {
    let app = TestApp::new().await;
    let (old, new) = (app.world.add_artist("Röyksopp"), app.world.add_artist("Robyn"));
    let none = app.world.add_artist("Nobody Yet");
    app.world.publish(&old, NewAlbum::titled("Melody A.M.").on("2001-09-03"));
    app.world.publish(&old, NewAlbum::titled("Junior").on("2009-03-20"));
    app.world.publish(&new, NewAlbum::titled("Body Talk").on("2010-11"));
    let martha = app.listener("Martha", &[&old, &new, &none]).await;
    app.follows().await;
    let before = page(&martha, "").await;
    assert_eq!(names(&before), ["Nobody Yet", "Robyn", "Röyksopp"]);
    assert_eq!(row(&before, "Robyn")[..2], ["not known yet", "not yet"]);
    app.round().await;
    let after = page(&martha, "").await;
    let [album, checked, emails] = &row(&after, "Röyksopp")[..] else { panic!() };
    assert_eq!(album, "Junior, 20 March 2009");
    assert_eq!(checked, "23 November 2026, 12:00");
    assert_eq!(emails, "Mute");
    assert_eq!(row(&after, "Robyn")[0], "Body Talk, November 2010");
    assert_eq!(row(&after, "Nobody Yet")[0], "none known");
    assert!(after.body.contains(&format!("https://open.spotify.com/artist/{old}")));
    assert!(after.body.contains("unfollow them in Spotify"), "{}", after.body);
    app.world.publish(&old, NewAlbum::titled("Profound Mysteries").on("2026-11-20"));
    app.round().await;
    assert_eq!(
        row(&page(&martha, "").await, "Röyksopp")[0],
        "Profound Mysteries, 20 November 2026"
    );
    app.finish().await;
}

#[tokio::test]
async fn artists_page_search_matches_any_part_of_a_name() {
    let app = TestApp::new().await;
    let ids = ["Röyksopp", "Sigur Rós", "100%", "A_B", "O'Brother", "Straße <b>"]
        .map(|name| app.world.add_artist(name));
    let martha = app.listener("Martha", &ids.each_ref().map(String::as_str)).await;
    app.listener("Jonas", &[&app.world.add_artist("Röyksopp of Jonas")]).await;
    app.round().await;
    for (search, found) in [
        ("RÖYK", vec!["Röyksopp"]),
        ("ro%CC%88y", vec!["Röyksopp"]),
        ("r%C3%B6", vec!["Röyksopp"]),
        ("%25", vec!["100%"]),
        ("_", vec!["A_B"]),
        ("strasse", vec!["Straße <b>"]),
        ("%27", vec!["O'Brother"]),
        ("", vec!["100%", "A_B", "O'Brother", "Röyksopp", "Sigur Rós", "Straße <b>"]),
        ("%20%20", vec!["100%", "A_B", "O'Brother", "Röyksopp", "Sigur Rós", "Straße <b>"]),
    ] {
        assert_eq!(names(&page(&martha, &format!("?q={search}")).await), found, "{search}");
    }
    for hostile in [
        "?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "?q=';DROP+TABLE+artists--",
        "?q=%00%ff%fe",
        &format!("?q={}", "x".repeat(3_000)),
        "?q=a&q=b",
        "?sort=id;DROP",
        "?sort=next",
        "?page=-1",
        "?page=99999999999999999999",
        "?page=4294967295&sort=checked",
        "?done=muted&artist=../../x",
        "?done=<b>&artist=1",
    ] {
        let answer = page(&martha, hostile).await;
        assert_eq!(answer.status, StatusCode::OK, "{hostile:.60}");
        assert!(!answer.body.contains("<script>") && !answer.body.contains("<b>"), "{hostile:.60}");
    }
    app.finish().await;
}

#[tokio::test]
async fn artists_page_sorts_three_ways_in_pages_of_fifty() {
    let app = TestApp::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "500")]).await;
    let (artists, martha) = app.listener_of("Martha", 120).await;
    app.world.publish(&artists[7], NewAlbum::titled("Newest").on("2026-10-01"));
    app.world.publish(&artists[9], NewAlbum::titled("Older").on("1999"));
    app.round().await;
    for (page_asked, count, first) in
        [("", 50, "Artist 000"), ("?page=2", 50, "Artist 050"), ("?page=3", 20, "Artist 100")]
    {
        let found = names(&page(&martha, page_asked).await);
        assert_eq!((found.len(), found[0].as_str()), (count, first));
    }
    assert_eq!(names(&page(&martha, "?page=77").await).len(), 20, "the last page there is");
    let albums = names(&page(&martha, "?sort=last_album").await);
    assert_eq!(albums[..2], ["Artist 007", "Artist 009"]);
    app.advance_days(2);
    let late = ArtistId::parse(&artists[100]).unwrap();
    let check = move |tx: &Tx<'_>| {
        let query = ReleaseQuery::Only(ListKind::Albums);
        let albums = ListCheck { query, is_initial_scan: false, total: None };
        artist_lists::record_check(tx, &late, albums, SignedDuration::ZERO)?;
        artists::record_check(tx, &late, 0.000_1, tx.now())
    };
    app.ctx.db.write("test", check).await.unwrap();
    let checked = page(&martha, "?sort=checked&page=3").await;
    assert_eq!(names(&checked).last().unwrap(), "Artist 100");
    for sort in ["name", "last_album", "checked"] {
        let found = names(&page(&martha, &format!("?sort={sort}&q=artist+01")).await);
        assert_eq!(found.len(), 10, "{sort}");
    }
    let searched = page(&martha, "?sort=checked&q=artist&page=2").await;
    let links = Html::parse_document(&searched.body);
    let links: Vec<_> = links
        .select(&Selector::parse("nav a[rel]").unwrap())
        .map(|link| link.attr("href").unwrap().to_owned())
        .collect();
    assert_eq!(links, ["/artists?sort=checked&q=artist", "/artists?sort=checked&q=artist&page=3"]);
    assert!(searched.body.len() < 60_000, "{} bytes", searched.body.len());
    app.finish().await;
}

/// The names on all pages of a list.
async fn whole(listener: &Listener, query: &str) -> Vec<String> {
    let mut all = Vec::new();
    for number in 1.. {
        let found = names(&page(listener, &format!("?{query}&page={number}")).await);
        let is_last = found.len() < 50;
        all.extend(found);
        if is_last {
            break;
        }
    }
    all
}

#[tokio::test]
async fn artists_page_is_the_same_when_others_follow_more() {
    let app = TestApp::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "1000")]).await;
    let (artists, martha) = app.listener_of("Martha", 170).await;
    for (n, artist) in artists.iter().enumerate() {
        let day = format!("2025-{:02}-{:02}", n % 12 + 1, n % 28 + 1);
        app.world.publish(artist, NewAlbum::titled("Album").on(day));
    }
    app.round().await;
    let lists = [
        ("sort=name", 170),
        ("sort=last_album", 170),
        ("sort=checked", 170),
        ("sort=name&q=artist", 170),
        ("sort=last_album&q=artist", 170),
        ("sort=last_album&q=artist+01", 10),
        ("sort=checked&q=artist+1", 70),
    ];
    let mut alone = Vec::new();
    for (query, count) in lists {
        let found = whole(&martha, query).await;
        let once: std::collections::BTreeSet<_> = found.iter().collect();
        assert_eq!((found.len(), once.len()), (count, count), "{query}");
        alone.push(found);
    }
    let his = (0..30).map(|n| app.world.add_artist(format!("Artist 01{n} of his")));
    let his: Vec<_> = his.chain(artists[..20].iter().cloned()).collect();
    app.listener("Otto", &his.iter().map(String::as_str).collect::<Vec<_>>()).await;
    app.follows().await;
    for ((query, _), before) in lists.into_iter().zip(alone) {
        assert_eq!(whole(&martha, query).await, before, "{query}");
    }
    app.finish().await;
}

#[tokio::test]
async fn mute_button_keeps_search_order_and_page() {
    let app = TestApp::new().await;
    let (royksopp, robyn) = (app.world.add_artist("Röyksopp"), app.world.add_artist("Robyn"));
    let martha = app.listener("Martha", &[&royksopp, &robyn]).await;
    app.round().await;
    let form = [("q", "rö & b"), ("sort", "checked"), ("page", "3")];
    let done = martha.browser.post(&format!("/artists/{royksopp}/mute"), &form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let back = done.location.unwrap();
    assert_eq!(
        back,
        format!("/artists?sort=checked&q=r%C3%B6%20%26%20b&page=3&done=muted&artist={royksopp}")
    );
    let after = page(&martha, &format!("?done=muted&artist={royksopp}")).await;
    assert!(
        status_line(&after).contains("any more emails about Röyksopp"),
        "{}",
        status_line(&after)
    );
    assert_eq!(row(&after, "Röyksopp")[2], "muted Unmute");
    app.world.publish(&royksopp, NewAlbum::titled("Unheard"));
    app.round().await;
    assert!(app.emails_to(&martha.address).is_empty());
    martha.browser.post(&format!("/artists/{royksopp}/unmute"), &[]).await;
    assert_eq!(muted(&app, 1).await, 0);
    // The page does not confirm what is not true.
    assert_eq!(status_line(&page(&martha, &format!("?done=muted&artist={royksopp}")).await), "");
    app.finish().await;
}

#[tokio::test]
async fn mute_needs_a_followed_artist_and_a_signed_form() {
    let app = TestApp::new().await;
    let (hers, his) = (app.world.add_artist("Hers"), app.world.add_artist("His"));
    let martha = app.listener("Martha", &[&hers]).await;
    let jonas = app.listener("Jonas", &[&his]).await;
    app.round().await;
    let unknown = martha.browser.post("/artists/0000000000000000000000/mute", &[]).await;
    let others = martha.browser.post(&format!("/artists/{his}/mute"), &[]).await;
    assert_eq!((unknown.status, others.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    assert_eq!(unknown.body, others.body, "nobody learns which artists others follow");
    assert_eq!(
        martha.browser.post("/artists/%2e%2e/mute", &[]).await.status,
        StatusCode::NOT_FOUND
    );
    let path = format!("/artists/{hers}/mute");
    assert_eq!(martha.browser.get(&path).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(martha.browser.post_from_elsewhere(&path, &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(martha.browser.post_as_it_is(&path, &[]).await.status, StatusCode::FORBIDDEN);
    for path in ["/artists", "/feeds", "/leave", "/leave/everything.json"] {
        assert_eq!(app.visitor().get(path).await.location.as_deref(), Some("/"), "{path}");
    }
    assert_eq!((muted(&app, 1).await, muted(&app, 2).await), (0, 0));
    assert_eq!(names(&page(&jonas, "").await), ["His"]);
    app.finish().await;
}

#[tokio::test]
async fn sync_button_syncs_at_once_and_once_an_hour() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    app.follows().await;
    let (first, second) = (app.world.add_artist("First"), app.world.add_artist("Second"));
    app.world.follow(martha.user, &first);
    assert_eq!(app.follows_of(Scope::Due).await.applied, 0, "it is not due yet");
    let asked = martha.browser.post("/artists/sync", &[]).await;
    assert_eq!(asked.location.as_deref(), Some("/artists?done=hurried"));
    assert_eq!(app.follows_of(Scope::Due).await.applied, 1);
    let after = page(&martha, "?done=hurried").await;
    assert_eq!(names(&after), ["First"]);
    let said = "Refresh requested on 23 November 2026, 12:00. You can refresh again on 23 November 2026, 13:00.";
    assert!(all(&after.body, "main p").contains(&said.to_owned()), "{}", after.body);
    app.world.follow(martha.user, &second);
    let again = martha.browser.post("/artists/sync", &[]).await;
    assert_eq!(again.location.as_deref(), Some("/artists?done=too-soon"));
    assert_eq!(app.follows_of(Scope::Due).await.applied, 0);
    app.advance_hours(1);
    assert!(page(&martha, "").await.body.contains("Refresh from Spotify"));
    martha.browser.post("/artists/sync", &[]).await;
    app.follows_of(Scope::Due).await;
    let standing = |tx: &Tx<'_>| follows::count(tx, UserId(1));
    assert_eq!(app.ctx.db.read("test", standing).await.unwrap(), 2);
    app.finish().await;
}

#[tokio::test]
async fn sync_button_says_why_a_list_cannot_be_synced() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    app.follows().await;
    let fault = Fault::QuotaExceeded { retry_after: Some(7200) };
    app.world.script(Endpoint::Following, [fault]);
    app.follows().await;
    let asked = martha.browser.post("/artists/sync", &[]).await;
    assert_eq!(asked.location.as_deref(), Some("/artists?done=unread"));
    let said = status_line(&page(&martha, "?done=unread").await);
    assert!(
        said.starts_with("We can’t update your list until 23 November 2026, 14:00: "),
        "{said}"
    );
    app.advance_hours(3);
    assert_eq!(status_line(&page(&martha, "?done=unread").await), "", "it is over");
    let asked = martha.browser.post("/artists/sync", &[]).await;
    assert_eq!(asked.location.as_deref(), Some("/artists?done=hurried"));

    app.world.change_user(martha.user, |user| user.allow_listed = false);
    app.follows().await;
    let asked = martha.browser.post("/artists/sync", &[]).await;
    assert_eq!(asked.location.as_deref(), Some("/artists?done=unread"));
    let said = status_line(&page(&martha, "?done=unread").await);
    assert!(said.starts_with("We can’t update your list right now: "), "{said}");
    app.finish().await;
}

#[tokio::test]
async fn artists_page_says_when_user_must_sign_in_again() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    app.follows().await;
    assert!(page(&martha, "").await.words().contains("every six hours"));
    app.world.expire(martha.user);
    app.world.expire_access_tokens();
    app.follows().await;
    let shown = page(&martha, "").await;
    assert!(!shown.words().contains("every six hours"), "{}", shown.words());
    assert!(shown.words().contains("until you sign in again"), "{}", shown.words());
    assert!(!shown.body.contains("/artists/sync"));
    let asked = martha.browser.post("/artists/sync", &[]).await;
    assert_eq!(asked.location.as_deref(), Some("/artists?done=unread"));
    app.advance_hours(2);
    app.emails().await;
    app.finish().await;
}

#[tokio::test]
async fn artists_page_confirms_only_what_was_just_done() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    app.follows().await;
    for done in ["?done=hurried", "?done=too-soon", "?done=unread"] {
        assert_eq!(status_line(&page(&martha, done).await), "", "{done}");
    }
    martha.browser.post("/artists/sync", &[]).await;
    assert!(status_line(&page(&martha, "?done=hurried").await).contains("refreshing your list"));
    app.clock.advance(std::time::Duration::from_secs(121));
    assert_eq!(status_line(&page(&martha, "?done=hurried").await), "");
    assert!(status_line(&page(&martha, "?done=too-soon").await).contains("less than an hour ago"));
    app.finish().await;
}

#[tokio::test]
async fn artists_page_says_why_no_artist_is_checked() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    let fault = Fault::QuotaExceeded { retry_after: Some(7200) };
    app.world.script(Endpoint::ArtistAlbums, [fault]);
    app.checks().await;
    let paused = page(&martha, "").await;
    let notices = all(&paused.body, ".notice.wait").join(" ");
    assert!(notices.starts_with("Checks are paused until 2"), "{notices}");
    app.finish().await;
}

#[tokio::test]
async fn artists_page_says_why_an_artist_is_overdue() {
    let app = TestApp::new().await;
    let artists = ["Röyksopp", "Robyn"].map(|name| app.world.add_artist(name));
    let martha = app.listener("Martha", &artists.each_ref().map(String::as_str)).await;
    app.round().await;
    assert_eq!(row(&page(&martha, "").await, "Robyn")[1], "23 November 2026, 12:00");
    app.advance_days(22);
    let failing = ArtistId::parse(&artists[0]).unwrap();
    let fail = move |tx: &Tx<'_>| artists::record_failure(tx, &failing, "status 500", tx.now());
    app.ctx.db.write("test", fail).await.unwrap();
    let late = page(&martha, "").await;
    let checked = "23 November 2026, 12:00; overdue:";
    let queued = format!("{checked} it is still in the queue: 2 artists share 80 calls a day");
    assert_eq!(row(&late, "Robyn")[1], queued);
    let failed = format!("{checked} the last check failed: status 500");
    assert_eq!(row(&late, "Röyksopp")[1], failed);
    app.finish().await;
}
