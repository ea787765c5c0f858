"""One trial: a server with a fault, and `agentserver-contract run URL` on it as a user calls it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from elsewhere import caught_elsewhere
from planting import planted_folder
from results import Found, Trial, TrialPlan
from trial_processes import DidNotStart, ToolRun, make_administrator, run_tool, serving

from agentserver_contract.departures import file_of

HOLDS, BROKEN = 0, 1
RELEASE = "v0.64.12"
_DETAIL_LENGTH = 500


def run_trial(plan: TrialPlan) -> Trial:
    """Plant a fault, and let the tool look for it."""
    started = time.monotonic()
    trial = Trial(plan)
    with (
        planted_folder(plan.fault) as folder,
        tempfile.TemporaryDirectory(prefix="agentserver-trial-") as name,
    ):
        work = Path(name)
        _try(trial, folder, work)
        reached = _reached(work)
        if plan.fault is not None and plan.fault.tier in ("answer", "rule"):
            trial.was_reached = reached.exists() if plan.fault.side == "server" else None
        if trial.status == "survived" and plan.fault is not None:
            trial.elsewhere = caught_elsewhere(plan.fault, folder)
    trial.seconds = time.monotonic() - started
    return trial


def _try(trial: Trial, folder: Path, work: Path) -> None:
    plan = trial.plan
    side = plan.fault.side if plan.fault else "server"
    try:
        with serving(
            plan.fault if side == "server" else None,
            folder if side == "server" else work,
            work,
            _reached(work),
            departs=plan.behind_departures,
        ) as url:
            make_administrator(url)
            done = run_tool(
                _arguments(plan, url, folder),
                work,
                limit=plan.limit,
                folder=folder if side == "sdk" else None,
            )
    except DidNotStart as error:
        trial.status, trial.message = "did not start", str(error)
        return
    _judge(trial, done)


def _judge(trial: Trial, done: ToolRun) -> None:
    trial.findings = [
        Found(
            each["layer"],
            each["operation"],
            each["promise"],
            " ".join(each["detail"].split())[:_DETAIL_LENGTH],
        )
        for each in done.report.get("findings", ())
    ]
    reasons = done.report.get("not_met") or {}
    trial.not_met = tuple(name for name, reason in reasons.items() if not reason)
    departs = trial.plan.behind_departures
    # The progress counts what is listed, too; and such a server lets the run's last owners go, so
    # that not everything can be restored.
    has_found = bool(trial.findings) if departs else done.has_found
    if done.exit_status == BROKEN or has_found:
        trial.status = "caught"
    elif done.exit_status is None:
        trial.status, trial.message = "time limit", done.message
    elif done.exit_status != HOLDS and not (departs and "be restored" in done.message):
        trial.status, trial.message = "not run", done.message


def _arguments(plan: TrialPlan, url: str, folder: Path) -> list[str]:
    """The command line: the server is nobody's, so that all of it may be tried."""
    words = ["run", url, "--seed", str(plan.seed), "--format", "json"]
    words += ["--allow-global", "--closed", "--jobs", "1"]
    words += ["--contract", str(planted)] if (planted := folder / "openapi.yaml").exists() else []
    words += ["--departures", str(file_of(RELEASE))] if plan.behind_departures else []
    words += ["--layers", ",".join(plan.layers)] if plan.layers else []
    words += [] if plan.runs_all else ["--fail-fast"]
    return words


def _reached(work: Path) -> Path:
    return work / "reached"
