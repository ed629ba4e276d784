"""Addresses of the recipients' pages: the only place that knows their form. None tells who (B-62)."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import add

from mailer.core.tokens import CampaignToken, Purpose, RecipientToken, Tokens

MAX_TARGET = 1000  # S9: a longer personalised target goes out untracked

# of the addresses that every mail of a campaign may hold
_PATHS = {
    Purpose.UNSUBSCRIBE: "/t/unsubscribe/",
    Purpose.PREFERENCES: "/t/preferences/",
    Purpose.TRACKING: "/t/tracking/",
    Purpose.RIGHTS: "/t/rights/",
    Purpose.VIEW: "/t/view/",
    Purpose.CLICK: "/t/c/",
    Purpose.OPEN: "/t/o/",
}


@dataclass(frozen=True, slots=True)
class RecipientLinks:
    """What a mail to one recipient links to, besides the author's own links."""

    unsubscribe: str
    preferences: str
    tracking: str
    rights: str
    web_version: str


@dataclass(frozen=True, slots=True)
class Links:
    """`base` is the track URL without a slash at its end."""

    tokens: Tokens
    base: str

    def unsubscribe(self, who: RecipientToken) -> str:
        return f"{self.base}{_PATHS[Purpose.UNSUBSCRIBE]}{self.tokens.recipient(Purpose.UNSUBSCRIBE, who)}"

    def preferences(self, who: RecipientToken) -> str:
        return f"{self.base}{_PATHS[Purpose.PREFERENCES]}{self.tokens.recipient(Purpose.PREFERENCES, who)}"

    def tracking(self, who: RecipientToken) -> str:
        return f"{self.base}{_PATHS[Purpose.TRACKING]}{self.tokens.recipient(Purpose.TRACKING, who)}"

    def rights(self, who: RecipientToken) -> str:
        return f"{self.base}{_PATHS[Purpose.RIGHTS]}{self.tokens.recipient(Purpose.RIGHTS, who)}"

    def confirm(self, who: RecipientToken) -> str:
        return f"{self.base}/t/confirm/{self.tokens.recipient(Purpose.CONFIRM, who)}"

    def stay(self, who: RecipientToken) -> str:
        return f"{self.base}/t/stay/{self.tokens.recipient(Purpose.STAY, who)}"

    def view(self, what: CampaignToken) -> str:
        return f"{self.base}{_PATHS[Purpose.VIEW]}{self.tokens.campaign(Purpose.VIEW, what)}"

    def click(self, what: CampaignToken) -> str:
        return f"{self.base}{_PATHS[Purpose.CLICK]}{self.tokens.campaign(Purpose.CLICK, what)}"

    def of_mail(
        self, who: RecipientToken, purposes: Sequence[Purpose], clicks: Sequence[tuple[int, str]]
    ) -> list[str]:
        """The addresses of one mail at once: of these purposes, then one for each (link id, target or "")."""
        base = self.base
        starts = [base + _PATHS[one] for one in purposes]
        starts += [base + _PATHS[Purpose.CLICK]] * len(clicks)
        return list(map(add, starts, self.tokens.of_mail(who, purposes, clicks)))

    def open(self, what: CampaignToken) -> str:
        return f"{self.base}{_PATHS[Purpose.OPEN]}{self.tokens.campaign(Purpose.OPEN, what)}"

    def open_day(self, what: CampaignToken) -> str:
        """The image of the exempt mode: of its requests a day is kept, nothing else (B-33)."""
        return f"{self.base}/t/d/{self.tokens.campaign(Purpose.OPEN_DAY, what)}"

    def test(self, what: CampaignToken) -> str:
        """In previews and test sends, in the place of every link of ours: it changes nothing."""
        return f"{self.base}/t/test/{self.tokens.campaign(Purpose.TEST, what)}"

    def sender(self, account_id: int, sender_id: int, *, asked: int, expires: int) -> str:
        """Where the owner of an address confirms it as a sender; `asked` makes older links void."""
        token = self.tokens.timed(Purpose.SENDER, account_id, sender_id, asked, expires=expires)
        return f"{self.base}/t/sender/{token}"

    def seed(self, account_id: int, seed_id: int, *, asked: int, expires: int) -> str:
        """Where the owner of an address agrees that tests go there, or ends it."""
        token = self.tokens.timed(Purpose.SEED, account_id, seed_id, asked, expires=expires)
        return f"{self.base}/t/test-address/{token}"

    def preview(self, *numbers: int, expires: int) -> str:
        """A frame of our own preview (sending/preview.py tells the numbers)."""
        return f"{self.base}/t/preview/{self.tokens.timed(Purpose.PREVIEW, *numbers, expires=expires)}"

    def click_map(self, what: CampaignToken, *, variant: int = 1, expires: int) -> str:
        """A frame of our own: the mail as it was sent, its links numbered."""
        numbers = (what.account_id, what.campaign_id, variant)
        token = self.tokens.timed(Purpose.CLICK_MAP, *numbers, expires=expires)
        return f"{self.base}/t/click-map/{token}"

    def form(self, account_id: int, public_key: str) -> str:
        """The public page of a sign-up form; sites of others link to it for years."""
        return f"{self.base}/t/form/{account_id}-{public_key}"

    def sign_up(self, account_id: int, request_id: int, *, expires: int) -> str:
        """Where the owner of an address confirms what was asked by a form."""
        token = self.tokens.timed(Purpose.SIGN_UP, account_id, request_id, expires=expires)
        return f"{self.base}/t/confirm/form/{token}"

    def form_preview(self, account_id: int, form_id: int, *, expires: int) -> str:
        """A frame of our own preview of a form's draft."""
        token = self.tokens.timed(Purpose.FORM_PREVIEW, account_id, form_id, expires=expires)
        return f"{self.base}/t/form-preview/{token}"

    def rights_form(self, account_id: int) -> str:
        """Where anybody asks about their data at this account, without a mail at hand; always the same."""
        token = self.tokens.noted(Purpose.RIGHTS_FORM, account_id, 0, "")
        return f"{self.base}/t/rights/form/{token}"

    def rights_confirm(self, account_id: int, ask_id: int, *, expires: int) -> str:
        """Where the owner of an address confirms what was asked about their data."""
        token = self.tokens.timed(Purpose.RIGHTS_CONFIRM, account_id, ask_id, expires=expires)
        return f"{self.base}/t/rights/confirm/{token}"

    def rights_file(self, account_id: int, request_id: int, *, expires: int) -> str:
        """Where a person fetches the file of their data."""
        token = self.tokens.timed(Purpose.RIGHTS_FILE, account_id, request_id, expires=expires)
        return f"{self.base}/t/rights/file/{token}"

    def rights_address(self, account_id: int, request_id: int, wish: str) -> str:
        """Where the new mailbox of a person says that it is theirs."""
        token = self.tokens.noted(Purpose.RIGHTS_ADDRESS, account_id, request_id, wish)
        return f"{self.base}/t/rights/address/{token}"

    def image(self, name: str) -> str:
        return f"{self.base}/t/img/{name}"

    def all_of(self, who: RecipientToken) -> RecipientLinks:
        """Every link of a mail of `who.campaign_id` to this recipient."""
        view = CampaignToken(who.account_id, who.campaign_id, who.contact_id)
        return RecipientLinks(
            self.unsubscribe(who),
            self.preferences(who),
            self.tracking(who),
            self.rights(who),
            self.view(view),
        )
