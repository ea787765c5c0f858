"""A run as one HTML page that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from agentserver_contract.results.findings import Finding
from agentserver_contract.run import Outcome

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .2rem 1rem .2rem 0; border-bottom: 1px solid #8884; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
details { border-left: .25rem solid #b91c1c; padding-left: 1rem; margin: 1rem 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.holds { color: #15803d; } .broken { color: #b91c1c; }
"""


def text(outcome: Outcome) -> str:
    """The whole run."""
    state = "holds" if outcome.holds else "broken"
    verdict = "The contract holds" if outcome.holds else "The contract is broken"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{verdict}: {escape(outcome.url)}</title><style>{_STYLE}</style></head><body>",
        f'<h1 class="{state}">{verdict}</h1>',
        f"<p>{escape(outcome.url)}, seed {outcome.plan.seed}, {outcome.seconds:.1f} s</p>",
        *_section("Broken", map(_finding, outcome.unexplained)),
        *_section("Listed departures", _departures(outcome)),
        *_section("Layers", [_layers(outcome)]),
        *_section("Not run", _table(("layer", "what", "why"), list(outcome.not_run))),
        *_section("Blocked by the guard", _blocked(outcome)),
        *_section("Could not be restored", (f"<p>{escape(line)}" for line in outcome.left_behind)),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _section(title: str, content: Iterable[str]) -> list[str]:
    lines = list(content)
    return [f"<h2>{title}</h2>", *lines] if lines else []


def _finding(finding: Finding) -> str:
    facts = (
        ("promised at", f"openapi.yaml#{finding.contract}"),
        ("wrong", finding.detail),
        ("sent", finding.sent),
        ("received", finding.received),
        ("replay", finding.replay),
    )
    shown = "".join(f"<h4>{name}</h4><pre>{escape(text)}</pre>" for name, text in facts if text)
    name = escape(finding.operation or "the whole run")
    promise = escape(finding.promise)
    layer = escape(finding.layer)
    return f"<details open><summary><b>{name}</b>: {promise} [{layer}]</summary>{shown}</details>"


def _departures(outcome: Outcome) -> Iterable[str]:
    not_met = {departure.name for departure in outcome.not_met}
    rows = [
        (
            departure.name,
            str(len(outcome.known.get(departure.name, ()))),
            departure.answers + (" (not met in this run)" if departure.name in not_met else ""),
            departure.why,
        )
        for departure in outcome.departures
    ]
    return _table(("name", "met", "the server", "the contract"), rows)


def _layers(outcome: Outcome) -> str:
    rows = [
        (
            result.layer,
            str(result.cases.total()),
            str(len(result.findings)),
            str(len(result.not_run)),
            f"{result.seconds:.1f}",
        )
        for result in outcome.results
    ]
    return "".join(_table(("layer", "cases", "findings", "not run", "seconds"), rows))


def _blocked(outcome: Outcome) -> Iterable[str]:
    rows = [(reason, str(count)) for reason, count in sorted(outcome.blocked.items())]
    return _table(("why", "requests"), rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    lines = ["<table><tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>"]
    lines += ["<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows]
    return [*lines, "</table>"]


def _cell(value: str) -> str:
    number = ' class="number"' if value.replace(".", "", 1).isdigit() else ""
    return f"<td{number}>{escape(value)}</td>"
