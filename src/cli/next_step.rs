//! How to go on after a check that found nothing wrong, where a package installed the service.

use std::path::Path;

/// Where a unit may lie, and where systemd keeps what is started with the machine.
const UNITS: [&str; 2] = ["usr/lib/systemd/system", "etc/systemd/system"];
const WANTED: &str = "etc/systemd/system/multi-user.target.wants";
const UNIT: &str = "dropday.service";

/// The next command for whoever set this machine up, whose files lie below `root`; `None` where
/// there is no unit: in a container, or a folder of one's own.
pub(super) fn next_step(root: &Path, public_url: &str) -> Option<String> {
    let is_installed = UNITS.iter().any(|folder| root.join(folder).join(UNIT).exists());
    let is_enabled = root.join(WANTED).join(UNIT).symlink_metadata().is_ok();
    match (is_installed, is_enabled) {
        (false, _) => None,
        (true, false) => Some(format!(
            "`systemctl enable --now dropday` starts Dropday, now and with the machine; then open \
             {public_url} and connect with Spotify"
        )),
        (true, true) => Some(
            "`systemctl restart dropday` makes the service heed what you changed; `dropday status` \
             shows how it stands"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installed_service_is_to_be_started_and_one_that_is_enabled_restarted() {
        let machine = tempfile::tempdir().unwrap();
        let put = |folder: &str| {
            std::fs::create_dir_all(machine.path().join(folder)).unwrap();
            std::fs::write(machine.path().join(folder).join(UNIT), "").unwrap();
        };
        let step = || next_step(machine.path(), "http://127.0.0.1:8888/").unwrap_or_default();
        assert_eq!(step(), "");
        put(UNITS[0]);
        assert!(step().starts_with("`systemctl enable --now dropday`"), "{}", step());
        assert!(step().contains("open http://127.0.0.1:8888/ and connect"), "{}", step());
        put(WANTED);
        assert!(step().starts_with("`systemctl restart dropday`"), "{}", step());
    }
}
