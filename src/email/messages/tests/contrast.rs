//! Every text can be read on its ground, by day and by night, as the style sheet has it.

use scraper::{ElementRef, Html, Selector};

use super::samples;

/// WCAG 2.2, 1.4.3 (<https://www.w3.org/TR/WCAG22/#contrast-minimum>).
const MIN: f64 = 4.5;

#[test]
fn text_contrast_is_sufficient_in_both_colour_schemes() {
    for (name, email) in samples::all() {
        let page = Html::parse_document(&email.html);
        let sheet = sheet_of(&page);
        let (day, night) = (rules(&outside_media(&sheet)), rules(&sheet_at_night(&sheet)));
        assert!(night.len() > day.len() + 10, "{name}: the night's rules were not found");
        for (scheme, rules) in [("day", &day), ("night", &night)] {
            for (element, text) in texts(&page) {
                let ink = colour(element, rules, &["color"]).expect("a text without a colour");
                let ground = colour(element, rules, &["background-color", "background"]);
                let ground = ground.expect("a text without a ground");
                let contrast = contrast(&ink, &ground);
                assert!(
                    contrast >= MIN,
                    "{name}, {scheme}: {text:?} is {ink} on {ground}: {contrast:.1}"
                );
            }
        }
    }
}

/// A declaration of the style sheet.
struct Rule {
    selector: Selector,
    property: String,
    value: String,
    /// `!important`, then what CSS calls specificity, then the place in the sheet.
    weight: (bool, usize, usize),
}

fn sheet_of(page: &Html) -> String {
    let styles = Selector::parse("style").unwrap();
    page.select(&styles).map(|style| style.text().collect::<String>()).collect()
}

/// The sheet's `@media` blocks and what is around them.
fn blocks(sheet: &str) -> (String, Vec<(String, String)>) {
    let (mut outside, mut media, mut rest) = (String::new(), Vec::new(), sheet);
    while let Some(at) = rest.find("@media") {
        outside.push_str(&rest[..at]);
        let open = at + rest[at..].find('{').unwrap();
        let mut depth = 0;
        let close = rest[open..].find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0
        });
        let close = open + close.unwrap();
        media.push((rest[at..open].to_owned(), rest[open + 1..close].to_owned()));
        rest = &rest[close + 1..];
    }
    outside.push_str(rest);
    (outside, media)
}

fn outside_media(sheet: &str) -> String {
    blocks(sheet).0
}

fn sheet_at_night(sheet: &str) -> String {
    let (outside, media) = blocks(sheet);
    let night = media.into_iter().filter(|(query, _)| query.contains("prefers-color-scheme: dark"));
    outside + &night.map(|(_, rules)| rules).collect::<String>()
}

fn rules(sheet: &str) -> Vec<Rule> {
    let mut all = Vec::new();
    for block in sheet.split('}') {
        let Some((selectors, declarations)) = block.split_once('{') else { continue };
        for raw in selectors.split(',') {
            let Ok(selector) = Selector::parse(raw.trim()) else { continue };
            for declaration in declarations.split(';') {
                let Some((property, value)) = declaration.split_once(':') else { continue };
                let important = value.contains("!important");
                all.push(Rule {
                    selector: selector.clone(),
                    property: property.trim().to_owned(),
                    value: value.replace("!important", "").trim().to_owned(),
                    weight: (important, specificity(raw), all.len()),
                });
            }
        }
    }
    all
}

/// Classes before elements, as far as our own sheet goes.
fn specificity(selector: &str) -> usize {
    let elements = selector.split_whitespace().filter(|part| !part.starts_with(['.', ':'])).count();
    100 * selector.matches(['.', ':']).count() + elements
}

fn texts(page: &Html) -> impl Iterator<Item = (ElementRef<'_>, String)> {
    let body = Selector::parse("body").unwrap();
    let elements = page.select(&body).next().unwrap().descendent_elements();
    elements
        .filter_map(|element| {
            let own = element.children().filter_map(|child| child.value().as_text());
            let text: String = own.map(|text| text.trim()).collect();
            let is_image = element.value().name() == "img";
            (!text.is_empty() || is_image).then_some((element, text))
        })
        // The preheader is shown by inboxes, in their own colours.
        .filter(|(_, text)| !text.contains('\u{34f}'))
}

/// The value of a property for `element`, from itself or the nearest element around it.
fn colour(element: ElementRef<'_>, rules: &[Rule], properties: &[&str]) -> Option<String> {
    let around = element.ancestors().filter_map(ElementRef::wrap);
    std::iter::once(element).chain(around).find_map(|element| {
        let inline = element.value().attr("style").unwrap_or_default();
        let inline = inline.split(';').filter_map(|declaration| declaration.split_once(':'));
        let inline = inline.filter(|(property, _)| properties.contains(&property.trim()));
        let inline = inline.map(|(_, value)| (value.trim().to_owned(), (false, usize::MAX, 0)));
        let sheet = rules.iter().filter(|rule| {
            properties.contains(&rule.property.as_str()) && rule.selector.matches(&element)
        });
        let declared = inline.chain(sheet.map(|rule| (rule.value.clone(), rule.weight)));
        let colours = declared.filter(|(value, _)| value.starts_with('#'));
        colours.max_by_key(|(_, weight)| *weight).map(|(value, _)| value)
    })
}

fn contrast(one: &str, other: &str) -> f64 {
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// <https://www.w3.org/TR/WCAG22/#dfn-relative-luminance>
fn luminance(colour: &str) -> f64 {
    let channel = |at: usize| {
        let c = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

#[test]
fn stylesheet_is_parsed_like_a_browser() {
    let sheet = "a { color: #111111; } .x a { color: #222222; }
        @media (prefers-color-scheme: dark) { a { color: #333333 !important; } }";
    let page = Html::parse_document(r#"<p class="x"><a style="color:#444444">x</a></p>"#);
    let link = page.select(&Selector::parse("a").unwrap()).next().unwrap();
    let seen = |sheet: &str| colour(link, &rules(sheet), &["color"]).unwrap();
    assert_eq!(seen(&outside_media(sheet)), "#444444");
    assert_eq!(seen(&sheet_at_night(sheet)), "#333333");
    assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 0.01);
}
