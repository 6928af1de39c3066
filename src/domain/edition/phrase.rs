//! Whether a phrase names an edition.

use super::fold::{bare, fold};
use super::words::{Class, Role, is_never, roles};

/// The position of a phrase, which decides how much evidence it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In brackets, where additions are usual.
    Bracket,
    /// After a dash or colon, where subtitles are usual too.
    Tail,
    /// After the name without a separator.
    Bare,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Phrase {
    pub(super) class: Class,
    /// Whether it promises additional content, besides other claims.
    pub(super) is_grown: bool,
    pub(super) anniversary: Option<i16>,
}

pub(super) const GROWN: Phrase = Phrase { class: Class::Grown, is_grown: true, anniversary: None };

impl Phrase {
    /// Whether it has anything that the first edition did not have.
    pub(super) fn is_news(self) -> bool {
        self.class > Class::Twin
    }
}

/// Parses `text`; `None` if it does not name an edition.
pub(super) fn read(text: &str, place: Place) -> Option<Phrase> {
    let words = words_of(text);
    let known: Option<Vec<Role>> = words
        .iter()
        .map(|word| roles(word))
        .collect::<Option<Vec<_>>>()
        .map(|roles| roles.into_iter().flatten().collect());
    let roles = match known {
        Some(roles) => roles,
        None if place == Place::Bracket => vouched_for(&words)?,
        None => return None,
    };
    if place == Place::Bare && !can_begin_bare(&roles, &words) {
        return None;
    }
    let classes = classes(&roles, place);
    Some(Phrase {
        class: classes.iter().copied().max()?,
        is_grown: classes.contains(&Class::Grown),
        anniversary: anniversary(&roles),
    })
}

/// Parses a suffix after `Deluxe:`, the only word before an edition's own name: *eternal sunshine deluxe:
/// brighter days ahead*.
pub(super) fn read_named(suffix: &str) -> Option<Phrase> {
    let words = words_of(suffix);
    let is_deluxe = words.first().is_some_and(|word| word == "deluxe");
    (is_deluxe && !words.iter().any(|word| is_never(word))).then_some(GROWN)
}

/// Whether `word` can be part of a suffix. A title of such words alone has no suffix.
pub(super) fn is_edition_word(word: &str) -> bool {
    words_of(word).iter().all(|word| roles(word).is_some())
}

fn words_of(text: &str) -> Vec<String> {
    // "U.S." and "Ver." lose their dots, "Re-Issue" its hyphen.
    let text = bare(&fold(text)).replace('.', "").replace("re-", "re");
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(Into::into).collect()
}

/// The roles of a phrase with unknown words that begins or ends with *edition* or *remastered*: `3am
/// Edition`, `2018 Bob Ludwig Remastering`.
fn vouched_for(words: &[String]) -> Option<Vec<Role>> {
    if words.iter().any(|word| is_never(word)) {
        return None;
    }
    let roles: Vec<Option<Role>> =
        words.iter().map(|word| roles(word).and_then(|roles| roles.last().copied())).collect();
    let mut named = roles.iter().filter(|role| !matches!(role, Some(Role::Number(_))));
    let vouches =
        |role: &Option<Role>| matches!(role, Some(Role::Edition | Role::Mark(Class::Restored)));
    let is_vouched = named.next().is_some_and(vouches) || named.next_back().is_some_and(vouches);
    // Treat an unknown word as a trait.
    let of = |role: Option<Role>| role.unwrap_or(Role::Trait(Class::Grown));
    is_vouched.then(|| roles.into_iter().map(of).collect())
}

/// "Chicago 17 Deluxe Edition" keeps its 17, "Born This Way The Tenth Anniversary" loses all.
fn can_begin_bare(roles: &[Role], words: &[String]) -> bool {
    match roles {
        [Role::Number(_), next, ..] => matches!(next, Role::Anniversary | Role::Years),
        [Role::Filler, ..] => words.first().is_some_and(|word| word == "the" || word == "super"),
        _ => true,
    }
}

fn classes(roles: &[Role], place: Place) -> Vec<Class> {
    let has = |role: Role| roles.contains(&role);
    let year = roles.iter().any(|role| matches!(role, Role::Number(1950..=2100)));
    let noun = has(Role::Noun) || has(Role::Edition);
    let noun = noun || (has(Role::Collection) && place == Place::Bracket);
    let mut classes: Vec<Class> = Vec::new();
    for role in roles {
        match *role {
            Role::Mark(Class::Twin) if noun || place == Place::Bracket => classes.push(Class::Twin),
            Role::Mark(class) if class > Class::Twin && (noun || place != Place::Bare) => {
                classes.push(class);
            }
            Role::Trait(class) if noun => classes.push(class),
            Role::Anniversary => classes.push(Class::Restored),
            Role::Years if noun && anniversary(roles).is_some() => classes.push(Class::Restored),
            Role::Edition if year && place == Place::Bracket => classes.push(Class::Restored),
            Role::Mix if year => classes.push(Class::Restored),
            _ => {}
        }
    }
    classes
}

fn anniversary(roles: &[Role]) -> Option<i16> {
    let celebrates = |role: &Role| matches!(role, Role::Anniversary | Role::Years);
    roles.iter().any(celebrates).then_some(())?;
    roles.iter().find_map(|role| match role {
        Role::Number(n @ 1..=150) => Some(*n),
        _ => None,
    })
}
