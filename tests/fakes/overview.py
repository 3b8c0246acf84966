"""Overviews as a daemon would tell them, with overrides where a test cares."""

from __future__ import annotations

from typing import Any

from baileykeep.model.overview import CompanyView, GatewayView, IncidentView, Overview

NOW = 1_800_000_000.0


def incident(ident: str = "i-1", **changes: Any) -> IncidentView:
    """An open incident that needs nobody."""
    view: IncidentView = {
        "id": ident,
        "cause": "disconnected",
        "severity": "warning",
        "headline": "disconnected for 16 min",
        "opened_at": NOW - 960,
        "hold": None,
        "needs_human": False,
        "approval": None,
    }
    view.update(changes)  # type: ignore[typeddict-item]
    return view


def company(ident: str, **changes: Any) -> CompanyView:
    """A healthy, connected company."""
    view: CompanyView = {
        "id": ident,
        "name": "",
        "gateway": "main",
        "connection": {"state": "connected", "since": NOW - 90_000, "paired": True, "down_s": 0.0, "cause": None},
        "files": {"total": 61, "counted": 61, "level": "healthy", "reclaimable": 3},
        "phone": "***1234",
        "backups": {"count": 5, "newest_at": NOW - 7200, "newest_kind": "periodic"},
        "incidents": [],
        "paused_until": None,
        "stops_others": False,
        "next": "",
        "health": "ok",
        "not_watched": [],
        "cannot": [],
    }
    view.update(changes)  # type: ignore[typeddict-item]
    return view


def gateway(ident: str = "main", **changes: Any) -> GatewayView:
    """A gateway that answers."""
    view: GatewayView = {
        "id": ident,
        "dialect": "ai-admin",
        "url": "http://127.0.0.1:3000",
        "problem": None,
        "process": {"manager": "pm2", "state": "running", "restarts": 3},
        "companies": 3,
        "braked": False,
        "not_watched": [],
    }
    view.update(changes)  # type: ignore[typeddict-item]
    return view


def overview(*companies: CompanyView, **changes: Any) -> Overview:
    """An installation where everything works."""
    view: Overview = {
        "version": "0.1.0",
        "mode": "act",
        "started_at": NOW - 200_000,
        "now": NOW,
        "network": {"online": True, "whatsapp": True},
        "config": {"ok": True, "problems": []},
        "paused_until": None,
        "gateways": [gateway()],
        "companies": list(companies),
    }
    view.update(changes)  # type: ignore[typeddict-item]
    return view


def troubled() -> Overview:
    """Everything that can be on the screen at once."""
    down = {"state": "disconnected", "since": NOW - 960, "paired": True, "down_s": 960.0, "cause": "lost"}
    dead = {"state": "waiting_qr", "since": NOW - 300, "paired": False, "down_s": 300.0, "cause": "logged_out"}
    approval = {"rung": "relink", "revision": 4, "asked_at": NOW - 300, "expires_at": NOW + 1500}
    return overview(
        company("997441", name="Beauty Salon Aurora in the old town"),
        company(
            "962302",
            name="Acme Hair",
            connection=down,
            files={"total": 172, "counted": 160, "level": "critical", "reclaimable": 20},
            incidents=[incident("i-7", hold="cooldown", headline="Acme Hair (962302): disconnected for 16 min")],
            next="Wait: the next reconnect is due in 4 min.",
            health="down",
        ),
        company(
            "a-company-with-a-very-long-identifier-0001",
            connection=dead,
            files=None,
            backups={"count": 0, "newest_at": None, "newest_kind": None},
            incidents=[
                incident(
                    "i-9",
                    cause="logged_out",
                    severity="emergency",
                    headline="the phone removed this device (401)",
                    needs_human=True,
                    approval=approval,
                )
            ],
            next="Approve the relink, then scan the QR code with the company's phone.",
            health="down",
        ),
        company(
            "business_1",
            files={"total": 980, "counted": 121, "level": "warning", "reclaimable": 0},
            paused_until=NOW + 1200,
            next="Nothing can be cleaned up; watch it.",
            health="watch",
        ),
        network={"online": True, "whatsapp": False},
        config={"ok": False, "problems": ["companies/962302.toml:3: limitz is not a key; did you mean limits?"]},
        paused_until=NOW + 600,
        gateways=[gateway(braked=True), gateway("second", problem="timeout", dialect="x-api-key")],
        incidents=[incident("i-2", subject="gateway:second", headline="does not answer", hold="gateway_down")],
        mode="observe",
    )
