"""A run as one HTML page that needs nothing from elsewhere, and that a telephone shows as well.

A summary comes first, then what is broken, by layer and by operation: each finding on one line
until it is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

from agentserver_contract.reports.text import by_reason, facts, not_met_text
from agentserver_contract.results.findings import Finding
from agentserver_contract.run import Outcome

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 1rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.25rem; }
p, li, td, summary { overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #8884;
  vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
details { margin: .25rem 0; } summary { cursor: pointer; }
details details { border-left: .2rem solid #8884; padding-left: .7rem; }
details.finding { border-color: #b91c1c; }
details.finding:not([open]) > summary { white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis; }
dt { font-weight: 600; } dd { margin: 0 0 .5rem; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; }
.holds { color: #15803d; } .broken { color: #b91c1c; }
"""


def text(outcome: Outcome) -> str:
    """The whole run."""
    state = "holds" if outcome.holds and not outcome.ended_by else "broken"
    verdict = escape(outcome.verdict)
    findings = outcome.unexplained
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{verdict}</title><style>{_STYLE}</style></head><body>",
        f'<h1 class="{state}">{verdict}</h1>',
        f"<p>{escape(outcome.url)}: {outcome.tried} cases in {outcome.seconds:.1f} s.</p>",
        *_section("Could not be restored", _list(outcome.left_behind)),
        *_section("Broken, by layer", _groups(findings, lambda each: each.layer, is_open=True)),
        *_section("Broken, by operation", _groups(findings, _operation, is_open=False)),
        *_section("Layers", _layers(outcome)),
        *_section("Not run", _not_run(outcome)),
        *_section("Listed departures", _departures(outcome)),
        *_section("Blocked by the guard, which is no finding", _blocked(outcome)),
        *_section("Time", _times(outcome)),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _operation(finding: Finding) -> str:
    return finding.operation or "the whole run"


def _section(title: str, content: Iterable[str]) -> list[str]:
    lines = list(content)
    return [f"<section><h2>{title}</h2>", *lines, "</section>"] if lines else []


def _groups(
    findings: Sequence[Finding], key: Callable[[Finding], str], *, is_open: bool
) -> Iterable[str]:
    """Findings that have something in common, below each other."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(key(finding), []).append(finding)
    for name, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        opened = " open" if is_open else ""
        yield f"<details{opened}><summary>{escape(name)}: {len(group)}</summary>"
        yield from map(_finding, group)
        yield "</details>"


def _finding(finding: Finding) -> str:
    shown = "".join(
        f"<dt>{name}</dt><dd><pre>{escape(text)}</pre></dd>" for name, text in facts(finding)
    )
    title = f"<b>{escape(_operation(finding))}</b>: {escape(finding.promise)}"
    summary = f"<summary>{title} [{escape(finding.layer)}]</summary>"
    return f'<details class="finding">{summary}<dl>{shown}</dl></details>'


def _not_run(outcome: Outcome) -> Iterable[str]:
    """One line a reason, which opens to what it covers."""
    for reason, names in by_reason(outcome.not_run).items():
        yield (
            f"<details><summary>{escape(reason)}: {len(names)}</summary>"
            f"<p>{escape(', '.join(names))}</p></details>"
        )


def _list(lines: Iterable[str]) -> Iterable[str]:
    return [f"<p>{escape(line)}</p>" for line in lines]


def _departures(outcome: Outcome) -> Iterable[str]:
    not_met = {each.name: f" ({not_met_text(each)})" for each in outcome.not_met}
    rows = [
        (
            departure.name,
            str(len(outcome.known.get(departure.name, ()))),
            departure.answers + not_met.get(departure.name, ""),
            departure.why,
        )
        for departure in outcome.departures
    ]
    return _table(("name", "met", "the server", "the contract"), rows)


def _layers(outcome: Outcome) -> Iterable[str]:
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
    return _table(("layer", "cases", "findings", "not run", "seconds"), rows)


def _blocked(outcome: Outcome) -> Iterable[str]:
    rows = [(reason, str(count)) for reason, count in sorted(outcome.blocked.items())]
    return _table(("why", "requests"), rows)


def _times(outcome: Outcome) -> Iterable[str]:
    """How long the responses of each operation took, in all layers together."""
    seconds: dict[str, float] = {}
    for result in outcome.results:
        for name, each in result.seconds_of.items():
            seconds[name] = seconds.get(name, 0.0) + each
    longest_first = sorted(seconds.items(), key=lambda item: -item[1])
    rows = [(name, f"{each:.2f}") for name, each in longest_first]
    if rows:
        yield "<details><summary>Seconds that the responses of each operation took</summary>"
        yield from _table(("operation", "seconds"), rows)
        yield "</details>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    lines = ['<div class="wide"><table><tr>' + "".join(f"<th>{head}</th>" for head in heads)]
    lines += ["</tr><tr>" + "".join(map(_cell, row)) for row in rows]
    return [*lines, "</tr></table></div>"]


def _cell(value: str) -> str:
    number = ' class="number"' if value.replace(".", "", 1).isdigit() else ""
    return f"<td{number}>{escape(value)}</td>"
