"""The lab: a WhatsApp that runs here, a gateway on real Baileys, and a real daemon that keeps it alive."""
