//! Normalizes titles for comparison.

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

use crate::domain::text::folded;

/// NFKC, with one kind of quote, dash and space and without zero-width characters. Case and accents stay.
pub(super) fn plain(text: &str) -> String {
    let unified: String = text.chars().filter(|c| !has_no_width(*c)).map(unify).collect();
    let composed = ComposingNormalizerBorrowed::new_nfkc().normalize(&unified);
    let mut line = String::with_capacity(composed.len());
    for word in composed.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// The plain form, case folded.
pub fn fold(text: &str) -> String {
    // Lower-case `İ` is an `i` with a dot on its dot.
    plain(&folded(&plain(text)).replace('\u{307}', "").replace('ı', "i"))
}

/// [`fold`] without Latin accents, for comparison with word lists.
pub(super) fn bare(text: &str) -> String {
    let parted = DecomposingNormalizerBorrowed::new_nfd().normalize(text).into_owned();
    let kept: String = parted.chars().filter(|c| !matches!(c, '\u{300}'..='\u{36f}')).collect();
    // Recompose, since Hangul syllables were split too.
    ComposingNormalizerBorrowed::new_nfc().normalize(&kept).into_owned()
}

/// Unifies characters that labels use interchangeably, before NFKC turns some into a space with an accent.
fn unify(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bc}' | '\u{b4}' | '`' | '\u{2032}' => '\'',
        '\u{201c}'..='\u{201f}' | '\u{2033}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}' => '-',
        '\u{301c}' | '\u{223c}' | '\u{ff5e}' => '~',
        _ => c,
    }
}

fn has_no_width(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}')
}
