"""Spanish."""

from __future__ import annotations

from baileykeep.rules.tongues.base import Told, Tongue

_ON_THE_PHONE = "con el teléfono de la empresa: WhatsApp > Ajustes > Dispositivos vinculados > Vincular un dispositivo."

TONGUE = Tongue(
    time="las {time}",
    date="el {date} a las {time}",
    day="%d/%m/%Y",
    down=Told(
        "WhatsApp no está conectado: {name}",
        "El WhatsApp de {name} no está conectado desde {since}. Mientras tanto, sus clientes no reciben respuesta "
        "por aquí. El equipo de soporte ya está avisado.",
        "Por ahora no tiene que hacer nada. En el teléfono puede leer y responder como siempre.",
    ),
    needs_scan=Told(
        "Vuelva a vincular WhatsApp: {name}",
        "El WhatsApp de {name} está desvinculado desde {since}. Sus clientes no reciben respuesta por aquí hasta que "
        "se vuelva a vincular.",
        f"Pida un código nuevo al equipo de soporte y escanéelo {_ON_THE_PHONE}",
    ),
    scan_here=f"Abra {{link}} y escanee el código que aparece {_ON_THE_PHONE}",
    elsewhere=Told(
        "WhatsApp está en uso en otro lugar: {name}",
        "Otro programa usa el WhatsApp de {name} desde {since}; por eso no está conectado aquí.",
        "Cierre WhatsApp Web y WhatsApp de escritorio en otros ordenadores. Si no ayuda, avise al equipo de soporte.",
    ),
    refused=Told(
        "WhatsApp rechaza este número: {name}",
        "WhatsApp no permite conectar a {name} desde {since}. El equipo de soporte ya está avisado.",
        "Abra WhatsApp en el teléfono de la empresa y lea lo que dice. Después avise al equipo de soporte.",
    ),
    unreadable=Told(
        "Algunos mensajes no se pueden leer: {name}",
        "Algunos mensajes para {name} no se pueden leer desde {since}. El equipo de soporte ya está avisado.",
        "Si cree que falta un mensaje de un cliente, pídale que lo envíe otra vez.",
    ),
    connected=Told(
        "WhatsApp funciona de nuevo: {name}",
        "El WhatsApp de {name} está conectado de nuevo desde {at}. No estaba conectado desde {since}.",
        "No tiene que hacer nada. Mire en el teléfono si hay mensajes que nadie contestó mientras tanto.",
    ),
    readable=Told(
        "Los mensajes se leen de nuevo: {name}",
        "Los mensajes para {name} se leen de nuevo desde {at}. Algunos no se podían leer desde {since}.",
        "Si cree que falta un mensaje de un cliente, pídale que lo envíe otra vez.",
    ),
    test=Told(
        "Esto es una prueba: {name}",
        "Esto es solo una prueba. Aquí llegarán los avisos sobre el WhatsApp de {name}.",
        "No tiene que hacer nada.",
    ),
)
