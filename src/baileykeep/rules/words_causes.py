"""What each cause is called, what it means and what to do about it: plain words for a tired person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from baileykeep.model.incident import Cause


@dataclass(frozen=True, slots=True)
class CauseWords:
    """`phrase` follows a name and a colon; `extra` is added when the incident's detail has all it names."""

    title: str
    phrase: str
    what_it_means: str
    what_to_do: str
    extra: str = ""


WORDS: Mapping[Cause, CauseWords] = MappingProxyType(
    {
        Cause.DISCONNECTED: CauseWords(
            "Disconnected",
            "disconnected",
            "The session lost WhatsApp. Customers get no answers until it is back.",
            "See that the phone is on and online; then look at the gateway's log.",
            " for {down_s}",
        ),
        Cause.LOGGED_OUT: CauseWords(
            "Logged out",
            "logged out",
            "WhatsApp removed this device. The old login is dead and no backup brings it back.",
            "Get the phone at hand; a new QR code must be scanned.",
            " (code {code})",
        ),
        Cause.HALF_PAIRED: CauseWords(
            "Never finished pairing",
            "half paired",
            "A pairing was begun and never finished, so WhatsApp refuses the login.",
            "Pair this company again, with the phone at hand.",
        ),
        Cause.ACCOUNT_BLOCKED: CauseWords(
            "Blocked by WhatsApp",
            "blocked by WhatsApp",
            "WhatsApp refuses this account. Linking it again could make that worse.",
            "Open WhatsApp on the phone and read what it says. Do not relink.",
            " (code {code})",
        ),
        Cause.CLIENT_TOO_OLD: CauseWords(
            "Gateway too old",
            "gateway too old for WhatsApp",
            "WhatsApp no longer accepts this version of Baileys. Relinking is useless.",
            "Upgrade Baileys in the gateway.",
        ),
        Cause.MULTI_DEVICE_MISMATCH: CauseWords(
            "Linked devices refused",
            "linked devices refused",
            "WhatsApp says that this account does not fit linked devices.",
            "Open Linked devices on the phone and look for a message there.",
        ),
        Cause.REPLACED: CauseWords(
            "Login used twice",
            "login used by a second process",
            "Another process opened the same login and pushed this one out.",
            "Find the other process that uses this login and stop it.",
        ),
        Cause.PHANTOM: CauseWords(
            "Open but not paired",
            "socket open but not paired",
            "The gateway says connected, yet no phone is paired. Messages go nowhere.",
            "If reconnecting does not help, the phone must scan a new QR code.",
        ),
        Cause.WAITING_QR: CauseWords(
            "Waiting for a QR scan",
            "waiting for a QR scan",
            "The gateway shows a QR code that nobody has scanned.",
            "Scan the QR code with the company's phone.",
        ),
        Cause.FLAPPING: CauseWords(
            "Keeps dropping",
            "connection keeps dropping",
            "The session connects and drops again and again.",
            "Check the gateway's network and the phone; see that nothing else uses this login.",
            " ({count} times in {window_s})",
        ),
        Cause.QR_SCAN_FAILED: CauseWords(
            "QR scan failed",
            "QR scan failed",
            "Somebody scanned, but the connection closed before pairing was done.",
            "Scan again; if it fails again, update WhatsApp on the phone.",
            " (code {code})",
        ),
        Cause.NO_QR: CauseWords(
            "No QR code came",
            "no QR code came",
            "The gateway was asked for a QR code and did not show one.",
            "Look at the gateway's log, then try the relink again.",
        ),
        Cause.FILES_HIGH: CauseWords(
            "Many session files",
            "many session files",
            "The auth folder grows. Nothing is broken yet.",
            "Plan a cleanup in a maintenance window.",
            " ({counted})",
        ),
        Cause.FILES_CRITICAL: CauseWords(
            "Too many session files",
            "too many session files",
            "The auth folder is so full that the session may soon be refused.",
            "Let a cleanup run when the session is down or in a window.",
            " ({counted})",
        ),
        Cause.FILES_DANGER: CauseWords(
            "Dangerously many session files",
            "dangerously many session files",
            "The auth folder is so full that the login may be lost.",
            "Have this session stopped, cleaned and started soon.",
            " ({counted})",
        ),
        Cause.FILES_PLANNED: CauseWords(
            "Planned cleanup",
            "cleanup in its maintenance window",
            "The auth folder is rather full, and its maintenance window is open.",
            "Nothing. The session is closed for about a minute and opened again.",
            " ({counted} files, {left} are left)",
        ),
        Cause.FORECAST: CauseWords(
            "Files will soon be too many",
            "session files grow",
            "At this pace the auth folder soon needs a cleanup.",
            "Plan a maintenance window before then.",
            ": {target} in about {days} days",
        ),
        Cause.PRE_KEY_ANOMALY: CauseWords(
            "Pre-keys do not add up",
            "pre-keys do not add up",
            "There are newer pre-keys than the login knows of: somebody put back old creds.",
            "Find out who restored creds. First messages of new contacts may fail.",
        ),
        Cause.BAD_MAC: CauseWords(
            "Messages cannot be read",
            "messages cannot be decrypted",
            "Keys shared with some contacts are out of step (Bad MAC).",
            "If it goes on after one repair, call whoever knows this gateway; do not delete files.",
            " ({count} in {window_s})",
        ),
        Cause.REPORTED_CORRUPT: CauseWords(
            "Login reported as corrupt",
            "the gateway reports its login as corrupt",
            "The gateway (or a person) asked to clear this login.",
            "Look at the gateway's log. Approve only if the login is really useless: it ends with a new QR.",
        ),
        Cause.AFTER_REPAIR: CauseWords(
            "Repair did not help",
            "messages still cannot be read after the repair",
            "Setting the broken contacts' sessions aside was no cure.",
            "Ask these contacts to write once more; if it goes on, relink while a phone is at hand.",
            " (more than {bound})",
        ),
        Cause.STALE_SESSIONS: CauseWords(
            "Stale contact sessions",
            "stale contact sessions",
            "Several contacts' sessions were replaced in a short time.",
            "Nothing at once. Its next maintenance window, where it has one, removes what is old enough.",
            " ({count} in {window_s})",
        ),
        Cause.WAITING_FOR_MESSAGE: CauseWords(
            "Contacts wait for messages",
            "contacts see “waiting for message”",
            "Some contacts cannot read what this company sends.",
            "Look at this company's session files and at recent restores.",
        ),
        Cause.CREDS_DAMAGED: CauseWords(
            "Login file damaged",
            "login file damaged (creds.json)",
            "The login file is empty or torn. A restart now would lose the login.",
            "Do not restart the gateway before creds.json is whole again.",
        ),
        Cause.CREDS_CHANGED: CauseWords(
            "Login file replaced",
            "login file gone or another one (creds.json)",
            "The login file vanished or now belongs to another login.",
            "If somebody just paired anew, acknowledge; else ask for the last good copy to be put back.",
        ),
        Cause.FOLDER_MISSING: CauseWords(
            "Auth folder missing",
            "auth folder is missing",
            "The folder with this company's login is not there.",
            "See whether the volume is mounted; if the folder was deleted, restore it from a backup.",
        ),
        Cause.PHONE_MISMATCH: CauseWords(
            "Wrong phone",
            "paired with another phone than configured",
            "The login belongs to a phone number that is not this company's.",
            "Check the phone in the company's file, then decide whether to pair anew.",
        ),
        Cause.STORE_UNREACHABLE: CauseWords(
            "Database unreachable",
            "database with the logins cannot be reached",
            "The logins cannot be seen, so nothing is done to these sessions. Whether any is missing is not known.",
            "See whether the database is up. If it is lost: `baileykeep store export --all --from-backup DIR`.",
        ),
        Cause.STORE_SLOW: CauseWords(
            "Database slow",
            "database with the logins answers slowly",
            "Gateways read and write their logins there at every message.",
            "Look at the database's load, and at the size of its keys table.",
            " ({took_ms} ms)",
        ),
        Cause.GATEWAY_DOWN: CauseWords(
            "Gateway down",
            "gateway does not run",
            "The gateway's process is down, so all its companies are.",
            "Look at the process manager and the gateway's last log lines.",
        ),
        Cause.GATEWAY_MISCONFIGURED: CauseWords(
            "Cannot talk to the gateway",
            "gateway refuses our questions",
            "URL, key or TLS of the gateway are wrong in our configuration. Sessions may be fine.",
            "Correct the gateway's URL and key in the configuration.",
            " ({problem})",
        ),
        Cause.HOST_OFFLINE: CauseWords(
            "This host is offline",
            "offline",
            "This host has no internet. Nothing is repaired until it is back.",
            "Check the network of this host.",
        ),
        Cause.WHATSAPP_UNREACHABLE: CauseWords(
            "WhatsApp is unreachable",
            "cannot reach WhatsApp",
            "The internet works here but WhatsApp does not answer. Nothing is repaired meanwhile.",
            "Wait; if it lasts, check firewalls and WhatsApp's own status.",
        ),
        Cause.FLEET_DOWN: CauseWords(
            "Many companies down at once",
            "many companies down at once",
            "So many sessions dropped together that the reason is not in them. Repairs are on hold.",
            "Look at the gateway, the network and WhatsApp itself.",
            " ({down} of {total})",
        ),
        Cause.DISK_LOW: CauseWords(
            "Disk almost full",
            "disk almost full",
            "A full disk empties login files, and then every company needs a new QR code.",
            "Free some space now.",
            " ({free_mb} MB free)",
        ),
        Cause.CONFIG_BAD: CauseWords(
            "Configuration mistake",
            "configuration mistake",
            "A changed configuration file cannot be used; the last good values stay in force.",
            "Correct the file and save it again.",
            ": {reason}",
        ),
        Cause.COMPANY_CRASHED: CauseWords(
            "Not watched any more",
            "not watched any more",
            "Baileykeep itself failed on this company again and again and set it aside.",
            "Restart Baileykeep, and report the error in its log.",
        ),
        Cause.BREACH: CauseWords(
            "Safety check failed",
            "safety check failed",
            "A promise was about to be broken here. Nothing is done by itself any more; watching goes on.",
            "See what led to it: `baileykeep explain COMPANY`. Then let actions go on: `baileykeep resume COMPANY`.",
            " ({promise}): {wrong}",
        ),
        Cause.OVER_BOUNDS: CauseWords(
            "Baileykeep uses too much",
            "Baileykeep uses more than it should",
            "Something in it grows that should not. It goes on working, but may not for long.",
            "Restart Baileykeep when it suits you, and report what grew.",
            ": {what}",
        ),
        Cause.TENANT_UNTOLD: CauseWords(
            "Company not told",
            "its own people cannot be told",
            "Messages to the company itself do not arrive. Staff are told as ever.",
            "See its `tenant` table, then try it: `baileykeep tell COMPANY`.",
            ": {problem}",
        ),
        Cause.COPIES_STAY: CauseWords(
            "Copies do not leave this host",
            "copies do not leave this host",
            "Should this machine be lost, the newest copies of these logins are lost with it.",
            "See what is missing and why: `baileykeep offsite push`.",
            ": {what}",
        ),
    }
)
