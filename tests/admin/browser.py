"""Forms as a browser without scripts reads and sends them, so that tests judge pages from outside."""

from __future__ import annotations

from html.parser import HTMLParser


class Field:
    """A control that would be sent: its name, value, and the form that it belongs to."""

    def __init__(self, name, value, form):
        self.name, self.value, self.form = name, value, form


class Page(HTMLParser):
    """The forms, links and suspicious parts of a page."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.html = html
        self.forms, self.fields, self.buttons, self.links, self.inline, self.texts = [], [], [], [], [], []
        self._form, self._select, self._area, self._script, self._disabled = None, None, None, False, 0
        self.feed(html)

    @classmethod
    def of(cls, response):
        assert response.status_code == 200, (response.status_code, response.headers.get("Location"))
        return cls(response.content.decode())

    def handle_starttag(self, tag, attrs):
        attrs = {key: value or "" for key, value in attrs}
        self._judge(tag, attrs)
        handler = getattr(self, f"_start_{tag}", None)
        if handler:
            handler(attrs)

    def _judge(self, tag, attrs):
        """What a strict Content-Security-Policy would refuse."""
        if tag == "style" or "style" in attrs or any(key.startswith("on") for key in attrs):
            self.inline.append((tag, attrs))
        if tag == "script" and not attrs.get("src"):
            self.inline.append((tag, attrs))
        if any(value.strip().lower().startswith("javascript:") for value in attrs.values()):
            self.inline.append((tag, attrs))

    def _start_a(self, attrs):
        self.links.append(attrs.get("href", ""))

    def _start_form(self, attrs):
        self._form = attrs
        self.forms.append(attrs)

    def _start_fieldset(self, attrs):
        self._disabled += "disabled" in attrs

    def _start_input(self, attrs):
        kind = attrs.get("type", "text")
        if kind in ("submit", "button"):
            self._start_button(attrs)
        elif kind == "file" or (kind in ("checkbox", "radio") and "checked" not in attrs):
            return
        else:
            self._add(attrs, attrs.get("value", "on" if kind in ("checkbox", "radio") else ""))

    def _start_button(self, attrs):
        self.buttons.append((attrs.get("name", ""), attrs.get("value", ""), self._form_of(attrs)))

    def _start_textarea(self, attrs):
        self._area = (attrs, [])

    def _start_select(self, attrs):
        self._select = (attrs, [])

    def _start_option(self, attrs):
        if self._select is not None:
            self._select[1].append((attrs.get("value", ""), "selected" in attrs))

    def handle_data(self, data):
        if self._area is not None:
            self._area[1].append(data)
        elif data.strip():
            self.texts.append(data.strip())

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None
        elif tag == "textarea" and self._area is not None:
            attrs, parts = self._area
            self._area = None
            # The first line break after the tag belongs to the tag.
            self._add(attrs, "".join(parts).removeprefix("\n"))
        elif tag == "select" and self._select is not None:
            attrs, options = self._select
            self._select = None
            chosen = [value for value, selected in options if selected]
            one = (chosen or [value for value, _ in options[:1]])[-1:]
            for value in chosen if "multiple" in attrs else one:
                self._add(attrs, value)

    def _add(self, attrs, value):
        if attrs.get("name") and "disabled" not in attrs:
            self.fields.append(Field(attrs["name"], value, self._form_of(attrs)))

    def _form_of(self, attrs):
        if attrs.get("form"):
            return next((form for form in self.forms if form.get("id") == attrs["form"]), None)
        return self._form

    def data(self, form=None, **changes):
        """What would be sent from a form (the one with most fields), with some fields typed over.

        A list sends several values, None sends nothing.
        """
        form = form or max(self.forms, key=lambda one: sum(field.form is one for field in self.fields))
        sent = {}
        for field in self.fields:
            if field.form is form:
                sent.setdefault(field.name, []).append(field.value)
        for name, value in changes.items():
            sent.pop(name, None)
            if value is not None:
                sent[name] = value if isinstance(value, list) else [value]
        return sent

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())
