"""What a tired change could do to each rule that a whole story guards."""

from __future__ import annotations

from dataclasses import dataclass

SOURCE = "src/baileykeep"

STORIES = "tests/e2e/lab/test_stories.py"
FOLDERS = "tests/e2e/lab/test_folders.py"
LOGINS = "tests/e2e/lab/test_logins.py"
PAIRING = "tests/e2e/lab/test_pairing.py"
FOUR = f"{PAIRING}::test_four_people_pair_at_the_same_time"


@dataclass(frozen=True, slots=True)
class Bug:
    """In the product's `file`, `new` takes the place of `old`, which stands there once.

    `story` is the node of pytest that must fail, `subtest` the part of it that must; `what` says what is broken.
    """

    story: str
    what: str
    file: str
    old: str
    new: str
    subtest: str = ""

    def is_named(self, text: str) -> bool:
        """Whether its story, its subtest or its words hold a text."""
        return text in f"{self.story}[{self.subtest}] {self.what}"


BUGS = (
    # --- test_stories.py --------------------------------------------------------------------------------------------
    Bug(
        f"{STORIES}::test_a_dropped_connection_that_heals_by_itself_is_left_alone",
        "a session that is lost is overdue at once",
        "rules/disconnect.py",
        "(Phase.UP, Event.CLOSED): Phase.WAITING,",
        "(Phase.UP, Event.CLOSED): Phase.OVERDUE,",
    ),
    Bug(
        f"{STORIES}::test_a_dropped_connection_that_heals_by_itself_is_left_alone",
        "people are told before the first timer",
        "rules/findings.py",
        "timer.phase in (Phase.WARNED, Phase.OVERDUE)",
        "timer.phase is not Phase.UP",
    ),
    Bug(
        f"{STORIES}::test_the_restart_after_a_pairing_is_nothing_to_speak_of",
        "a restart (515) is taken for a client that is too old",
        "rules/cause.py",
        "    405: Cause.CLIENT_TOO_OLD,\n",
        "    405: Cause.CLIENT_TOO_OLD,\n    515: Cause.CLIENT_TOO_OLD,\n",
    ),
    Bug(
        f"{STORIES}::test_the_restart_after_a_pairing_is_nothing_to_speak_of",
        "whatever closes a session that shows a QR is a scan in vain",
        "rules/qr.py",
        "if not out or not scanned or code in NO_SCAN_CODES:",
        "if not out:",
    ),
    Bug(
        f"{STORIES}::test_a_ratchet_that_went_back_costs_only_the_session_it_names",
        "the twin under the phone number stays in place",
        "actions/clean.py",
        "for form in (address, *naming.twin_addresses(address, store.lid_of, store.phone_of)):",
        "for form in (address,):",
    ),
    Bug(
        f"{STORIES}::test_a_ratchet_that_went_back_costs_only_the_session_it_names",
        "every session is set aside, not only those that are named",
        "actions/clean.py",
        "return tuple(sorted(wanted))",
        'return tuple(sorted(name for name in present if wanted and name.startswith("session-")))',
    ),
    Bug(
        f"{STORIES}::test_a_ratchet_that_went_back_costs_only_the_session_it_names",
        "one message less is enough",
        "rules/bad_mac.py",
        "< limit",
        "< limit - 1",
    ),
    Bug(
        f"{STORIES}::test_a_session_that_hangs_is_opened_again_after_the_second_timer",
        "the first timer is enough for a reconnect",
        "rules/gates.py",
        "case.view.timer.phase is Phase.OVERDUE",
        "case.view.timer.phase in (Phase.WARNED, Phase.OVERDUE)",
    ),
    Bug(
        f"{STORIES}::test_a_session_that_hangs_is_opened_again_after_the_second_timer",
        "the second timer never comes",
        "rules/disconnect.py",
        "    (Phase.WARNED, Event.ACT_DUE): Phase.OVERDUE,\n",
        "",
    ),
    # --- test_folders.py --------------------------------------------------------------------------------------------
    Bug(
        f"{FOLDERS}::test_a_folder_piled_up_is_cleaned_when_it_is_down_anyhow",
        "it is cleaned before a reconnect was tried",
        "rules/ladder.py",
        "Cause.DISCONNECTED: (Rung.RECONNECT, Rung.CLEANUP, Rung.RELINK),",
        "Cause.DISCONNECTED: (Rung.CLEANUP, Rung.RECONNECT, Rung.RELINK),",
    ),
    Bug(
        f"{FOLDERS}::test_a_folder_piled_up_is_cleaned_when_it_is_down_anyhow",
        "no cleanup below danger",
        "rules/case.py",
        "return thresholds.danger if in_danger else thresholds.critical",
        "return thresholds.danger",
    ),
    Bug(
        f"{FOLDERS}::test_a_folder_piled_up_is_cleaned_when_it_is_down_anyhow",
        "the age of a file is counted from the epoch, so that young sessions go",
        "rules/cleanup.py",
        "return (self._reference - file.mtime) / DAY",
        "return self._reference / DAY",
    ),
    Bug(
        f"{FOLDERS}::test_a_folder_piled_up_is_cleaned_when_it_is_down_anyhow",
        "seconds are taken for days, so that young sessions go",
        "rules/cleanup.py",
        "return (self._reference - file.mtime) / DAY",
        "return self._reference - file.mtime",
    ),
    Bug(
        f"{FOLDERS}::test_a_folder_piled_up_is_cleaned_when_it_is_down_anyhow",
        "a reconnect counts as healed without a look",
        "actions/session.py",
        "        healed = await verify(site, within_s)\n",
        "        healed = True\n",
    ),
    Bug(
        f"{FOLDERS}::test_danger_is_met_at_once_though_it_is_connected",
        "danger waits for a window, as critical does",
        "rules/gates.py",
        "    Cause.FILES_CRITICAL: _critical,\n",
        "    Cause.FILES_CRITICAL: _critical,\n    Cause.FILES_DANGER: _critical,\n",
    ),
    Bug(
        f"{FOLDERS}::test_on_baileys_6_every_file_counts_and_a_cleanup_keeps_the_login",
        "pre-keys do not count on Baileys 6, too",
        "rules/counting.py",
        "(min(UNCOUNTED_812, categories[Category.PRE_KEY]) if born_812 else 0)",
        "min(UNCOUNTED_812, categories[Category.PRE_KEY])",
    ),
    Bug(
        f"{FOLDERS}::test_a_folder_born_with_812_pre_keys_never_alarms",
        "the 812 pre-keys of its birth count",
        "rules/counting.py",
        "return counted - (min(UNCOUNTED_812, categories[Category.PRE_KEY]) if born_812 else 0)",
        "return counted",
    ),
    Bug(
        f"{FOLDERS}::test_with_our_own_group_key_goes_who_has_it_so_that_members_get_the_next",
        "who has our group key is left in place when the key goes",
        "backups/cleaning.py",
        "        store.remove_unchanged([files[name] for name in memories])\n",
        "",
    ),
    Bug(
        f"{FOLDERS}::test_with_our_own_group_key_goes_who_has_it_so_that_members_get_the_next",
        "our own key under the LID is taken for somebody else's",
        "rules/naming.py",
        "if user in (creds.phone, creds.lid):",
        "if user == creds.phone:",
    ),
    # --- test_logins.py ---------------------------------------------------------------------------------------------
    Bug(
        f"{LOGINS}::test_a_login_that_a_second_process_uses_is_not_fought_over",
        "it is reconnected again and again",
        "rules/ladder.py",
        "RETRIED = frozenset({Cause.DISCONNECTED, Cause.PHANTOM})",
        "RETRIED = frozenset({Cause.DISCONNECTED, Cause.PHANTOM, Cause.REPLACED})",
    ),
    Bug(
        f"{LOGINS}::test_a_login_that_a_second_process_uses_is_not_fought_over",
        "a login that was replaced is taken for one that WhatsApp ended",
        "rules/cause.py",
        "CloseKind.REPLACED: Cause.REPLACED,",
        "CloseKind.REPLACED: Cause.LOGGED_OUT,",
    ),
    Bug(
        f"{LOGINS}::test_a_login_that_a_second_process_uses_is_not_fought_over",
        "the one reconnect comes at once",
        "rules/gates.py",
        "    Cause.REPLACED: _replaced,\n",
        "",
    ),
    Bug(
        f"{LOGINS}::test_creds_torn_on_disk_are_put_back_before_somebody_restarts_the_gateway",
        "torn creds are not known as damaged",
        "rules/creds_guard.py",
        "DAMAGED = frozenset({CredsState.EMPTY, CredsState.ZEROED, CredsState.TORN})",
        "DAMAGED = frozenset({CredsState.EMPTY, CredsState.ZEROED})",
    ),
    Bug(
        f"{LOGINS}::test_creds_torn_on_disk_are_put_back_before_somebody_restarts_the_gateway",
        "the guard says that it put the copy back, and does not",
        "cli/guard.py",
        "        put_good_creds(vault, store, SystemClock().now())\n",
        "        good_creds(vault, store.company)\n",
    ),
    Bug(
        f"{LOGINS}::test_with_the_daemon_awake_the_guard_is_first_and_people_read_that_it_is_over",
        "the guard waits for the daemon's word that the session is stopped",
        "cli/guard.py",
        "logged_out=Cause.LOGGED_OUT.value in causes, stopped=True",
        'logged_out=Cause.LOGGED_OUT.value in causes, stopped=view["connection"]["state"] == "disconnected"',
    ),
    Bug(
        f"{LOGINS}::test_with_the_daemon_awake_the_guard_is_first_and_people_read_that_it_is_over",
        "nobody notices that the creds are whole again",
        "rules/creds_guard.py",
        'return _tell(replace(known, told=state.told, told_what=state.told_what), subject, now, None, "")',
        "return replace(known, told=state.told, told_what=state.told_what), ()",
    ),
    Bug(
        f"{LOGINS}::test_half_a_login_is_set_aside_and_paired_again",
        "half a login is asked about, like a whole one",
        "rules/questions.py",
        "    Rung.RELINK: _ends_login,",
        "    Rung.RELINK: _ends_login, Rung.PAIR_AGAIN: _ends_login,",
    ),
    Bug(
        f"{LOGINS}::test_half_a_login_is_set_aside_and_paired_again",
        "a 401 on half a login is taken for the end of a whole one",
        "rules/cause.py",
        "if state.cause is Cause.LOGGED_OUT and half_paired:",
        "if state.cause is None and half_paired:",
    ),
    Bug(
        f"{LOGINS}::test_a_dead_login_that_the_gateway_removed_whole_is_paired_again",
        "a relink needs the folder that the gateway removed",
        "actions/relink.py",
        "        return Result(Outcome.SUPERSEDED)\n    await anyio.to_thread.run_sync(store_of(site).make)\n",
        "        return Result(Outcome.SUPERSEDED)\n",
    ),
    Bug(
        f"{LOGINS}::test_a_dead_login_that_the_gateway_removed_whole_is_paired_again",
        "a login that is proved dead is given up without a question",
        "rules/questions.py",
        'return None if proved_dead and case.limits.relink.approval == "auto" else Reason.ENDS_LOGIN',
        "return None if proved_dead else Reason.ENDS_LOGIN",
    ),
    Bug(
        f"{LOGINS}::test_a_periodic_copy_opens_without_a_qr_after_the_gateway_wiped_the_login",
        "how far the ids of pre-keys had got is forgotten with the folder",
        "backups/restore.py",
        "known = minted.next_pre_key_id(vault, store.company, manifest.identity)",
        "known = 0",
    ),
    Bug(
        f"{LOGINS}::test_a_periodic_copy_opens_without_a_qr_after_the_gateway_wiped_the_login",
        "pre-keys that are gone are not put back",
        "backups/restore.py",
        "category is Category.PRE_KEY and name not in present",
        "category is Category.PRE_KEY and name in present",
    ),
    Bug(
        f"{LOGINS}::test_a_periodic_copy_opens_without_a_qr_after_the_gateway_wiped_the_login",
        "sessions are put back, too, so that ratchets go back in time",
        "backups/restore.py",
        "_IDENTITY = NEVER_CLEANED - {Category.OTHER}",
        "_IDENTITY = NEVER_CLEANED - {Category.OTHER} | {Category.SESSION}",
    ),
    Bug(
        f"{LOGINS}::test_creds_put_back_over_newer_pre_keys_mint_none_of_them_again",
        "the ids of pre-keys stay as low as they are in the backup",
        "backups/restore.py",
        "return with_pre_key_ids(data, max(reached))",
        "return with_pre_key_ids(data, 0)",
    ),
    # --- test_pairing.py --------------------------------------------------------------------------------------------
    Bug(
        f"{PAIRING}::test_a_removed_device_is_paired_anew_by_the_picture_in_the_chat",
        "the picture is not taken down",
        "engine/pairing.py",
        '        if wanted is None:\n            await channel.take_down(f"{ident}@{address}")\n        else:\n',
        "        if wanted is not None:\n",
    ),
    Bug(
        f"{PAIRING}::test_a_removed_device_is_paired_anew_by_the_picture_in_the_chat",
        "no copy is made when WhatsApp ended the login",
        "rules/ladder.py",
        "Cause.LOGGED_OUT: (Rung.SNAPSHOT, Rung.RELINK),",
        "Cause.LOGGED_OUT: (Rung.RELINK,),",
    ),
    Bug(
        FOUR,
        "a scan that failed is not told",
        "actions/pairing.py",
        "        await site.pairing.tell(words.scan_failed(failed.code))\n",
        "",
        "terminal",
    ),
    Bug(
        FOUR,
        "every QR comes in a message of its own",
        "channels/telegram_pictures.py",
        "if known is not None and await self._changed(",
        "if known is not None and known.code and await self._changed(",
        "terminal",
    ),
    Bug(
        FOUR,
        "the QR stays in the chat beside the code",
        "channels/telegram_pictures.py",
        "            await self.take_down(placard.key)\n            known = None\n",
        "            known = None\n",
        "code",
    ),
    Bug(
        FOUR,
        "a QR that we took away ourselves is counted as scanned in vain",
        "rules/qr.py",
        "    return replace(state, qr_at=None, ours_until=now + OUR_CLOSE_S)\n\n\ndef _logged",
        "    return state\n\n\ndef _logged",
        "reset",
    ),
    Bug(
        FOUR,
        "the login of a wrong phone is kept",
        "actions/pairing.py",
        "words.wrong_phone(found, wanted) if found and wanted and found != wanted else",
        "words.wrong_phone(found, wanted) if found and wanted and not found else",
        "reset",
    ),
    Bug(
        FOUR,
        "a login that was seen open is given up without a second question",
        "app/control_pairing.py",
        "if ago_s < limits.relink.seen_open_guard_s:",
        "if ago_s < 0:",
        "reset",
    ),
    Bug(
        FOUR,
        "the old login does not go back when nobody scanned",
        "actions/relink.py",
        "    if result.outcome is Outcome.FAILED and any(aside) and keep:\n"
        '        return await back_again(site, aside[0], f"{result.note} {BACK}")\n',
        "",
        "nobody",
    ),
)
