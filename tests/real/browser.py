"""A browser as far as sign-in needs one: cookies, redirects, forms, Fetch Metadata."""

import html.parser
import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field

from harness import Broken, expect

TIMEOUT = 15
MAX_REDIRECTS = 15
REFUSALS = ("deny", "refuse", "cancel", "reject", "decline", "not me")


@dataclass
class Page:
    url: str
    status: int
    headers: object
    body: str

    @property
    def forms(self):
        reader = _FormReader()
        reader.feed(self.body)
        return reader.forms

    @property
    def text(self):
        reader = _TextReader()
        reader.feed(self.body)
        return " ".join(" ".join(reader.words).split())

    def form(self, **has):
        """The one form that has a field of the given name, or simply the one form."""
        fitting = [form for form in self.forms if not has or form.has_input(has["field"])]
        expect(
            len(fitting) == 1,
            f"{len(fitting)} fitting forms, not 1, on {self.url} ({self.status}): {self.text[:300]}",
        )
        return fitting[0]


@dataclass
class Button:
    name: str
    value: str
    text: str = ""


@dataclass
class Form:
    action: str
    method: str
    fields: list = field(default_factory=list)
    buttons: list = field(default_factory=list)

    def has_input(self, name):
        return any(known == name for known, _ in self.fields)

    def agreeing_button(self):
        """The button that says yes: the first that does not say no."""
        for button in self.buttons:
            said = f"{button.name} {button.value} {button.text}".lower()
            if not any(word in said for word in REFUSALS):
                return button
        return None


class _FormReader(html.parser.HTMLParser):
    """Collects the forms of a page as a browser would submit them."""

    def __init__(self):
        super().__init__()
        self.forms = []
        self._form = None
        self._select = None
        self._in_button = False

    def handle_starttag(self, tag, attrs):
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(attributes.get("action", ""), attributes.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None:
            self._control(tag, attributes)

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
        elif tag == "button":
            self._in_button = False

    def handle_data(self, data):
        if self._in_button:
            self._form.buttons[-1].text += data

    def _control(self, tag, attributes):
        if tag == "button" and attributes.get("type", "submit") == "submit":
            self._form.buttons.append(Button(attributes.get("name", ""), attributes.get("value", "")))
            self._in_button = True
        elif tag == "input":
            self._input(attributes)
        elif tag == "select":
            self._select = attributes.get("name", "")
        elif tag == "option" and self._select:
            self._option(attributes)

    def _input(self, attributes):
        kind = attributes.get("type", "text")
        name = attributes.get("name", "")
        if kind == "submit":
            value = attributes.get("value", "")
            self._form.buttons.append(Button(name, value, value))
        elif name and kind == "radio":
            # A browser sends only the checked one; a person would pick one if none is.
            if "checked" in attributes or not self._form.has_input(name):
                self._form.fields = [known for known in self._form.fields if known[0] != name]
                self._form.fields.append((name, attributes.get("value", "on")))
        elif name and (kind != "checkbox" or "checked" in attributes):
            self._form.fields.append((name, attributes.get("value", "")))

    def _option(self, attributes):
        if "selected" in attributes or not self._form.has_input(self._select):
            self._form.fields = [known for known in self._form.fields if known[0] != self._select]
            self._form.fields.append((self._select, attributes.get("value", "")))


class _TextReader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.words = []
        self._hidden = 0

    def handle_starttag(self, tag, attrs):
        self._hidden += tag in ("style", "script")

    def handle_endtag(self, tag):
        self._hidden -= tag in ("style", "script")

    def handle_data(self, data):
        if not self._hidden:
            self.words.append(data)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Browser:
    """`stop_before`: an address that nobody serves; the way ends on being sent there."""

    def __init__(self, stop_before=None):
        self.visited = []
        self._stop_before = stop_before
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        # No proxy from the environment: everything here is on loopback.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar, _NoRedirect)

    def open(self, url):
        """Follow a link from nowhere, as from a bookmark or a mail program."""
        return self._navigate(urllib.request.Request(url), "none")

    def submit(self, page, form, button=None, **values):
        """Fill in and send a form of `page`."""
        url = urllib.parse.urljoin(page.url, form.action)
        fields = {**dict(form.fields), **values}
        if button and button.name:
            fields[button.name] = button.value
        if form.method == "get":
            return self._navigate(
                urllib.request.Request(f"{url}?{urllib.parse.urlencode(fields)}"), _site(page.url, url)
            )
        request = urllib.request.Request(url, data=urllib.parse.urlencode(fields).encode(), method="POST")
        request.add_header("Origin", _origin(page.url))
        return self._navigate(request, _site(page.url, url))

    def agree(self, page, **values):
        """Say yes to the form of `page`."""
        forms = page.forms
        expect(forms, f"a form was expected on {page.url} ({page.status}): {page.text[:300]}")
        for form in forms:
            if form.method == "post" and (button := form.agreeing_button()):
                return self.submit(page, form, button, **values)
        raise Broken(f"no form with a button that says yes on {page.url}: {page.text[:300]}")

    def _navigate(self, request, site):
        for _ in range(MAX_REDIRECTS):
            request.add_header("Sec-Fetch-Site", site)
            request.add_header("Sec-Fetch-Mode", "navigate")
            request.add_header("Sec-Fetch-Dest", "document")
            page = self._send(request)
            self.visited.append(page.url)
            target = page.headers.get("Location")
            if page.status not in (301, 302, 303, 307) or not target:
                return page
            target = urllib.parse.urljoin(page.url, target)
            if self._stop_before and target.startswith(self._stop_before):
                return Page(target, page.status, page.headers, "")
            if site == "same-origin":
                site = _site(page.url, target)
            request = urllib.request.Request(target)
        raise Broken(f"more than {MAX_REDIRECTS} redirects: {self.visited[-MAX_REDIRECTS:]}")

    def _send(self, request):
        try:
            response = self._opener.open(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as refused:
            response = refused
        with response:
            body = response.read().decode("utf-8", "replace")
            return Page(request.full_url, response.status, response.headers, body)


def _origin(url):
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _site(source, target):
    """What a browser says in Sec-Fetch-Site; all of loopback's ports are one site."""
    return "same-origin" if _origin(source) == _origin(target) else "same-site"
