-- Rows for every table of migrations/0001_initial.sql, sealed with a key of 32 bytes of 7.
-- 1790812800000 is 2026-10-01T00:00:00Z.

INSERT INTO meta (key, value) VALUES
    ('key_check', x'012FE42A765BFC72A100574D8AEA15346259685B7CCD1F29149029C1D209881F96E452555AF465B8681B11FEB79F5A12');
INSERT INTO users (id, account_id, spotify_id, display_name, address, suggested_address, created_at, consent,
                    follows_next_at) VALUES
    (1, 'account-m', 'martha', 'Martha', 'martha@example.com', NULL, 1790812800000, 'granted', 1790812800002),
    (2, NULL, 'jonas', 'Jonas', NULL, 'jonas@example.com', 1790812800000, 'granted', 1790812800002),
    (3, NULL, 'aino', 'Aino', NULL, NULL, 1790812800000, 'ended', 1790812800000);
INSERT INTO tokens (user_id, access_sealed, expires_at, refresh_sealed, authorized_at, version, expired_since) VALUES
    (1, x'01FC9AC319D283FD55D7D512FB12DABE011DB0DB1802B5F9AE6CA153ECF88DBA7FE8ECB6F035EE11B6E767FB7452AD6506',
     1790812800005,
     x'016E9F8CB26761BD29F75DB5DB1987E014FE223319BB275C8D183E5F76FD703E32A3127CFCCE107B7A7DF8B3A54E042427E1',
     1790812800000, 4, NULL),
    (2, x'012BA71D7BBA7148EAA8564F7F27A2E2A75D8D4C6A117CBB7C44346C2B1FA0B2870D81F7026EF849EC2B6F0D1F72208E6C',
     1790812800005,
     x'018AA3F735B0B3B7CFE7ECA4DA5A589D87C67862C9DB1B91849F0B8839AE57E8684FE9F0ADD72102C31D4A77D0E713B50945',
     1790812800000, 1, 1790812800000);
INSERT INTO oauth_states (state_hash, browser_hash, verifier_sealed, invitation, expires_at) VALUES
    (zeroblob(32), zeroblob(32), x'01', 2, 1790813400000);
INSERT INTO sessions (token_hash, user_id, created_at, seen_at) VALUES (zeroblob(32), 1, 1790812800000, 1790812800007);
INSERT INTO confirmation_links (id, purpose, user_id, address, created_at, expires_at, used_at) VALUES
    (1, 'confirm', 1, NULL, 1790812800000, 1790812800008, 1790812800001),
    (2, 'confirm', 2, 'jonas@example.com', 1790812800000, 1790812800008, NULL);
INSERT INTO invitations (id, token_hash, note, made_at, expires_at, used_at, used_by) VALUES
    (1, zeroblob(32), 'Aino', 1790812800000, 1790812800009, 1790812800005, 2),
    (2, x'02', 'Veikko', 1790812800000, 1790812800009, NULL, NULL);
INSERT INTO access_requests (name, address, proof_hash, asked_at, alert_id) VALUES
    ('Sanni', 'sanni@example.com', zeroblob(32), 1790812800000, 7);
INSERT INTO feeds (user_id, kind, token_hash, made_at, read_at, version, changed_at) VALUES
    (1, 'atom', zeroblob(32), 1790812800000, 1790812800008, x'01', 1790812800008),
    (1, 'calendar', x'03', 1790812800000, NULL, NULL, NULL);
INSERT INTO goodbye_emails (address, artists, withdrew, made_at) VALUES ('gone@example.com', 12, 0, 1790812800000);
INSERT INTO artists (id, name, folded, tracked_since, untracked_at, checked_at, next_check_at) VALUES
    ('artist-r', 'Röyksopp', 'royksopp', 1790812800000, NULL, 1790812800002, 1790812800003),
    ('artist-s', 'Sade', 'sade', 1790812800000, NULL, NULL, 1790812800003),
    ('artist-t', 'Tricky', 'tricky', 1790812800000, 1790812800004, 1790812800002, 1790812800003);
INSERT INTO artist_lists (artist, list, initial_scan_at, checked_at, total, next_check_at) VALUES
    ('artist-r', 'albums', 1790812800001, 1790812800002, 12, 1790812800002),
    ('artist-r', 'compilations', 1790812800000, 1790812800000, 3, 1790812800009),
    ('artist-t', 'albums', 1790812800001, 1790812800002, 4, 1790812800002);
INSERT INTO follows (user_id, artist, since) VALUES
    (1, 'artist-r', 1790812800000), (1, 'artist-s', 1790812800000), (2, 'artist-r', 1790812800000);
INSERT INTO unfollows (user_id, artist, since, ended_at) VALUES (2, 'artist-t', 1790812800000, 1790812800004);
INSERT INTO mutes (user_id, artist, since) VALUES (1, 'artist-s', 1790812800000);
INSERT INTO releases (id, title, kind, artists, date, tracks, cover, link) VALUES
    ('release-1', 'Melody A.M.', 'album', '[["artist-r","Röyksopp"]]', '2001-10-08', 10, NULL,
     'https://open.spotify.com/album/1'),
    ('release-2', 'The Inevitable End', 'album', '[["artist-r","Röyksopp"]]', '2026-09-30', 12,
     'https://i.scdn.co/image/2', 'https://open.spotify.com/album/2'),
    ('release-3', 'Melody A.M. (Deluxe)', 'album', '[["artist-r","Röyksopp"]]', '2026-09-30', 20, NULL,
     'https://open.spotify.com/album/3');
INSERT INTO artist_releases (artist, release, seen_at, is_news, appears) VALUES
    ('artist-r', 'release-1', 1790812800000, 0, 1), ('artist-r', 'release-2', 1790812800001, 1, 0);
INSERT INTO editions (release, album) VALUES ('release-3', 'release-1');
INSERT INTO outbox (id, user_id, kind, subject, state, email_id, attempts, next_at, reason, enqueued_at, finished_at) VALUES
    (1, 1, 'confirm', '1', 'sent', 1, 1, 1790812800000, NULL, 1790812800000, 1790812800001),
    (2, 1, 'news', 'release-2', 'sent', 2, 2, 1790812800000, 'slow', 1790812800001, 1790812800002),
    (3, 2, 'confirm', '2', 'pending', NULL, 0, 1790812800000, NULL, 1790812800000, NULL),
    (4, NULL, 'operator', 'premium/2026-10-01', 'pending', NULL, 0, 1790812800000, NULL, 1790812800000, NULL);
INSERT INTO api_calls (bucket, at, purpose) VALUES
    ('artist_albums', 1790812800000, 'hint'), ('following', 1790812800001, 'other');
INSERT INTO pauses (scope, until, cause) VALUES
    ('all', 1790812860000, 'rate_limit'), ('following', 1790812800009, 'endpoint');
INSERT INTO quota_lockouts (bucket, spent, at, until, consecutive) VALUES ('artist_albums', 60, 1790812800000, 1790812800009, 1);
INSERT INTO identities (artist, mbid, looked_up_at, look_up_next_at, deezer) VALUES
    ('artist-r', 'mbid-r', 1790812800000, 1790812800009, 77), ('artist-s', NULL, 1790812800000, 1790812800009, NULL);
INSERT INTO hints (artist, source, key, released, given_at, tries, next_at, state, finished_at) VALUES
    ('artist-r', 'deezer', '4711', '2026-10-02', 1790812800000, 1, 1790812800005, 'open', NULL),
    ('artist-r', 'listenbrainz', 'x', NULL, 1790812800000, 3, 1790812800000, 'dropped', 1790812800001);
INSERT INTO hint_sources (source, next_at, calls, last_ok_at) VALUES ('deezer', 1790812800000, 12, 1790812800000);
INSERT INTO job_runs (job, started_at, ended_at, result, is_idle, did) VALUES
    ('follows', 1790812800000, 1790812800005, 'ok', 0, '2 lists read');
