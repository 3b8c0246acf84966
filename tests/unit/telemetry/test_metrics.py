import re

import baileykeep
from baileykeep.telemetry import Metrics


def test_renders_what_was_set() -> None:
    metrics = Metrics()
    metrics.company_up.labels("1", "main").set(1)
    metrics.decisions.labels("hold", "brake").inc()
    text = metrics.render().decode()
    assert 'baileykeep_company_up{company="1",gateway="main"} 1.0' in text
    assert 'baileykeep_decisions_total{reason="brake",verb="hold"} 1.0' in text
    assert f'baileykeep_build_info{{version="{baileykeep.__version__}"}} 1.0' in text


def test_every_declared_metric_is_exposed_under_its_name() -> None:
    metrics = Metrics()
    exposed = set(re.findall(r"^# TYPE (\S+)", metrics.render().decode(), re.M))
    assert {metric.name for metric in metrics.declared()} <= exposed


def test_two_daemons_do_not_share() -> None:
    one, other = Metrics(), Metrics()
    one.companies.set(5)
    assert "baileykeep_companies 0.0" in other.render().decode()


def test_company_that_is_gone_takes_its_series_with_it() -> None:
    metrics = Metrics()
    for company in ("1", "2"):
        metrics.company_up.labels(company, "main").set(1)
        metrics.backups.labels(company, "cold").set(3)
        metrics.decrypt_failures.labels(company, "main", "bad_mac").inc()
    metrics.gateway_up.labels("main").set(1)
    metrics.forget_company("1")
    text = metrics.render().decode()
    assert 'company="1"' not in text
    assert text.count('company="2"') >= 3
    assert 'gateway_up{gateway="main"} 1.0' in text
