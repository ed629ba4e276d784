"""One form of a page is filled in again; everything else of the page stays as it is."""

from mailer.web.refill import refill

PAGE = """<!doctype html><p>Ça & là &eacute;</p>
<form action="/save?x=1" method="post"><input type="hidden" name="csrf" value="new">
<input type="hidden" name="version" value="3"><input name="title" value="old"><input name="ids" value=""><input name="ids">
<textarea name="text">
a &lt;b&gt;</textarea><input type="password" name="password"><input type="file" name="file">
<input type="checkbox" name="news" value="true" checked><input type="checkbox" name="lists" value="1">
<input type="checkbox" name="lists" value="2" checked><input type="radio" name="kind" value="a" checked>
<input type="radio" name="kind" value="b"><select name="land"><option value="FR" selected>F</option>
<option value="BE">B</option></select><input name="other" value="stays"><button name="act" value="go">Go</button></form>
<form action="/other"><input name="title" value="other"></form>"""
SENT = {
    "version": ["2"],
    "title": ['"new" <b>'],
    "ids": ["1", "2"],
    "text": ["\nline\r\n</textarea><script>"],
    "lists": ["1"],
    "kind": ["b"],
    "land": ["BE"],
    "password": ["secret"],
    "act": ["go"],
}


def filled(page: str = PAGE, action: str = "/save?x=1") -> str:
    found = refill(page, address="/save", action=action, sent=SENT)
    assert found is not None
    return found


def test_each_kind_of_field_shows_what_was_sent() -> None:
    text = filled()
    for part in (
        'name="version" value="2"',
        'name="title" value="&quot;new&quot; &lt;b&gt;"',
        '<input name="ids" value="1"><input name="ids" value="2">',
        '<textarea name="text">\n\nline\r\n&lt;/textarea&gt;&lt;script&gt;</textarea>',
        'name="news" value="true">',
        'name="lists" value="1" checked>',
        'name="lists" value="2">',
        'name="kind" value="a">',
        'name="kind" value="b" checked>',
        '<option value="FR">F</option>',
        '<option value="BE" selected>B</option>',
    ):
        assert part in text


def test_the_rest_of_the_page_stays() -> None:
    text = filled()
    for part in (
        "<p>Ça & là &eacute;</p>",
        'name="csrf" value="new"',
        '<input type="password" name="password"><input type="file" name="file">',
        'name="other" value="stays"',
        '<button name="act" value="go">Go</button>',
        '<form action="/other"><input name="title" value="other"></form>',
    ):
        assert part in text


def test_among_equal_forms_the_one_with_the_same_hidden_fields_is_filled() -> None:
    row = '<form action="/save?x=1"><input type="hidden" name="version" value="{}"><input name="title" value="old"></form>'
    text = filled(row.format(1) + row.format(2))
    assert text.startswith(row.format(1))
    assert 'value="old"' not in text.removeprefix(row.format(1))


def test_a_page_without_that_form_is_told_apart() -> None:
    assert refill(PAGE, address="/save", action="/elsewhere", sent=SENT) is None
    assert refill("<form><input name='title'></form>", address="/save", action="/save", sent=SENT) is not None
