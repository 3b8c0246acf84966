"""English."""

from __future__ import annotations

from baileykeep.rules.tongues.base import Told, Tongue

_ON_THE_PHONE = "with the company's phone: WhatsApp > Settings > Linked devices > Link a device."

TONGUE = Tongue(
    time="{time}",
    date="{date}, {time}",
    day="%Y-%m-%d",
    down=Told(
        "WhatsApp is not connected: {name}",
        "WhatsApp of {name} has not been connected since {since}. Your customers get no answer here meanwhile. "
        "Support has been told.",
        "You need do nothing now. On the phone you can read and answer as always.",
    ),
    needs_scan=Told(
        "Please link WhatsApp again: {name}",
        "WhatsApp of {name} has been unlinked since {since}. Your customers get no answer here until it is linked.",
        f"Ask support for a new code, and scan it {_ON_THE_PHONE}",
    ),
    scan_here=f"Open {{link}} and scan the code there {_ON_THE_PHONE}",
    elsewhere=Told(
        "WhatsApp is in use elsewhere: {name}",
        "Another program has been using WhatsApp of {name} since {since}, so it is not connected here.",
        "Close WhatsApp Web and WhatsApp for desktop on other computers. If that does not help, tell support.",
    ),
    refused=Told(
        "WhatsApp refuses this number: {name}",
        "WhatsApp has refused to connect {name} since {since}. Support has been told.",
        "Open WhatsApp on the company's phone and read what it says there. Then tell support.",
    ),
    unreadable=Told(
        "Some messages cannot be read: {name}",
        "Some messages to {name} cannot be read since {since}. Support has been told.",
        "If a customer's message seems to be missing, please ask for it again.",
    ),
    connected=Told(
        "WhatsApp works again: {name}",
        "WhatsApp of {name} has been connected again since {at}. It was not connected since {since}.",
        "You need do nothing. Please look on the phone for messages that nobody answered meanwhile.",
    ),
    readable=Told(
        "Messages can be read again: {name}",
        "Messages to {name} can be read again since {at}. Some could not be read since {since}.",
        "If a customer's message seems to be missing, please ask for it again.",
    ),
    test=Told(
        "This is a test: {name}",
        "This is only a test. Messages about WhatsApp of {name} will come here.",
        "You need do nothing.",
    ),
)
