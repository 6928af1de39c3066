mod contrast;
mod hostile;
mod page;
mod same_things;

use scraper::Html;

use super::{samples, welcome};
use crate::email::message::Email;

/// Each email as it is read and as it is laid out.
#[test]
fn every_email() {
    for (name, email) in samples::all() {
        let read = format!("Subject: {}\n\n{}", email.subject, email.text);
        insta::assert_snapshot!(format!("{name}_text"), read);
        // Forty times the same would teach nobody anything.
        if name != "news_many" {
            insta::assert_snapshot!(format!("{name}_html"), email.html);
        }
    }
}

#[test]
fn account_without_name_has_a_placeholder() {
    let email = samples::confirm("\r\n").email().unwrap();
    assert!(email.text.contains("Someone asked Dropday to email this address"));
    assert!(email.html.contains("Someone asked Dropday"));
}

#[test]
fn welcome_lists_ten_and_counts_the_rest() {
    let email = samples::welcome(&samples::many(14)).email().unwrap();
    assert!(email.text.contains("Album no. 9\n") && !email.text.contains("Album no. 10\n"));
    assert!(
        email.text.contains("and 4 more under New releases:\nhttps://dropday.example/account\n")
    );
    let one = welcome::Welcome { tracked: 1, not_checked: 1, ..samples::welcome(&[]) };
    let email = one.email().unwrap();
    assert!(email.text.contains("We’re now tracking the 1 artist you follow"));
}

#[test]
fn debug_output_hides_email_content() {
    for (name, email) in samples::all() {
        let debug = format!("{email:?}");
        assert!(!debug.contains("http") && debug.len() < 80, "{name}: {debug}");
    }
}

/// The page's skeleton: its elements in their order.
fn skeleton(email: &Email) -> Vec<String> {
    let page = Html::parse_document(&email.html);
    let elements = page.root_element().descendent_elements();
    elements.map(|element| element.value().name().to_owned()).collect()
}
