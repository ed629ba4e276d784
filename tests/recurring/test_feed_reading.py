"""Feeds of strangers: what is read of them, and what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sending import feed_block, feed_reading, merge
from sending.feed_reading import Item, NoFeed

BASE = "https://pain.example/flux.xml"
RSS = b"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
     xmlns:media="http://search.yahoo.com/mrss/"><channel><title>Le journal du pain</title>
<item><title>Le seigle &amp; l'orge</title><link>/seigle</link><guid isPermaLink="false">a-1</guid>
<description>&lt;p&gt;Un &lt;b&gt;pain&lt;/b&gt; noir&lt;script&gt;alert(1)&lt;/script&gt;&lt;/p&gt;</description>
<pubDate>Fri, 27 Nov 2026 08:00:00 +0100</pubDate><enclosure url="https://pain.example/s.jpg" type="image/jpeg"/></item>
<item><title>Sans guid</title><link>https://pain.example/b?x={{1}}</link>
<content:encoded><![CDATA[<img src="/b.png">Texte long]]></content:encoded><media:title>Autre</media:title></item>
<item><title>Encore</title><link>javascript:alert(1)</link><guid>a-1</guid></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Fil</title>
<entry><id>urn:1</id><title type="html">L&amp;#233;gumes</title><link rel="self" href="https://x.example/self"/>
<link href="https://x.example/1"/><updated>2026-11-20T23:30:00-05:00</updated>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Un <em>chou</em> vert</div></content></entry></feed>"""


def test_an_rss_feed_is_read() -> None:
    found = feed_reading.read(RSS, BASE)
    # the third says that it is the first
    assert [one.title for one in found] == ["Encore", "Sans guid"]
    second = found[1]
    assert second.link == "https://pain.example/b?x=%7B%7B1%7D%7D"
    assert (second.summary, second.image) == ("Texte long", "https://pain.example/b.png")
    first = feed_reading.read(RSS.replace(b"<guid>a-1</guid>", b"<guid>a-3</guid>"), BASE)
    assert first[0].title == "Le seigle & l'orge"
    assert (first[0].link, first[0].summary) == ("https://pain.example/seigle", "Un pain noir")
    assert (first[0].image, first[0].date) == ("https://pain.example/s.jpg", "2026-11-27")
    assert first[2].link == ""
    assert len({one.key for one in first}) == 3


def test_an_atom_feed_is_read() -> None:
    [entry] = feed_reading.read(ATOM.encode(), BASE)
    assert (entry.title, entry.link) == ("Légumes", "https://x.example/1")
    assert (entry.summary, entry.date) == ("Un chou vert", "2026-11-21")


@pytest.mark.req("E-55")
@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not_a_feed"),
        (b"<html><body>Bonjour</body></html>", "not_a_feed"),
        (b"<rss><channel><item><title>x</item></channel></rss>", "not_a_feed"),
        (b'<!DOCTYPE rss [<!ENTITY a "b">]><rss/>', "entities"),
        (
            b'<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss><item><title>&a;</title></item></rss>',
            "entities",
        ),
        (
            b'<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><rss>&b;</rss>',
            "entities",
        ),
        (b"<rss>" + b"<a>" * 5000, "not_a_feed"),
        (b'<?xml version="1.0" encoding="nothing-known"?><rss/>', "not_a_feed"),
    ],
)
def test_what_is_no_feed_or_means_harm_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(NoFeed, match=why):
        feed_reading.read(data, BASE)


def test_an_external_subset_is_never_fetched() -> None:
    data = b'<!DOCTYPE rss SYSTEM "http://127.0.0.1:1/x.dtd"><rss><channel><item><title>a</title></item></channel></rss>'
    assert [one.title for one in feed_reading.read(data, BASE)] == ["a"]


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for whole in (data, b"<rss><item><title>" + data + b"</title></item></rss>"):
        try:
            found = feed_reading.read(whole, BASE)
        except NoFeed:
            continue
        assert len(found) <= feed_reading.MAX_ITEMS


BLOCK = """<mj-text>Avant</mj-text>{% for item in items %}<mj-text>{{ item.title | upper }}
{% if item.image %}<img src="{{ item.image }}">{% else %}sans image{% endif %}{{ contact.first_name }}
{% if contact.language == "fr" %}oui{% endif %}<a href="{{ item.link }}">{{ item.summary }}</a> {{ item.date }}</mj-text>
{% endfor %}<mj-text>Apres {% for x in contact.tags_list %}{{ x }}{% endfor %}</mj-text>"""
FIELDS = frozenset({"tags_list"})


def item(**given: str) -> Item:
    values = {"key": "", "title": "Pain", "link": "https://x.example/?a=1&b=2", "summary": "s", "image": ""}
    return Item(**({"date": "2026-11-27"} | values | given))


def test_a_block_is_written_out_for_each_item_and_the_contacts_tags_stay() -> None:
    assert merge.check(BLOCK, fields=FIELDS, part="mjml") == []
    made = feed_block.expand(BLOCK, [item(), item(title="Lait", image="https://x.example/i.png")], "fr")
    assert "{% for item" not in made
    assert made.count("{{ contact.first_name }}") == 2
    assert made.count('{% if contact.language == "fr" %}oui{% endif %}') == 2
    assert (made.count("sans image"), made.count('<img src="https://x.example/i.png">')) == (1, 1)
    assert ("PAIN" in made, "LAIT" in made, "27 nov. 2026" in made) == (True, True, True)
    assert 'href="https://x.example/?a=1&amp;b=2"' in made
    assert "{% for x in contact.tags_list %}{{ x }}{% endfor %}" in made
    assert merge.check(made, fields=FIELDS, part="mjml") == []


@pytest.mark.req("E-20")
@pytest.mark.parametrize(
    "evil", ["{{ contact.email }}", "{% if 1 %}", "{# a", "{", "\ue0000\ue001", "<script>"]
)
def test_what_a_feed_says_is_never_a_tag_nor_markup(evil: str) -> None:
    plain = merge.names_used(feed_block.expand(BLOCK, [item()], "fr"))
    made = feed_block.expand(BLOCK, [item(title=evil, summary=evil)], "fr")
    assert merge.check(made, fields=FIELDS, part="mjml") == []
    assert merge.names_used(made) == plain
    assert "<script>" not in made
    assert made.count("{{ contact.first_name }}") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        "{% for item in items %}{{ item.titel }}{% endfor %}",
        "{% for item in items %}{{ item.title * 9 }}{% endfor %}",
        "{% for item in items %}{{ item.__class__ }}{% endfor %}",
        "{% for other in items %}{{ other }}{% endfor %}",
        "{{ item.title }}",
        "{{ items }}",
        "{% for item in items %}{% for item in items %}{% endfor %}{% endfor %}",
    ],
)
def test_a_block_at_fault_is_told_and_not_carried_out(wrong: str) -> None:
    assert merge.check(wrong, fields=FIELDS, part="mjml")
