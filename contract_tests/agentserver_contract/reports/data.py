"""A run as JSON: everything that the other reports show, and what the gate over shards needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from agentserver_contract.results.findings import Finding, LayerResult
from agentserver_contract.run import Outcome

_SHOWN = (
    "layer",
    "operation",
    "promise",
    "contract",
    "detail",
    "sent",
    "received",
    "replay",
    "check",
)


class ReportError(ValueError):
    """A file is not the report of a run."""


def text(outcome: Outcome) -> str:
    """The whole run."""
    number, count = outcome.plan.shard
    document = {
        "url": outcome.url,
        "seed": outcome.plan.seed,
        "shard": f"{number}/{count}",
        "situations": sorted(outcome.plan.situations),
        "verdict": outcome.verdict,
        "holds": outcome.holds,
        "ended_by": outcome.ended_by,
        "seconds": round(outcome.seconds, 3),
        "findings": list(map(_finding, outcome.unexplained)),
        "known": {name: len(findings) for name, findings in outcome.known.items()},
        "not_met": {departure.name: departure.unmet for departure in outcome.not_met},
        "held_back": dict(outcome.blocked),
        "left_behind": list(outcome.left_behind),
        "layers": list(map(_layer, outcome.results)),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def read(source: str, name: str) -> tuple[list[LayerResult], frozenset[str], bool]:
    """The results of the layers, the situations of the run, and whether nothing was broken.

    Args:
        source: A report.
        name: The file that it is from.

    Raises:
        ReportError: The text is no report.
    """
    try:
        document = json.loads(source)
        results = [_read_layer(layer) for layer in document["layers"]]
        if ended_by := document.get("ended_by"):
            raise ReportError(f"{name}: the run ended early: {ended_by}")
        return results, frozenset(document["situations"]), bool(document["holds"])
    except ReportError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise ReportError(f"{name}: not the report of a run: {error!r}") from None


def _finding(finding: Finding) -> dict[str, str]:
    return {name: getattr(finding, name) for name in _SHOWN}


def _layer(result: LayerResult) -> dict[str, Any]:
    statuses: dict[str, dict[str, int]] = {}
    for (operation, status), count in sorted(result.statuses.items()):
        statuses.setdefault(operation, {})[str(status)] = count
    return {
        "layer": result.layer,
        "seconds": round(result.seconds, 3),
        "seconds_of": {name: round(each, 3) for name, each in result.seconds_of.items()},
        "cases": dict(result.cases),
        "succeeded": dict(result.succeeded),
        "statuses": statuses,
        "notes": dict(result.notes),
        "not_run": dict(result.not_run),
        "findings": len(result.findings),
    }


def _read_layer(layer: Mapping[str, Any]) -> LayerResult:
    result = LayerResult(layer["layer"], seconds=layer["seconds"])
    for operation, statuses in layer["statuses"].items():
        for status, count in statuses.items():
            result.statuses[operation, int(status)] += count
    return result
