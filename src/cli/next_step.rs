//! The next step after a successful check, if a package installed the service.

use std::path::Path;

/// Where units can be installed, and where systemd links enabled ones.
const UNITS: [&str; 2] = ["usr/lib/systemd/system", "etc/systemd/system"];
const WANTED: &str = "etc/systemd/system/multi-user.target.wants";
const UNIT: &str = "dropday.service";

/// `None` if there is no unit below `root`, as in a container.
pub(super) fn next_step(root: &Path, public_url: &str) -> Option<String> {
    let is_installed = UNITS.iter().any(|folder| root.join(folder).join(UNIT).exists());
    let is_enabled = root.join(WANTED).join(UNIT).symlink_metadata().is_ok();
    match (is_installed, is_enabled) {
        (false, _) => None,
        (true, false) => Some(format!(
            "`systemctl enable --now dropday` starts Dropday now and at boot; then open \
             {public_url} and connect with Spotify"
        )),
        (true, true) => Some(
            "`systemctl restart dropday` applies your changes; `dropday status` shows the state"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installed_service_is_enabled_or_else_restarted() {
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
