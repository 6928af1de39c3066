"""Reads a feed and a calendar as programs do that nobody here wrote. Usage: feeds.py ATOM-ADDRESS CALENDAR-ADDRESS"""

import sys
import urllib.error
import urllib.request

import feedparser
import icalendar

TITLE = "Seen in a browser"


def main(atom, calendar):
    feed = feedparser.parse(atom)
    assert not feed.bozo, feed.bozo_exception
    assert feed.status == 200 and feed.version == "atom10", (feed.status, feed.version)
    found = [entry for entry in feed.entries if TITLE in entry.title]
    assert len(found) == 1, [entry.title for entry in feed.entries]
    assert found[0].link and found[0].id and found[0].updated_parsed, found[0]
    again = feedparser.parse(atom, etag=feed.etag, modified=feed.modified)
    assert again.status == 304, again.status

    status, headers, body = fetch(calendar)
    assert status == 200 and headers.get_content_type() == "text/calendar", (status, headers)
    events = [part for part in icalendar.Calendar.from_ical(body).walk("VEVENT") if TITLE in part["SUMMARY"]]
    assert len(events) == 1, body
    assert events[0]["UID"] and not hasattr(events[0].decoded("DTSTART"), "hour"), "it is no whole-day entry"
    status, _, _ = fetch(calendar, **{"If-None-Match": headers["ETag"]})
    assert status == 304, status
    status, _, _ = fetch(f"{atom[:-12]}AAAAAAA.atom")
    assert status == 404, status


def fetch(address, **headers):
    try:
        answer = urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=10)
    except urllib.error.HTTPError as refused:
        answer = refused
    with answer:
        return answer.status, answer.headers, answer.read()


main(*sys.argv[1:])
