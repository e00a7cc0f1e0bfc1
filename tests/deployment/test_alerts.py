"""The alerts say what they should when they should, and every expression is one that Prometheus takes."""

import json
import re
import subprocess
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from host.dev.environment import CLONE

from tests.deployment.prometheus import ALERTS, DASHBOARD, SHIPPED, TESTS, expressions, program, promtool
from tests.faults.conftest import Report


def alerts() -> dict[str, dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def test_prometheus_takes_configuration_and_rules() -> None:
    promtool("check", "config", SHIPPED / "prometheus.yml")
    promtool("check", "rules", ALERTS)


def test_alerts_fire_when_they_should_and_else_do_not(report: Report) -> None:
    promtool("test", "rules", TESTS)
    checked = [rule for test in yaml.safe_load(TESTS.read_text())["tests"] for rule in test["alert_rule_test"]]
    firing = {rule["alertname"] for rule in checked if rule["exp_alerts"]}
    silent = {rule["alertname"] for rule in checked if not rule["exp_alerts"]}
    assert firing == silent == set(alerts())
    report(f"alerts: {len(firing)}, each tried with figures at which it fires and at which it does not")


@pytest.mark.parametrize("condition", ["({}) < -1", "{} or vector(1)"], ids=["never", "always"])
def test_an_alert_that_says_another_thing_fails_its_test(tmp_path: Path, condition: str) -> None:
    tool = program("promtool")
    (tmp_path / TESTS.name).write_text(TESTS.read_text())
    changed = yaml.safe_load(ALERTS.read_text())
    for rule in chain.from_iterable(group["rules"] for group in changed["groups"]):
        if "alert" in rule:
            rule |= {"expr": condition.format(rule["expr"]), "for": "0s"}
    (tmp_path / ALERTS.name).write_text(yaml.safe_dump(changed))
    done = subprocess.run([tool, "test", "rules", tmp_path / TESTS.name], capture_output=True, text=True, check=False)
    assert done.returncode
    assert set(re.findall(r"alertname: ?(\w+)", done.stdout + done.stderr)) == set(alerts())


@pytest.mark.parametrize("name", alerts())
def test_an_alert_names_its_urgency_and_a_runbook_that_is_there(name: str) -> None:
    rule = alerts()[name]
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
    assert (CLONE / rule["annotations"]["runbook"]).is_file()


def test_prometheus_takes_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": expr} for number, (expr, _) in enumerate(expressions())]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", tmp_path / "rules.yml")


def test_the_dashboard_has_its_rows_and_no_panel_covers_another() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    rows = [panel["title"] for panel in dashboard["panels"] if panel["type"] == "row"]
    assert rows == ["Traffic", "Latency", "Errors", "Saturation", "Tasks", "Dependencies"]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in dashboard["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert not re.findall(r'"uid": "(?!seamark|\$\{datasource\})', DASHBOARD.read_text())
