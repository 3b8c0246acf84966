"""What `doctor` asks of Telegram: is the bot let in, and may it write where it has to? It sends nothing to anybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from baileykeep.cli.checks import FAIL, OK, WARN, Check
from baileykeep.cli.words import count, plain

if TYPE_CHECKING:
    from baileykeep.config import Settings

TIMEOUT_S = 5.0
NOBODY = "nobody is told when something happens"
OUTSIDE = frozenset({"left", "kicked"})
NEEDED = {"can_send_messages": "write", "can_send_photos": "show a QR"}
NEEDED_IN_CHANNELS = {"can_post_messages": "write", "can_edit_messages": "keep a story up to date"}


@dataclass(frozen=True, slots=True)
class _Api:
    """A few calls of the Bot API. Errors never hold the address: the token is in it."""

    url: str
    token: str

    def __repr__(self) -> str:
        return f"_Api({self.url!r})"

    def ask(self, method: str, **arguments: int) -> tuple[int, Mapping[str, Any]]:
        """(HTTP status, answer); raises `ConnectionError` where there is none."""
        import httpx

        try:
            answer = httpx.get(f"{self.url}/bot{self.token}/{method}", params=arguments, timeout=TIMEOUT_S)
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ConnectionError(type(error).__name__) from None
        return answer.status_code, body if isinstance(body, dict) else {}


def telegram(settings: Settings) -> Iterator[Check]:
    """Whether the bot's token is good, and one line for each chat that it cannot reach as it must."""
    table = settings.installation.telegram
    if table.token is None:
        yield Check("telegram", WARN, f"not configured: {NOBODY}", "set telegram.token_file")
        return
    api = _Api(str(table.api_url), table.token.get_secret_value())
    try:
        status, answer = api.ask("getMe")
        if not answer.get("ok"):
            yield Check("telegram", FAIL, f"the token was refused ({status}): {NOBODY}", "ask @BotFather for a new one")
            return
        yield from _chats(api, answer["result"], settings)
    except ConnectionError as error:
        yield Check("telegram", FAIL, f"no answer ({error}): {NOBODY}", "can this host reach api_url?")


def _chats(api: _Api, bot: Mapping[str, Any], settings: Settings) -> Iterator[Check]:
    chats = _all_chats(settings)
    shut = [check for chat in chats if (check := _chat(api, bot, chat)) is not None]
    yield from shut
    reached = count(len(chats) - len(shut), "chat")
    state = FAIL if len(shut) == len(chats) else OK
    yield Check("telegram", state, f"@{plain(str(bot.get('username', '?')))} answers; may write in {reached}")
    if not settings.installation.telegram.users:
        yield Check("telegram", WARN, "telegram.users is empty: nobody's buttons are obeyed", "add who is on call")


def _all_chats(settings: Settings) -> list[int]:
    """Everywhere that something is told, second contacts and companies' own chats too."""
    found = [*settings.chats(None), *settings.second_chats(None)]
    for ident in settings.companies:
        found += [*settings.chats(ident), *settings.second_chats(ident)]
    return list(dict.fromkeys(found))


def _chat(api: _Api, bot: Mapping[str, Any], chat: int) -> Check | None:
    """What keeps the bot from a chat; None where nothing does."""
    _, answer = api.ask("getChatMember", chat_id=chat, user_id=int(bot.get("id", 0)))
    name = f"telegram chat {chat}"
    if not answer.get("ok"):
        said = plain(str(answer.get("description", "no reason given")))[:80]
        return Check(name, FAIL, f"cannot be reached: {said}", "add the bot to it, or let that person press Start")
    member = answer["result"]
    if member.get("status") in OUTSIDE:
        return Check(name, FAIL, "the bot is not in it any more", "add it again")
    barred = _barred(member)
    return (
        Check(name, FAIL, f"the bot may not {' and not '.join(barred)} there", "give it that right") if barred else None
    )


def _barred(member: Mapping[str, Any]) -> list[str]:
    """Only a restricted member, or an admin of a channel, is told right by right."""
    needed = {"restricted": NEEDED, "administrator": NEEDED_IN_CHANNELS}.get(str(member.get("status")), {})
    return [what for right, what in needed.items() if member.get(right) is False]
