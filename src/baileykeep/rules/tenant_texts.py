"""What a company's own people read about their WhatsApp, by language: short, true, and without our jargon.

`{name}` is the company, `{since}` a local time, `{link}` where to scan.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

EN = {
    "down": "WhatsApp for {name} has not been connected since {since}.",
    "unstable": "The WhatsApp connection of {name} keeps breaking (since {since}).",
    "needs_scan": "WhatsApp for {name} is not linked any more (since {since}).",
    "replaced": "WhatsApp for {name} was opened somewhere else too (at {since}), which closed our connection.",
    "blocked": "WhatsApp blocked the number of {name} (since {since}).",
    "recovered": "WhatsApp for {name} is connected again since {since}.",
    "reconnecting": "Nothing to do for now: we are reconnecting. You can read and answer on the phone.",
    "reported": "Nothing to do for now: the people who look after the connection see this. "
    "You can read and answer on the phone.",
    "scan": "Please scan a new code. On the phone: WhatsApp > Settings > Linked devices > Link a device.",
    "scan_here": "Please scan a new code here: {link} On the phone: WhatsApp > Settings > Linked devices > "
    "Link a device.",
    "close_others": "Please close WhatsApp Web on other computers, and any other program that uses this number.",
    "ask_whatsapp": "Open WhatsApp on the phone: it says why, and there you can ask for a review.",
    "nothing": "Nothing to do.",
}

ES = {
    "down": "WhatsApp de {name} está sin conexión desde: {since}.",
    "unstable": "La conexión de WhatsApp de {name} se corta una y otra vez (desde: {since}).",
    "needs_scan": "WhatsApp de {name} ya no está vinculado (desde: {since}).",
    "replaced": "WhatsApp de {name} se abrió también en otro lugar ({since}) y eso cerró nuestra conexión.",
    "blocked": "WhatsApp bloqueó el número de {name} (desde: {since}).",
    "recovered": "WhatsApp de {name} vuelve a tener conexión desde: {since}.",
    "reconnecting": "Por ahora no hay que hacer nada: estamos restableciendo la conexión. "
    "En el teléfono se puede leer y responder.",
    "reported": "Por ahora no hay que hacer nada: quienes cuidan la conexión ya lo ven. "
    "En el teléfono se puede leer y responder.",
    "scan": "Hay que escanear un código nuevo. En el teléfono: WhatsApp > Ajustes > Dispositivos vinculados > "
    "Vincular un dispositivo.",
    "scan_here": "Hay que escanear un código nuevo aquí: {link} En el teléfono: WhatsApp > Ajustes > "
    "Dispositivos vinculados > Vincular un dispositivo.",
    "close_others": "Cierre WhatsApp Web en otros ordenadores y cualquier otro programa que use este número.",
    "ask_whatsapp": "Abra WhatsApp en el teléfono: allí dice el motivo y se puede pedir una revisión.",
    "nothing": "No hay que hacer nada.",
}

RU = {
    "down": "WhatsApp компании {name} не подключён с {since}.",
    "unstable": "Связь с WhatsApp компании {name} снова и снова прерывается (с {since}).",
    "needs_scan": "WhatsApp компании {name} больше не привязан (с {since}).",
    "replaced": "WhatsApp компании {name} открыли ещё и в другом месте ({since}), и наше подключение закрылось.",
    "blocked": "WhatsApp заблокировал номер компании {name} (с {since}).",
    "recovered": "WhatsApp компании {name} снова подключён с {since}.",
    "reconnecting": "Пока ничего делать не нужно: мы восстанавливаем связь. Читать и отвечать можно на телефоне.",
    "reported": "Пока ничего делать не нужно: те, кто следит за связью, это видят. "
    "Читать и отвечать можно на телефоне.",
    "scan": "Нужно отсканировать новый код. На телефоне: WhatsApp > Настройки > Связанные устройства > "
    "Привязка устройства.",
    "scan_here": "Нужно отсканировать новый код здесь: {link} На телефоне: WhatsApp > Настройки > "
    "Связанные устройства > Привязка устройства.",
    "close_others": "Закройте WhatsApp Web на других компьютерах и другие программы, где используется этот номер.",
    "ask_whatsapp": "Откройте WhatsApp на телефоне: там указана причина и можно запросить проверку.",
    "nothing": "Ничего делать не нужно.",
}

HE = {
    "down": "ה-WhatsApp של {name} אינו מחובר מאז {since}.",
    "unstable": "החיבור של {name} ל-WhatsApp מתנתק שוב ושוב (מאז {since}).",
    "needs_scan": "ה-WhatsApp של {name} כבר אינו מקושר (מאז {since}).",
    "replaced": "ה-WhatsApp של {name} נפתח גם במקום אחר ({since}), ולכן החיבור שלנו נסגר.",
    "blocked": "WhatsApp חסמה את המספר של {name} (מאז {since}).",
    "recovered": "ה-WhatsApp של {name} מחובר שוב מאז {since}.",
    "reconnecting": "אין צורך לעשות דבר כרגע: אנחנו מחברים מחדש. אפשר לקרוא ולענות בטלפון.",
    "reported": "אין צורך לעשות דבר כרגע: מי שמטפל בחיבור רואה זאת. אפשר לקרוא ולענות בטלפון.",
    "scan": "יש לסרוק קוד חדש. בטלפון: WhatsApp > הגדרות > מכשירים מקושרים > קישור מכשיר.",
    "scan_here": "יש לסרוק קוד חדש כאן: {link} בטלפון: WhatsApp > הגדרות > מכשירים מקושרים > קישור מכשיר.",
    "close_others": "יש לסגור את WhatsApp Web במחשבים אחרים וכל תוכנה אחרת שמשתמשת במספר הזה.",
    "ask_whatsapp": "יש לפתוח את WhatsApp בטלפון: שם מופיעה הסיבה ואפשר לבקש בדיקה.",
    "nothing": "אין צורך לעשות דבר.",
}

TEXTS: Mapping[str, Mapping[str, str]] = MappingProxyType({"en": EN, "es": ES, "ru": RU, "he": HE})
"""By two-letter language; any other one reads English."""

RIGHT_TO_LEFT = frozenset({"he"})


def said(language: str, key: str, **values: str) -> str:
    """A text with its values, each of them isolated where the text runs from right to left."""
    texts = TEXTS.get(language, EN)
    if language in RIGHT_TO_LEFT:
        values = {name: f"\u2068{value}\u2069" for name, value in values.items()}
    return texts[key].format_map(values)
