//! The public pages: front page and privacy.

use dropday::domain::signup_policy::SignUpPolicy;
use scraper::{ElementRef, Html, Selector};

use crate::test_app::TestApp;
use crate::visitor::Answer;

const CONTACT: (&str, &str) = ("WEB__CONTACT", "martha@example.org");

fn select<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn text(answer: &Answer) -> String {
    let page = Html::parse_document(&answer.body);
    let words: String = select(&page, "main").iter().flat_map(|main| main.text()).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn links(answer: &Answer) -> Vec<String> {
    let page = Html::parse_document(&answer.body);
    let links = select(&page, "a").into_iter().filter_map(|link| link.attr("href"));
    links.map(str::to_owned).collect()
}

#[tokio::test]
async fn front_page_explains_and_offers_to_connect() {
    let app = TestApp::with(&[CONTACT]).await;
    let front = app.visitor().get("/").await;
    let page = Html::parse_document(&front.body);
    assert_eq!(select(&page, "h1").len(), 1);
    let email = select(&page, "[role=img]");
    let told = email[0].attr("aria-label").unwrap();
    assert!(told.contains("Röyksopp") && told.contains("new album"), "{told}");
    assert!(
        select(&page, "img, script, [style]").is_empty(),
        "nothing more to load, nothing inline"
    );
    let links = links(&front);
    for link in ["/login", "/privacy", "mailto:martha@example.org"] {
        assert!(links.iter().any(|found| found == link), "{link}: {links:?}");
    }
    for words in ["Your data, in short", "delete everything about you at any time"] {
        assert!(text(&front).contains(words), "{words}");
    }
    let style = app.visitor().get("/style.css").await.body;
    assert!(front.body.len() < 10_000 && style.len() < 15_000, "{}", front.body.len());
    app.finish().await;
}

#[tokio::test]
async fn front_page_explains_sign_up_policy() {
    for (sign_up, words) in
        [("invitation", "by invitation"), ("closed", "isn’t accepting new people")]
    {
        let app = TestApp::with(&[("WEB__SIGN_UP", sign_up)]).await;
        let front = app.visitor().get("/").await;
        let shown = text(&front);
        assert!(
            shown.contains(words) && shown.contains("If you already have an account"),
            "{shown}"
        );
        assert!(shown.contains("Sign in with Spotify") && !shown.contains("Connect with Spotify"));
        assert!(links(&front).contains(&"/login".to_owned()));
        app.finish().await;
    }
}

#[tokio::test]
async fn front_page_links_signed_in_user_to_account() {
    let mut app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    for sign_up in [SignUpPolicy::Open, SignUpPolicy::Invitation, SignUpPolicy::Closed] {
        app.config.web.instance.sign_up = sign_up;
        app.restart().await;
        let front = martha.browser.get("/").await;
        let links = links(&front);
        assert!(links.contains(&"/account".to_owned()), "{sign_up:?}: {links:?}");
        assert!(!links.contains(&"/login".to_owned()), "{sign_up:?}: {links:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn privacy_page_is_public() {
    let app = TestApp::with(&[CONTACT]).await;
    let answer = app.visitor().get("/privacy").await;
    assert_eq!(answer.status, 200);
    let shown = text(&answer);
    for words in [
        "before and after you sign up",
        "everything above is deleted at once",
        "deleted after four days",
        "The mail provider",
        "third-party beneficiary",
        "responsible for this Dropday",
        "data protection authority",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let links = links(&answer);
    for link in ["mailto:martha@example.org", "/account", "https://www.spotify.com/account/apps/"] {
        assert!(links.iter().any(|found| found == link), "{link}: {links:?}");
    }
    assert!(!shown.contains("ListenBrainz"), "no catalogue is asked");
    let sizes = (answer.body.len(), answer.set_cookies.len());
    assert!(sizes.0 < 60_000 && sizes.1 == 0, "{sizes:?}");
    app.finish().await;
    let app = TestApp::with(&[("HINTS__ENABLED", "true"), ("WEB__CONTACT", "")]).await;
    let shown = text(&app.visitor().get("/privacy").await);
    assert!(shown.contains("ListenBrainz, MusicBrainz, Deezer"), "{shown}");
    assert!(shown.contains("the person who told you about this Dropday"), "{shown}");
    app.finish().await;
}

#[tokio::test]
async fn contact_url_is_escaped() {
    let page = "https://example.org/?a=1&b=%22%3E%3Cb%3E";
    let app = TestApp::with(&[("WEB__CONTACT", page)]).await;
    for path in ["/", "/privacy"] {
        let answer = app.visitor().get(path).await;
        assert!(links(&answer).contains(&page.to_owned()), "{path}");
        assert!(select(&Html::parse_document(&answer.body), "b").is_empty(), "{path}");
    }
    app.finish().await;
}
