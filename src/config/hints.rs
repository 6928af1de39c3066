//! `[hints]`

use std::time::Duration;

use url::Url;

use super::settings::Settings;

#[derive(Debug, Clone)]
pub struct Hints {
    /// `None` for sources that are turned off.
    pub listenbrainz_url: Option<Url>,
    pub musicbrainz_url: Option<Url>,
    pub deezer_url: Option<Url>,
    /// How the catalogs can reach the operator of this installation.
    pub contact: String,
    /// For one call.
    pub timeout: Duration,
}

impl Hints {
    /// `mail_from` is the sender of emails, whose address is the default contact.
    pub(super) fn read(settings: &mut Settings, mail_from: &str) -> Option<Self> {
        let enabled = settings.flag("hints.enabled");
        let mut source = |name: &str| {
            let is_on = settings.flag(&format!("hints.{name}"))? && enabled?;
            let mut url = || settings.http_url(&format!("hints.{name}_url"));
            if is_on { url().map(Some) } else { Some(None) }
        };
        let (listenbrainz_url, musicbrainz_url, deezer_url) =
            (source("listenbrainz"), source("musicbrainz"), source("deezer"));
        if matches!((&deezer_url, &musicbrainz_url), (Some(Some(_)), Some(None))) {
            settings.error(
                "`hints.deezer` is on but `hints.musicbrainz` is off: only MusicBrainz knows the artists' \
                 Deezer ids. Turn it on, or Deezer off",
            );
        }
        let given = settings.text("hints.contact");
        let contact = contact(&given, mail_from);
        if contact.is_none() {
            settings.error(format!(
                "`hints.contact` is `{given}`; it must be an email or web address in ASCII without \
                 spaces (if it is not set, the address in `mail.from` is used)"
            ));
        }
        let timeout = settings.duration("hints.timeout");
        Some(Self {
            listenbrainz_url: listenbrainz_url?,
            musicbrainz_url: musicbrainz_url?,
            deezer_url: deezer_url?,
            contact: contact?,
            timeout: timeout?,
        })
    }
}

/// Goes into an HTTP header.
fn contact(given: &str, mail_from: &str) -> Option<String> {
    let sender = mail_from.rsplit('<').next().unwrap_or_default().trim_end_matches(['>', ' ']);
    let contact = if given.is_empty() { sender.trim() } else { given };
    let is_plain = contact.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'(' | b')'));
    is_plain.then(|| contact.to_owned())
}

#[cfg(test)]
mod tests {
    use super::contact;

    #[test]
    fn contact_defaults_to_address_of_sender() {
        let from = "Dropday <dropday@example.com>";
        assert_eq!(contact("", from).as_deref(), Some("dropday@example.com"));
        assert_eq!(contact("", "dropday@example.com").as_deref(), Some("dropday@example.com"));
        let page = "https://example.com/";
        assert_eq!(contact(page, from).as_deref(), Some(page));
        for odd in ["a\r\nb: c", "Martha (me)", "m\u{e4}rtha@example.com"] {
            assert_eq!(contact(odd, from), None, "{odd:?}");
        }
    }
}
