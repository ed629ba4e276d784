"""Messages on the wire: read back by the standard parser, they say what was put in."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sending import message
from sending.message import CampaignHeaders, ListHeaders, MailClass, MessageHeaders
from sending.render import Rendered

CAMPAIGN = CampaignHeaders(
    mail_class=MailClass.MARKETING,
    from_name="Atelier Dupont",
    from_email="lettre@exemple.fr",
    reply_to="bonjour@exemple.fr",
    message_id_domain="mail.exemple.fr",
    feedback_id="12:7:marketing:mailer",
)
HEADERS = MessageHeaders(
    campaign=CAMPAIGN,
    to_email="Zoe.Martin+a@Exemple.fr",
    message_id="k3.99",
    sent_at=datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
    mailing_list=ListHeaders(name="Lettre du mois", label="l7.a12", domain="mail.exemple.fr"),
    unsubscribe_url="https://mail.exemple.fr/t/u/AbC-_x?v=1",
)
RENDERED = Rendered("Bonjour Zoé", "", "<p>Bonjour Zoé</p>\n", "Bonjour Zoé\n")

# Every character a header may hold: no control characters, no surrogates.
LINE_TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=120)
BODY_TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs"), include_characters="\n\t"), max_size=400)


def parsed(raw: bytes) -> EmailMessage:
    made = message_from_bytes(raw, policy=policy.default)
    assert isinstance(made, EmailMessage)
    assert made.defects == []
    return made


def unix(part: EmailMessage) -> str:
    return str(part.get_content()).replace("\r\n", "\n")


def name_in(raw: bytes) -> str:
    """The display name of From by RFC 2047 §6.2; the newer parser keeps the blanks between encoded words."""
    value = message_from_bytes(raw, policy=policy.compat32)["From"].replace("\r\n", "")
    phrase = value.rpartition("<")[0].strip()
    if phrase.startswith('"'):
        return re.sub(r"\\(.)", r"\1", phrase[1:-1])
    return str(make_header(decode_header(phrase)))


def check_wire(raw: bytes) -> None:
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", raw) is None
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert b"\0" not in raw


@pytest.mark.req("D-01", "D-02", "D-40", "D-41")
def test_a_marketing_message_carries_every_header_once() -> None:
    raw = message.build(HEADERS, RENDERED)
    check_wire(raw)
    one = parsed(raw)
    assert sorted(message.header_names(raw)) == sorted(
        [
            "Date", "From", "Reply-To", "Feedback-ID", "To", "Subject", "Message-ID", "List-Id",
            "List-Unsubscribe", "List-Unsubscribe-Post", "MIME-Version", "Content-Type",
        ]
    )  # fmt: skip
    assert one["Date"] == "Tue, 24 Nov 2026 09:30:00 +0000"
    assert one["From"] == "Atelier Dupont <lettre@exemple.fr>"
    assert one["To"] == "Zoe.Martin+a@exemple.fr"
    assert one["Reply-To"] == "bonjour@exemple.fr"
    assert one["Message-ID"] == "<k3.99@mail.exemple.fr>"
    assert one["List-Id"] == "Lettre du mois <l7.a12.mail.exemple.fr>"
    assert one["List-Unsubscribe"] == "<https://mail.exemple.fr/t/u/AbC-_x?v=1>"
    assert one["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert one["Feedback-ID"] == "12:7:marketing:mailer"


MAILTO = "mailto:unsub+ab2c@mail.exemple.fr?subject=AbC-_x"


@pytest.mark.req("D-36", "D-41")
def test_a_mail_address_to_unsubscribe_stands_behind_the_web_address() -> None:
    raw = message.build(replace(HEADERS, unsubscribe_mail=MAILTO), RENDERED)
    assert parsed(raw)["List-Unsubscribe"] == f"<https://mail.exemple.fr/t/u/AbC-_x?v=1>, <{MAILTO}>"
    for odd in (f"{MAILTO}>\r\nBcc: x@y.test", "mailto:a b@x.test?subject=a", f"{MAILTO}&body=x"):
        with pytest.raises(ValueError, match="plain"):
            message.build(replace(HEADERS, unsubscribe_mail=odd), RENDERED)


@pytest.mark.req("D-05")
def test_text_comes_first_and_html_last() -> None:
    one = parsed(message.build(HEADERS, RENDERED))
    assert one.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in one.iter_parts()] == ["text/plain", "text/html"]
    assert [part.get_content_charset() for part in one.iter_parts()] == ["utf-8", "utf-8"]
    assert [unix(part) for part in one.iter_parts()] == [RENDERED.text, RENDERED.html]


@pytest.mark.req("D-01", "D-04", "D-05")
@given(text=BODY_TEXT, html=BODY_TEXT)
@settings(max_examples=200, deadline=None)
def test_any_body_comes_back(text: str, html: str) -> None:
    raw = message.build(HEADERS, Rendered("s", "", html, text))
    check_wire(raw)
    body = raw.partition(b"\r\n\r\n")[2]
    assert max(len(line) for line in body.split(b"\r\n")) <= 76
    expected = [one if one.endswith("\n") else one + "\n" for one in (text, html)]
    assert [unix(part) for part in parsed(raw).iter_parts()] == expected


@pytest.mark.req("D-01", "D-04")
def test_long_lines_and_special_line_beginnings_are_encoded() -> None:
    html = "<p>" + "x" * 5_000 + "</p>\n.\n..\nFrom here\n--" + "é" * 400
    raw = message.build(HEADERS, Rendered("s", "", html, "日本語" * 500))
    check_wire(raw)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    text, html_part = parsed(raw).iter_parts()
    assert text["Content-Transfer-Encoding"] == "base64"
    assert html_part["Content-Transfer-Encoding"] == "quoted-printable"
    assert text.get_content().rstrip() == "日本語" * 500
    assert unix(html_part) == html + "\n"


@pytest.mark.req("D-06")
@given(LINE_TEXT)
@settings(max_examples=100, deadline=None)
def test_any_subject_comes_back(subject: str) -> None:
    raw = message.build(HEADERS, replace(RENDERED, subject=subject))
    check_wire(raw)
    assert parsed(raw)["Subject"] == subject
    head = raw.partition(b"\r\n\r\n")[0].decode()
    for line in head.split("\r\n"):
        assert len(line) <= 78
        for word in re.findall(r"=\?utf-8\?[bq]\?[^?]*\?=", line):
            assert len(word) <= 75


@pytest.mark.req("D-06")
@pytest.mark.parametrize(
    "subject", ["🎉 Fête d'été 👩‍👩‍👧", "a" * 250, "=?utf-8?q?x?=", "é" * 120, " a  b ", "🎉" * 60]
)
def test_hard_subjects(subject: str) -> None:
    raw = message.build(HEADERS, replace(RENDERED, subject=subject))
    check_wire(raw)
    assert parsed(raw)["Subject"] == subject


@pytest.mark.req("D-06")
@given(LINE_TEXT)
@settings(max_examples=100, deadline=None)
def test_any_sender_name_comes_back(name: str) -> None:
    raw = message.build(replace(HEADERS, campaign=replace(CAMPAIGN, from_name=name)), RENDERED)
    check_wire(raw)
    (address,) = parsed(raw)["From"].addresses
    assert address.addr_spec == "lettre@exemple.fr"
    assert name_in(raw) == re.sub(" +", " ", name.strip())


@pytest.mark.req("D-40")
@given(LINE_TEXT)
@settings(max_examples=100, deadline=None)
def test_any_list_name_leaves_the_id_alone(name: str) -> None:
    listed = ListHeaders(name=name, label="l1", domain="mail.exemple.fr")
    raw = message.build(replace(HEADERS, mailing_list=listed), RENDERED)
    check_wire(raw)
    assert str(parsed(raw)["List-Id"]).endswith("<l1.mail.exemple.fr>")
    assert raw.count(b"<l1.mail.exemple.fr>") == 1


INJECTIONS = ["a\r\nBcc: x@evil.fr", "a\nb", "a\rb", "a\0b", "\x1b[31m", "a\x7f"]


@pytest.mark.req("D-09", "E-23")
@pytest.mark.parametrize("evil", INJECTIONS)
@pytest.mark.parametrize(
    "place",
    [
        "subject",
        "from_name",
        "from_email",
        "reply_to",
        "to_email",
        "to_name",
        "list",
        "url",
        "id",
        "feedback",
    ],
)
def test_no_value_begins_another_header(evil: str, place: str) -> None:
    headers, rendered, campaign = HEADERS, RENDERED, CAMPAIGN
    match place:
        case "subject":
            rendered = replace(rendered, subject=evil)
        case "from_name":
            campaign = replace(campaign, from_name=evil)
        case "from_email":
            campaign = replace(campaign, from_email=f"{evil}@exemple.fr")
        case "reply_to":
            campaign = replace(campaign, reply_to=f"a@exemple.fr{evil}")
        case "feedback":
            campaign = replace(campaign, feedback_id=evil)
        case "to_email":
            headers = replace(headers, to_email=f"{evil}@exemple.fr")
        case "to_name":
            headers = replace(headers, to_name=evil)
        case "list":
            headers = replace(headers, mailing_list=ListHeaders(name=evil, label="l", domain="x.fr"))
        case "url":
            headers = replace(headers, unsubscribe_url=f"https://x.fr/{evil}")
        case "id":
            headers = replace(headers, message_id=evil)
    with pytest.raises(ValueError):
        message.build(replace(headers, campaign=campaign), rendered)


@pytest.mark.req("D-47", "A-101")
@pytest.mark.parametrize("mail_class", [MailClass.SERVICE, MailClass.SYSTEM])
def test_service_mail_has_no_list_headers(mail_class: MailClass) -> None:
    campaign = replace(CAMPAIGN, mail_class=mail_class, feedback_id="")
    headers = replace(HEADERS, campaign=campaign, mailing_list=None, unsubscribe_url=None)
    names = message.header_names(message.build(headers, RENDERED))
    assert not [name for name in names if name.startswith("List-")]
    assert ("Auto-Submitted" in names) is (mail_class is MailClass.SYSTEM)
    with pytest.raises(ValueError, match="only marketing"):
        message.build(replace(headers, unsubscribe_url="https://x.fr/u"), RENDERED)


@pytest.mark.req("D-47", "A-008")
@pytest.mark.parametrize("missing", ["mailing_list", "unsubscribe_url"])
def test_marketing_mail_without_a_way_out_is_refused(missing: str) -> None:
    changed = replace(HEADERS, **{missing: None})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="marketing"):
        message.build(changed, RENDERED)


@pytest.mark.req("D-08", "D-03")
def test_addresses_of_other_scripts() -> None:
    assert message.envelope_address("Info@Café.fr") == "Info@xn--caf-dma.fr"
    assert not message.needs_smtputf8("Info@Café.fr")
    assert message.needs_smtputf8("zoé@exemple.fr")
    raw = message.build(replace(HEADERS, to_email="zoé@Café.fr"), RENDERED)
    check_wire(raw)
    assert "To: zoé@xn--caf-dma.fr".encode() in raw


def test_a_prepared_campaign_fills_the_same_message() -> None:
    skeleton = message.prepare(CAMPAIGN)
    assert skeleton.fill(HEADERS, RENDERED) == message.build(HEADERS, RENDERED)
    other = replace(HEADERS, message_id="k3.100", to_email="b@exemple.fr")
    assert skeleton.fill(other, RENDERED) != skeleton.fill(HEADERS, RENDERED)
