use super::*;
use jiff::civil::date;
use proptest::prelude::*;

fn at(raw: &str) -> Timestamp {
    raw.parse().unwrap()
}

fn berlin(frequency: DigestFrequency, hour: i8) -> DigestSchedule {
    DigestSchedule { frequency, hour, zone: TimeZone::get("Europe/Berlin").unwrap() }
}

fn key(raw: &str) -> Option<Key> {
    Some(Key::parse(raw).unwrap())
}

#[test]
fn immediate_news_waits_for_no_hour() {
    let now = at("2026-11-27T00:03:00Z");
    assert_eq!(berlin(DigestFrequency::AtOnce, 8).next_send_time(now, None), now);
    assert_eq!(berlin(DigestFrequency::AtOnce, 8).due(now, None), None);
}

#[test]
fn daily_digest_is_sent_at_local_hour() {
    let daily = berlin(DigestFrequency::Daily, 8);
    assert_eq!(daily.next_send_time(at("2026-11-27T06:59:59Z"), None), at("2026-11-27T07:00:00Z"));
    assert_eq!(daily.next_send_time(at("2026-11-27T07:00:00Z"), None), at("2026-11-28T07:00:00Z"));
    assert_eq!(daily.due(at("2026-11-27T07:00:00Z"), None), key("daily:2026-11-27"));
    assert_eq!(daily.due(at("2026-11-27T06:59:59Z"), None), key("daily:2026-11-26"));
}

#[test]
fn weekly_digest_is_sent_on_its_day() {
    let weekly = berlin(DigestFrequency::Weekly(Weekday::Friday), 18);
    let monday = at("2026-11-23T12:00:00Z");
    assert_eq!(weekly.next_send_time(monday, None), at("2026-11-27T17:00:00Z"));
    assert_eq!(weekly.due(monday, key("weekly:2026-11-20")), None);
    assert_eq!(
        weekly.due(at("2026-11-27T17:00:00Z"), key("weekly:2026-11-20")),
        key("weekly:2026-11-27")
    );
}

#[test]
fn sent_digest_is_not_repeated_after_clock_step_back() {
    let daily = berlin(DigestFrequency::Daily, 8);
    let sent = key("daily:2026-11-27");
    assert_eq!(daily.due(at("2026-11-27T07:00:01Z"), sent), None);
    assert_eq!(daily.next_send_time(at("2026-11-27T06:30:00Z"), sent), at("2026-11-28T07:00:00Z"));
}

#[test]
fn future_dated_digest_blocks_no_other() {
    let daily = berlin(DigestFrequency::Daily, 8);
    let ahead = key("daily:2031-01-01");
    assert_eq!(daily.due(at("2026-11-27T07:00:00Z"), ahead), key("daily:2026-11-27"));
    assert_eq!(daily.next_send_time(at("2026-11-27T06:00:00Z"), ahead), at("2026-11-27T07:00:00Z"));
}

#[test]
fn digest_hour_handles_daylight_saving_changes() {
    let spring = berlin(DigestFrequency::Daily, 2);
    assert_eq!(spring.next_send_time(at("2026-03-28T12:00:00Z"), None), at("2026-03-29T01:00:00Z"));
    let autumn = berlin(DigestFrequency::Daily, 2);
    let first = at("2026-10-25T00:00:00Z");
    assert_eq!(autumn.next_send_time(at("2026-10-24T12:00:00Z"), None), first);
    let sent = autumn.due(first, key("daily:2026-10-24"));
    assert_eq!(sent, key("daily:2026-10-25"));
    assert_eq!(autumn.due(at("2026-10-25T01:00:00Z"), sent), None, "two o'clock again");
    assert_eq!(autumn.next_send_time(first, sent), at("2026-10-26T01:00:00Z"));
}

#[test]
fn skipped_calendar_day_loses_no_digest() {
    let zone = TimeZone::get("Pacific/Apia").unwrap();
    let weekly =
        DigestSchedule { frequency: DigestFrequency::Weekly(Weekday::Friday), hour: 8, zone };
    // Samoa skipped 30 December 2011, a Friday.
    let before = at("2011-12-27T00:00:00Z");
    let leaves = weekly.next_send_time(before, None);
    assert!(leaves <= before + MAX_WAIT);
    assert_eq!(weekly.due(leaves, None).unwrap().day, date(2011, 12, 30));
}

fn digest_schedules() -> impl Strategy<Value = DigestSchedule> {
    let zones = prop::sample::select(vec![
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Pacific/Kiritimati",
        "Pacific/Pago_Pago",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "America/St_Johns",
        "Pacific/Apia",
    ]);
    let rhythms = prop_oneof![
        Just(DigestFrequency::Daily),
        (0i8..7).prop_map(|day| DigestFrequency::Weekly(
            Weekday::from_monday_zero_offset(day).unwrap()
        )),
    ];
    (zones, rhythms, 0i8..24).prop_map(|(zone, frequency, hour)| DigestSchedule {
        frequency,
        hour,
        zone: TimeZone::get(zone).unwrap(),
    })
}

proptest! {
    #[test]
    fn pending_news_is_sent_within_days_when_digest_is_due(
        table in digest_schedules(),
        second in 1_200_000_000i64..2_000_000_000,
        sends in 0usize..6,
    ) {
        let mut now = Timestamp::from_second(second).unwrap();
        let mut last = None;
        for _ in 0..=sends {
            let leaves = table.next_send_time(now, last);
            prop_assert!(leaves > now && leaves <= now + MAX_WAIT);
            let key = table.due(leaves, last);
            prop_assert!(key.is_some(), "planned for {leaves}, and not due then");
            prop_assert_eq!(table.due(leaves, key), None, "due twice");
            prop_assert_eq!(Key::parse(&key.unwrap().to_string()), key);
            (now, last) = (leaves, key);
        }
    }

    #[test]
    fn no_digest_repeats_despite_clock_jumps_and_travel(
        tables in prop::collection::vec(digest_schedules(), 1..6),
        steps in prop::collection::vec((-3i64 * 86_400..5 * 86_400, 0usize..6), 1..40),
    ) {
        let mut now = Timestamp::from_second(1_790_000_000).unwrap();
        let (mut last, mut days) = (None::<Key>, std::collections::BTreeSet::new());
        for (step, table) in steps {
            now += SignedDuration::from_secs(step);
            let table = &tables[table % tables.len()];
            let planned = table.next_send_time(now, last);
            prop_assert!(planned > now && planned <= now + MAX_WAIT, "{planned} at {now}");
            if let Some(key) = table.due(now, last) {
                // Digests named by a clock that was days ahead are ignored.
                let is_sound = |last: &Key| last.day <= table.day_of(now).saturating_add(1.day());
                if !last.as_ref().is_none_or(is_sound) {
                    days.clear();
                }
                prop_assert!(days.insert(key.day), "{key} twice");
                last = Some(key);
            }
        }
    }

    #[test]
    fn any_text_is_parsed_as_key_without_panic(raw in any::<String>()) {
        if let Some(key) = Key::parse(&raw) {
            prop_assert_eq!(Key::parse(&key.to_string()), Some(key));
        }
    }
}
