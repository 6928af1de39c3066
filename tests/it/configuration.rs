//! Configuration: sources, defaults, secrets and errors.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use config::{File, FileFormat};
use dropday::config::{Config, ConfigError, DEFAULTS, KeySource, load};
use secrecy::ExposeSecret;
use tempfile::TempDir;

use crate::binary::Machine;
use crate::test_app::Settings;

/// What nobody else can know.
const NEEDED: Settings<'_> = &[
    ("SPOTIFY__CLIENT_ID", "my-app"),
    ("MAIL__SMTP_URL", "smtps://me:secret@mail.example.com"),
    ("MAIL__FROM", "Dropday <dropday@example.com>"),
];

/// Every fixed name with its default.
const FIXED: &[(&str, &str)] = &[
    ("database.path", "dropday.db"),
    ("web.listen", "127.0.0.1:8888"),
    ("web.public_url", "http://127.0.0.1:8888"),
    ("spotify.client_id", ""),
    ("spotify.client_secret", ""),
    ("spotify.client_secret_file", ""),
    ("spotify.accounts_url", "https://accounts.spotify.com"),
    ("spotify.api_url", "https://api.spotify.com/v1"),
    ("spotify.catalog_token", "person"),
    ("spotify.market", ""),
    ("spotify.request_interval", "1s"),
    ("spotify.artist_albums_per_day", "80"),
    ("mail.smtp_url", ""),
    ("mail.smtp_url_file", ""),
    ("mail.smtp_password", ""),
    ("mail.smtp_password_file", ""),
    ("mail.from", ""),
    ("mail.operator", ""),
    ("schedule.follows", "0 */5 * * * *"),
    ("schedule.releases", "20 * * * * *"),
    ("schedule.letters", "40 * * * * *"),
    ("hints.enabled", "true"),
    ("hints.listenbrainz_url", "https://api.listenbrainz.org"),
    ("hints.musicbrainz_url", "https://musicbrainz.org"),
    ("secrets.key", ""),
    ("secrets.key_file", ""),
];

fn from_environment(settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
    from_both("", settings)
}

fn from_both(file: &str, settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("dropday.toml");
    std::fs::write(&path, file).unwrap();
    let named = |(key, value): &(&str, &str)| (format!("DROPDAY_{key}"), (*value).to_owned());
    load(Some(&path), settings.iter().map(named))
}

fn with_needed<'a>(settings: &[(&'a str, &'a str)]) -> Result<Config, ConfigError> {
    from_environment(&[NEEDED, settings].concat())
}

fn errors_of(config: Result<Config, ConfigError>) -> String {
    config.expect_err("an error").to_string()
}

#[test]
fn fixed_keys_keep_their_names_and_defaults() {
    let defaults = config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
    let defaults = defaults.build().unwrap();
    for (key, default) in FIXED {
        assert_eq!(defaults.get_string(key).unwrap(), *default, "{key}");
    }
}

#[test]
fn every_key_has_a_comment() {
    let lines: Vec<&str> = DEFAULTS.lines().collect();
    for pair in lines.windows(2).filter(|pair| pair[1].contains(" = ") && !pair[1].starts_with('#'))
    {
        assert!(pair[0].starts_with('#') || pair[0].contains(" = "), "{}", pair[1]);
    }
}

#[test]
fn three_settings_suffice() {
    let config = with_needed(&[]).unwrap();
    assert_eq!(config.database, Path::new("dropday.db"));
    assert_eq!(config.web.listen.to_string(), "127.0.0.1:8888");
    assert_eq!(config.redirect_url().as_str(), "http://127.0.0.1:8888/callback");
    assert_eq!(config.spotify.client_id, "my-app");
    assert!(config.spotify.client_secret.is_none() && config.spotify.app_market.is_none());
    assert_eq!(config.spotify.request_interval, Duration::from_secs(1));
    assert_eq!(config.spotify.artist_albums_per_day, 80);
    assert!(
        matches!(config.key, KeySource::BesideDatabase(file) if file == Path::new("dropday.key"))
    );
}

#[test]
fn writing_out_defaults_changes_nothing() {
    let (short, long) = (with_needed(&[]), from_both(DEFAULTS, NEEDED));
    assert_eq!(format!("{:?}", short.unwrap()), format!("{:?}", long.unwrap()));
}

#[test]
fn environment_overrides_file_which_overrides_defaults() {
    let file = "[spotify]\nartist_albums_per_day = 7\nmarket = \"DE\"\n[database]\npath = \"a.db\"";
    let settings = [NEEDED, &[("DATABASE__PATH", "b.db")]].concat();
    let config = from_both(file, &settings).unwrap();
    assert_eq!((config.database.to_str(), config.spotify.artist_albums_per_day), (Some("b.db"), 7));
    let settings = [NEEDED, &[("DATABASE__PATH", "")]].concat();
    let config = from_both(file, &settings).unwrap();
    assert_eq!(config.database.to_str(), Some("a.db"), "an empty variable is ignored");
}

#[test]
fn unknown_key_is_rejected_with_its_path() {
    for (file, path) in [
        ("[spotify]\nclientid = \"x\"", "`spotify.clientid`"),
        ("[spotify]\nClient_ID = \"x\"", "`spotify.Client_ID`"),
        ("[spotfy]\nclient_id = \"x\"", "`spotfy`"),
        ("listen = \"127.0.0.1:1\"", "`listen`"),
        ("[mail]\ntogether = \"1m\"", "`mail.together` (did you mean `mail.batch_window`?)"),
        ("[web.tls]\ncert = \"x\"", "`web.tls`"),
        ("[mail]\nfrom_file = \"x\"", "`mail.from_file`"),
    ] {
        let errors = errors_of(from_both(file, NEEDED));
        assert!(
            errors.contains("unknown configuration keys") && errors.contains(path),
            "{file}: {errors}"
        );
    }
    for (variable, path) in [
        ("SPOTIFY__CLIENTID", "`spotify.clientid`"),
        ("SPOTIFY_CLIENT_ID", "`spotify_client_id`"),
        ("SPOTFY__CLIENT_ID", "`spotfy`"),
        ("LISTEN", "`listen`"),
    ] {
        let errors = errors_of(with_needed(&[(variable, "x")]));
        assert!(
            errors.contains("unknown configuration keys") && errors.contains(path),
            "{variable}: {errors}"
        );
    }
}

#[test]
fn all_unknown_keys_are_reported() {
    let errors =
        errors_of(from_both("[web]\nport = 1\n[mail]\nhost = \"x\"", &[("LOG__FILE", "x")]));
    for path in ["`web.port`", "`mail.host`", "`log.file`"] {
        assert!(errors.contains(path), "no {path} in {errors}");
    }
}

#[test]
fn invalid_value_is_reported_with_its_key() {
    for (settings, told) in [
        (("SPOTIFY__REQUEST_INTERVAL", "soon"), ["spotify.request_interval", "such as 1s"]),
        (("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "many"), ["spotify.artist_albums_per_day", "many"]),
        (("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "0"), ["spotify.artist_albums_per_day", "from 1 to"]),
        (
            ("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "100001"),
            ["spotify.artist_albums_per_day", "from 1 to 100000"],
        ),
        (("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "-1"), ["spotify.artist_albums_per_day", "-1"]),
        (("HINTS__ENABLED", "perhaps"), ["hints.enabled", "perhaps"]),
        (("WEB__LISTEN", "8888"), ["web.listen", "127.0.0.1:8888"]),
        (("WEB__LISTEN", "localhost:8888"), ["web.listen", "127.0.0.1:8888"]),
        (("SPOTIFY__API_URL", "api.spotify.com"), ["spotify.api_url", "http or https"]),
        (("LOG__LEVEL", "loud"), ["log.level", "debug"]),
        (("SPOTIFY__CATALOG_TOKEN", "both"), ["spotify.catalog_token", "person or app"]),
        (("SPOTIFY", "x"), ["spotify", ""]),
    ] {
        let errors = errors_of(with_needed(&[settings]));
        assert!(told.iter().all(|word| errors.contains(word)), "{settings:?}: {errors}");
    }
}

#[test]
fn all_errors_are_reported_at_once() {
    let errors = errors_of(from_environment(&[
        ("WEB__LISTEN", "here"),
        ("WEB__PUBLIC_URL", "http://192.168.1.5:8888"),
        ("SPOTIFY__ACCOUNTS_URL", "elsewhere"),
        ("SPOTIFY__CATALOG_TOKEN", "app"),
        ("SECRETS__KEY", "short"),
        ("LOG__LEVEL", "loud"),
    ]));
    for key in [
        "`web.listen`",
        "`web.public_url`",
        "`spotify.accounts_url`",
        "`spotify.client_id`",
        "`spotify.client_secret`",
        "`spotify.market`",
        "`mail.smtp_url`",
        "`mail.from`",
        "`secrets.key`",
        "`log.level`",
    ] {
        assert!(errors.contains(key), "no {key} in {errors}");
    }
}

#[test]
fn durations_have_units() {
    for (raw, ms) in [("1s", 1000), ("250ms", 250), ("2m", 120_000), ("1m 30s", 90_000), ("0s", 0)]
    {
        let config = with_needed(&[("SPOTIFY__REQUEST_INTERVAL", raw)]).unwrap();
        assert_eq!(config.spotify.request_interval, Duration::from_millis(ms), "{raw}");
    }
}

#[test]
fn number_can_be_quoted() {
    let quoted = from_both("[spotify]\nartist_albums_per_day = \"7\"", NEEDED).unwrap();
    assert_eq!(quoted.spotify.artist_albums_per_day, 7);
    let variable = with_needed(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "8")]).unwrap();
    assert_eq!(variable.spotify.artist_albums_per_day, 8);
}

#[test]
fn secrets_are_not_altered() {
    let folder = TempDir::new().unwrap();
    for secret in [
        "007",
        "1e5",
        "0x10",
        "true",
        "null",
        "a,b;c",
        "p@ss:w/ord#?%41",
        " with spaces ",
        "ünïcödé",
        "\"quoted\"",
        "back\\slash",
        "[list]",
        "{table}",
        "$HOME",
        "2026-11-23",
    ] {
        let given =
            |config: Config| config.spotify.client_secret.unwrap().expose_secret().to_owned();
        assert_eq!(given(with_needed(&[("SPOTIFY__CLIENT_SECRET", secret)]).unwrap()), secret);
        let file = format!("[spotify]\nclient_secret = '{secret}'");
        assert_eq!(given(from_both(&file, NEEDED).unwrap()), secret);
        for end in ["", "\n", "\r\n"] {
            let twin = folder.path().join("secret");
            std::fs::write(&twin, format!("{secret}{end}")).unwrap();
            let twin = twin.to_str().unwrap();
            let config = with_needed(&[("SPOTIFY__CLIENT_SECRET_FILE", twin)]).unwrap();
            assert_eq!(given(config), secret);
        }
    }
}

#[test]
fn every_secret_can_be_in_its_own_file() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let key = BASE64_STANDARD.encode([42; 32]);
    let config = from_environment(&[
        ("SPOTIFY__CLIENT_ID", "my-app"),
        ("SPOTIFY__CLIENT_SECRET_FILE", &file("client", "hush\n")),
        ("MAIL__SMTP_URL_FILE", &file("smtp", "smtps://me:secret@mail.example.com\n")),
        ("MAIL__FROM", "dropday@example.com"),
        ("SECRETS__KEY_FILE", &file("key", &format!("{key}\n"))),
    ])
    .unwrap();
    assert_eq!(config.mail.smtp_url.expose_secret(), "smtps://me:secret@mail.example.com");
    assert!(matches!(config.key, KeySource::Given(key, _) if *key.expose_secret() == [42; 32]));
}

#[test]
fn secret_set_twice_or_missing_file_is_an_error() {
    let key = BASE64_STANDARD.encode([42; 32]);
    for (inline, twin, value) in [
        ("SPOTIFY__CLIENT_SECRET", "SPOTIFY__CLIENT_SECRET_FILE", "hush"),
        ("MAIL__SMTP_URL", "MAIL__SMTP_URL_FILE", "smtps://mail.example.com"),
        ("SECRETS__KEY", "SECRETS__KEY_FILE", key.as_str()),
    ] {
        let path = inline.to_lowercase().replace("__", ".");
        let fault_of_both = errors_of(with_needed(&[(inline, value), (twin, "/etc/hostname")]));
        let both = format!("`{path}` and `{path}_file` are both set: keep one of them");
        assert!(fault_of_both.contains(&both), "{fault_of_both}");
    }
    let missing = errors_of(with_needed(&[("SPOTIFY__CLIENT_SECRET_FILE", "/nowhere/secret")]));
    assert!(missing.contains("`spotify.client_secret_file` names /nowhere/secret"), "{missing}");
}

/// A directory as in `CREDENTIALS_DIRECTORY`.
fn credentials_directory(credentials: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in credentials {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn with_credentials(folder: &TempDir, settings: Settings<'_>) -> Result<Config, ConfigError> {
    let file = folder.path().join("dropday.toml");
    std::fs::write(&file, "").unwrap();
    let named = |(key, value): &(&str, &str)| (format!("DROPDAY_{key}"), (*value).to_owned());
    let handed = ("CREDENTIALS_DIRECTORY".to_owned(), folder.path().display().to_string());
    load(Some(&file), settings.iter().map(named).chain([handed]))
}

#[test]
fn every_secret_can_be_a_credential() {
    let key = BASE64_STANDARD.encode([42; 32]);
    let folder = credentials_directory(&[
        ("spotify.client_secret", "hush\n"),
        ("mail.smtp_url", "smtps://me:secret@mail.example.com\n"),
        ("mail.dkim_key", "-----BEGIN PRIVATE KEY-----\n"),
        ("secrets.key", &format!("{key}\n")),
        ("of.somebody.else", "x"),
    ]);
    let config = with_credentials(
        &folder,
        &[
            ("SPOTIFY__CLIENT_ID", "my-app"),
            ("MAIL__FROM", "dropday@example.com"),
            ("MAIL__DKIM_SELECTOR", "dropday"),
        ],
    )
    .unwrap();
    assert_eq!(config.spotify.client_secret.unwrap().expose_secret(), "hush");
    assert_eq!(config.mail.smtp_url.expose_secret(), "smtps://me:secret@mail.example.com");
    assert_eq!(config.mail.dkim.unwrap().key.expose_secret(), "-----BEGIN PRIVATE KEY-----");
    assert!(matches!(config.key, KeySource::Given(key, _) if *key.expose_secret() == [42; 32]));
}

#[test]
fn database_is_in_state_directory_unless_path_is_set() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("dropday.toml");
    let path_with = |text: &str, settings: Settings<'_>| {
        std::fs::write(&file, text).unwrap();
        let named = |(key, value): &(&str, &str)| (format!("DROPDAY_{key}"), (*value).to_owned());
        let state = ("STATE_DIRECTORY".to_owned(), "/var/lib/dropday:/var/lib/more".to_owned());
        let all = NEEDED.iter().chain(settings).map(named).chain([state]);
        load(Some(&file), all).unwrap()
    };
    let config = path_with("", &[]);
    assert_eq!(config.database, Path::new("/var/lib/dropday/dropday.db"));
    let key =
        matches!(config.key, KeySource::BesideDatabase(key) if key.starts_with("/var/lib/dropday"));
    assert!(key, "and the key beside it");
    let named = "[database]\npath = \"/srv/mine.db\"\n";
    assert_eq!(path_with(named, &[]).database, Path::new("/srv/mine.db"));
    let env = [("DATABASE__PATH", "/srv/other.db")];
    assert_eq!(path_with(named, &env).database, Path::new("/srv/other.db"));
    assert_eq!(with_needed(&[]).unwrap().database, Path::new("dropday.db"));
}

#[test]
fn blank_credential_is_ignored() {
    let folder = credentials_directory(&[("spotify.client_secret", "\n"), ("secrets.key", "")]);
    let config = with_credentials(&folder, NEEDED).unwrap();
    assert!(config.spotify.client_secret.is_none());
    assert!(matches!(config.key, KeySource::BesideDatabase(_)));
}

#[test]
fn secret_set_in_configuration_and_credential_is_an_error() {
    let folder = credentials_directory(&[("mail.smtp_url", "smtps://me:hush@mail.example.com")]);
    let twice = errors_of(with_credentials(&folder, NEEDED));
    let told = twice.contains("`mail.smtp_url`")
        && twice.contains("credential")
        && !twice.contains("hush");
    assert!(told, "{twice}");
    let key = BASE64_STANDARD.encode([42; 32]);
    let folder = credentials_directory(&[("secrets.key", &key)]);
    let settings = [NEEDED, &[("SECRETS__KEY_FILE", "/etc/hostname")]].concat();
    assert!(errors_of(with_credentials(&folder, &settings)).contains("`secrets.key_file`"));
}

#[test]
fn separate_smtp_password_needs_no_escaping() {
    let url = |smtp_url: &str, password: &str| {
        let settings = [NEEDED, &[("MAIL__SMTP_URL", smtp_url), ("MAIL__SMTP_PASSWORD", password)]];
        with_needed(&settings.concat())
            .map(|config| config.mail.smtp_url.expose_secret().to_owned())
    };
    let whole = url("smtps://me@mail.example.com:465", "p@ss/w%41rd: ").unwrap();
    assert_eq!(whole, "smtps://me:p%40ss%2Fw%2541rd%3A%20@mail.example.com:465");
    for (smtp_url, why) in [
        ("smtps://me:other@mail.example.com", "no password"),
        ("smtps://mail.example.com", "a user name"),
    ] {
        let fault = url(smtp_url, "hush").unwrap_err().to_string();
        assert!(fault.contains(why) && !fault.contains("hush"), "{fault}");
    }
}

#[test]
fn changed_keys_include_secrets() {
    let folder = credentials_directory(&[("spotify.client_secret", "one")]);
    let before = with_credentials(&folder, &[NEEDED, &[("LOG__LEVEL", "info")]].concat()).unwrap();
    let same = with_credentials(&folder, NEEDED).unwrap();
    assert_eq!(
        before.keys.changed(&same.keys),
        Vec::<String>::new(),
        "writing out a default is no change"
    );
    std::fs::write(folder.path().join("spotify.client_secret"), "two").unwrap();
    let settings = [NEEDED, &[("LOG__LEVEL", "debug"), ("MAIL__CONNECTIONS", "7")]].concat();
    let after = with_credentials(&folder, &settings).unwrap();
    let changed = before.keys.changed(&after.keys);
    assert_eq!(changed, ["log.level", "mail.connections", "spotify.client_secret"]);
    let told = format!("{:?}", after.keys);
    assert!(
        told.contains("mail.connections") && !told.contains("two") && !told.contains('7'),
        "{told}"
    );
}

#[test]
fn errors_never_contain_secrets() {
    for file in [
        "[spotify]\nclient_secret = hush",
        "[spotify]\nclient_secret = \"hush",
        "[spotify]\nclient_secret = [\"hush\"]",
        "[spotify]\nclient_secret = \"hush\" \"more\"",
        "[spotify]\nclient_secret = \"hush\"\nclient_secret = \"hush2\"",
        "[spotify]\nclient_secret = \"hush\\q\"",
        "[spotify]\nclient_secret = { hush = \"hush\" }",
        "[mail]\nsmtp_url = smtps://me:hush@mail.example.com",
        "[secrets]\nkey = \"hush\"",
        "[secrets]\nkey = hush=",
    ] {
        let errors = errors_of(from_both(file, NEEDED));
        assert!(!errors.contains("hush"), "{file}: {errors}");
    }
}

#[test]
fn invalid_or_missing_file_is_named() {
    let broken = errors_of(from_both("[spotify\nclient_id = 1", NEEDED));
    assert!(
        broken.contains("dropday.toml is not valid TOML") && broken.contains("line 1"),
        "{broken}"
    );
    let missing = load(Some(Path::new("/nowhere/dropday.toml")), []).unwrap_err().to_string();
    assert!(missing.contains("/nowhere/dropday.toml cannot be read"), "{missing}");
}

#[test]
fn readme_examples_are_valid() {
    let readme = include_str!("../../README.md");
    let blocks: Vec<&str> =
        readme.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let config = from_both(block, &[]);
        assert!(config.is_ok(), "{}\n{block}", config.unwrap_err());
    }
}

#[test]
fn packaged_file_lacks_three_required_keys() {
    let file = include_str!("../../packaging/deb/dropday.toml");
    let ConfigError(faults) = from_both(file, &[]).expect_err("three keys are not set");
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(faults.iter().all(|fault| fault.contains("is not set")), "{faults:?}");
    let mut filled = file.replace("# public_url", "public_url");
    for (key, value) in NEEDED {
        let key = key.split("__").last().unwrap().to_lowercase();
        filled = filled.replace(&format!("\n{key} = \"\""), &format!("\n{key} = \"{value}\""));
    }
    let config = from_both(&filled, &[]).unwrap();
    assert_eq!(config.database, Path::new("/var/lib/dropday/dropday.db"));
    assert_eq!(config.redirect_url().as_str(), "https://dropday.example.com/callback");
}

#[test]
fn variables_of_image_and_compose_file_exist() {
    for text in [include_str!("../../Dockerfile"), include_str!("../../compose.yaml")] {
        let names = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let names: Vec<&str> = names.filter_map(|name| name.strip_prefix("DROPDAY_")).collect();
        assert!(!names.is_empty());
        for name in names {
            let key = name.to_lowercase().replace("__", ".");
            let defaults = File::from_str(DEFAULTS, FileFormat::Toml);
            let defaults = config::Config::builder().add_source(defaults).build().unwrap();
            assert!(defaults.get_string(&key).is_ok(), "DROPDAY_{name}");
        }
    }
}

#[tokio::test]
async fn first_start_creates_private_key_file() {
    let machine = Machine::new().await;
    let first = machine.run(&["once"]).await;
    assert!(first.err.contains("created the key"), "{first:?}");
    let file = machine.folder.path().join("dropday.key");
    let key = std::fs::read_to_string(&file).unwrap();
    assert_eq!(BASE64_STANDARD.decode(key.trim()).unwrap().len(), 32);
    for file in [file.clone(), machine.database()] {
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let second = machine.run(&["once"]).await;
    assert_eq!((second.code, second.err.as_str()), (Some(0), ""), "logged only once");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), key);
    machine.finish().await;
}

#[tokio::test]
async fn configured_key_is_used_instead_of_a_file() {
    let key = BASE64_STANDARD.encode([42; 32]);
    let machine = Machine::with(&[("SECRETS__KEY", &key)]).await;
    assert_eq!(machine.run(&["once"]).await.code, Some(0));
    assert!(!machine.folder.path().join("dropday.key").exists());
    let other = BASE64_STANDARD.encode([43; 32]);
    let ended = machine.run_with(&[("SECRETS__KEY", &other)], &["once"]).await;
    assert!(ended.code == Some(1) && ended.err.contains("does not fit"), "{ended:?}");
    machine.finish().await;
}
