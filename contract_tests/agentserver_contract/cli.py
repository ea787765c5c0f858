"""The commands of the tool: their options, and what each does with them."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import hypothesis.configuration
import platformdirs

from agentserver import AgentserverError
from agentserver_contract import configuration, departures, jobs, shards
from agentserver_contract import run as runs
from agentserver_contract.configuration import Several, Switch
from agentserver_contract.context import (
    EXAMPLES,
    MODEL_RUNS,
    QUICK_EXAMPLES,
    QUICK_MODEL_RUNS,
    QUICK_SCENARIOS,
    SCENARIOS,
    Context,
    Plan,
)
from agentserver_contract.contract import document as contracts
from agentserver_contract.contract.document import Contract
from agentserver_contract.contract.source import ContractError
from agentserver_contract.departures import Departure, DepartureError
from agentserver_contract.fixtures.accounts import (
    ABSENT,
    MANY,
    SPARE,
    SetupFailed,
    email_of,
    emails_of,
    emails_of_few,
    emails_of_many,
)
from agentserver_contract.fixtures.examples import Examples
from agentserver_contract.fixtures.session import Credential, RunSession, run_session
from agentserver_contract.fixtures.workspaces import PARAMETER
from agentserver_contract.http.contact import NoAgentserver, find_server, one_line
from agentserver_contract.http.guard import Blocked, Guard
from agentserver_contract.http.in_front import withhold
from agentserver_contract.http.rate_limit import RateLimit
from agentserver_contract.http.status_counter import StatusCounter
from agentserver_contract.http.target import TIMEOUT_SECONDS, Hook, Target
from agentserver_contract.http.urls import UrlError, base_url, is_loopback
from agentserver_contract.interruption import ending_signals
from agentserver_contract.layers import gate
from agentserver_contract.layers.table import LAYERS, NAMES
from agentserver_contract.recordings import cassettes
from agentserver_contract.reports import data, junit, page
from agentserver_contract.reports import stream as streams
from agentserver_contract.reports.console import Console
from agentserver_contract.reports.files import ReportFiles, write
from agentserver_contract.reports.style import Style
from agentserver_contract.reports.text import result_text
from agentserver_contract.results.answers import AnswerChecks
from agentserver_contract.results.findings import Finding, LayerResult, always, never
from agentserver_contract.results.preparation import NAME as PREPARATION
from agentserver_contract.results.preparation import is_fault, is_server_error, preparation_failed
from agentserver_contract.run import Observer, Outcome

HOLDS, BROKEN = 0, 1

_EXIT_CODES = """\
exit status:
  0  the contract holds, apart from what --departures lists
  1  it is broken
  2  it could not be tried

environment:
  AGENTSERVER_URL                           where the server is, unless the command says so
  AGENTSERVER_EMAIL, AGENTSERVER_PASSWORD   an administrator's credential
  AGENTSERVER_SESSION                       instead: an administrator's session
  AGENTSERVER_CONTRACT_SECRET               what the passwords of the run's accounts are derived
                                            from; without it, the administrator's password

Options may also stand in agentserver-contract.toml, or in [tool.agentserver-contract] of
pyproject.toml, in the current folder: `examples = 5`, `read-only = true`.
"""
_NOT_IN_REPLAY = frozenset(
    {
        "color",
        "fail-fast",
        "format",
        "html",
        "jobs",
        "json",
        "junit",
        "layers",
        "operation",
        "seed",
        "shard",
    }
    | {"tag", "wait", "yes"}
)
"""Options of `run` that a replay chooses itself, or that change nothing of what is found."""
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}


class CannotRun(RuntimeError):
    """Why nothing could be tried, in one line.

    Args:
        reason: The line.
        findings: What breaks the contract, where the server is at fault.
        counts: Whether a finding in a single response before is the reason too.
    """

    def __init__(
        self,
        reason: str,
        findings: Sequence[Finding] = (),
        counts: Callable[[Finding], bool] = never,
    ) -> None:
        super().__init__(reason)
        self.findings = findings
        self.counts = counts


def use_cache_folder() -> None:
    """Let Hypothesis write there, and not into the folder in which this is run."""
    hypothesis.configuration.set_hypothesis_home_dir(platformdirs.user_cache_path(runs.COMMAND))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command and its options, of which the current folder may give some.

    Raises:
        CannotRun: A configuration file is wrong.
    """
    whole, commands = parsers()
    try:
        configuration.apply(commands.values(), Path.cwd(), os.environ)
    except configuration.ConfigurationError as error:
        raise CannotRun(str(error)) from None
    return whole.parse_args(arguments)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    return parsers()[0]


def parsers() -> tuple[argparse.ArgumentParser, Mapping[str, argparse.ArgumentParser]]:
    """The command line, and the parsers of its commands by name."""
    whole = argparse.ArgumentParser(
        prog="agentserver-contract",
        description="Tests a running agentserver, and the SDK, against the contract.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = whole.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_run(_command(commands, "run", run, "try a server"))
    _add_record(_command(commands, "record", record, "record a server's responses"))
    _add_replay(_command(commands, "replay", replay, "replay recorded responses through the SDK"))
    _add_gate(_command(commands, "gate", judge, "judge the JSON reports of all shards together"))
    return whole, commands.choices


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    action: Callable[[argparse.Namespace], int],
    summary: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=action)
    command.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    command.add_argument(
        "--contract", type=Path, metavar="FILE", help="an openapi.yaml; else the installed one"
    )
    return command


def _add_server(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "url", nargs="?", help="where the server is, such as http://127.0.0.1:8080"
    )
    server = command.add_argument_group("the server")
    server.add_argument("--email", help="an administrator's address; else AGENTSERVER_EMAIL")
    server.add_argument(
        "--allow-remote", action=Switch, help="try a server that is not on this machine"
    )
    server.add_argument(
        "--allow-global",
        action=Switch,
        help="change settings of the whole installation too, and restore them; where others have "
        "accounts, they are only raised, and --yes is needed",
    )
    server.add_argument(
        "--yes", action=Switch, help="--allow-global is meant, although others have accounts"
    )
    server.add_argument(
        "--wait",
        type=_duration,
        default=0.0,
        metavar="TIME",
        help="how long to wait for the server to come up, such as 30s or 2m",
    )
    server.add_argument(
        "--rate-limit", type=_rate, metavar="N/s", help="requests a second, at most"
    )
    server.add_argument(
        "--timeout",
        type=_positive,
        default=TIMEOUT_SECONDS,
        metavar="SECONDS",
        help="how long a response may take (%(default)s)",
    )


def _add_run(command: argparse.ArgumentParser) -> None:
    _add_server(command)
    tried = command.add_argument_group("what is tried")
    tried.add_argument("--seed", type=int, help="repeat the run that printed this seed")
    tried.add_argument(
        "--layers", type=_layers, default=(), metavar="NAME,...", help=", ".join(NAMES)
    )
    tried.add_argument(
        "--operation", action=Several, metavar="ID", help="only this operationId; may be repeated"
    )
    tried.add_argument(
        "--tag",
        action=Several,
        metavar="TAG",
        help="only the operations with this tag; may be repeated",
    )
    tried.add_argument(
        "--quick",
        action=Switch,
        help="no random cases, no scenarios, and without what takes most requests or time: "
        f"{', '.join(each.name for each in LAYERS if each.is_long)}, "
        "long lists, limits of a thousand things",
    )
    tried.add_argument(
        "--examples",
        type=_count,
        metavar="N",
        help=f"random cases for each operation and mode ({EXAMPLES}; quick {QUICK_EXAMPLES})",
    )
    tried.add_argument(
        "--scenarios",
        type=_count,
        metavar="N",
        help=f"scenarios of several calls ({SCENARIOS}; quick {QUICK_SCENARIOS})",
    )
    tried.add_argument(
        "-j",
        "--jobs",
        type=_count,
        metavar="N",
        help=f"run in N processes at once (one more than there are cores, at most {jobs.MOST}; "
        "one less with --quick; 1 if not everything is tried, and with --allow-global or --shard, "
        "which take one)",
    )
    tried.add_argument(
        "--shard", type=_shard, default=(1, 1), metavar="I/N", help="the I-th of N parts"
    )
    tried.add_argument(
        "--many-rows",
        action=Switch,
        help=f"make lists long with {MANY} accounts that stay, on a server that others use too",
    )
    tried.add_argument("--read-only", action=Switch, help="only what changes nothing")
    tried.add_argument(
        "--closed", action=Switch, help="no response may have a field that the contract lacks"
    )
    tried.add_argument(
        "-x",
        "--fail-fast",
        action=Switch,
        help="end with the first finding that is not listed",
    )
    _add_departures(tried)
    reports = command.add_argument_group("reports")
    reports.add_argument("--format", choices=("text", "json"), default="text")
    reports.add_argument("--json", type=Path, metavar="FILE", help="write a JSON report")
    reports.add_argument("--junit", type=Path, metavar="FILE", help="write a JUnit report")
    reports.add_argument("--html", type=Path, metavar="FILE", help="write an HTML report")


def _add_departures(command: argparse._ActionsContainer) -> None:
    command.add_argument(
        "--departures",
        type=_departures_file,
        metavar="FILE",
        help="known departures, which break nothing: a file, or a release whose list is part of "
        f"this tool ({', '.join(departures.releases())})",
    )


def _add_record(command: argparse.ArgumentParser) -> None:
    _add_server(command)
    command.add_argument("file", type=Path, help="the cassette to write, in the form of vcrpy")
    command.add_argument(
        "--source", help="what the cassette is of, such as 'agentserver v0.64.12'; else the URL"
    )
    command.set_defaults(read_only=False)


def _add_replay(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", type=Path, help="a cassette")
    _add_departures(command)


def _add_gate(command: argparse.ArgumentParser) -> None:
    command.add_argument("reports", type=Path, nargs="+", help="from `run --format json --shard`")


def run(options: argparse.Namespace) -> int:
    """Try a server."""
    contract = _contract(options.contract)
    known = _departures(options.departures)
    plan = plan_of(options, contract)
    count = job_count(options, plan)
    files = ReportFiles(
        {options.json: data.text, options.junit: junit.text, options.html: page.text}
    )
    text = options.format == "text"
    console = Console(Style(sys.stdout if text else sys.stderr, options.color))
    # The files are written before the clean-up too, should that be killed.
    if count == 1:
        begins = partial(console.begins, plan=plan)
        observer = Observer(begins, console.started, console.finished, files.write)
        outcome = _try(options, plan, contract, known, observer)
    else:
        _url(options)
        _credential(options.email, os.environ)
        tasks = tasks_of(options, plan, count)
        outcome = shards.run(contract, plan, tasks, known, console, files.write)
    files.write(outcome)
    if not outcome.results:
        raise CannotRun(outcome.ended_by)
    if text:
        console.sum_up(outcome)
    else:
        streams.write(sys.stdout, data.text(outcome))
    if outcome.left_behind:
        raise CannotRun("not everything could be restored: " + "; ".join(outcome.left_behind))
    is_unprepared = any(each.layer == PREPARATION for each in outcome.results)
    if outcome.ended_by and not is_unprepared:
        raise CannotRun(outcome.ended_by)
    # The share of a shard may be empty: the gate judges all of them.
    if outcome.tried == 0 and outcome.holds and plan.shard == (1, 1):
        raise CannotRun("nothing was tried, so that nothing can be said: see above, not run")
    return HOLDS if outcome.holds else BROKEN


def _try(
    options: argparse.Namespace,
    plan: Plan,
    contract: Contract,
    known: Sequence[Departure],
    observer: Observer,
) -> Outcome:
    """Try a server, or the part of a shard, whatever ends it."""
    counter = StatusCounter(contract)
    answers = AnswerChecks(contract, (options.url or "").rstrip("/"), closed=plan.closed)
    outcome = Outcome(options.url or "", plan, [], departures=known)
    try:
        with _session(options, contract, counter, everywhere=[answers], shard=plan.shard[0]) as (
            target,
            session,
        ):
            observer.begins(target.base_url)
            plan = replace(plan, many_rows=options.many_rows or session.on_own_server)
            context = Context(
                target,
                session.accounts,
                contract,
                plan,
                reset=session.reset,
                examples=_existing(contract, session) if plan.read_only else None,
            )
            outcome = runs.run(
                *(context, counter, answers),
                known=known,
                started=observer.started,
                finished=observer.finished,
            )
            observer.ended(outcome)
    except (CannotRun, KeyboardInterrupt) as error:
        outcome.ended_by = outcome.ended_by or str(error) or "interrupted"
        if isinstance(error, CannotRun) and not outcome.results:
            found = [*error.findings, *filter(error.counts, answers.drain())]
            runs.judge_preparation(outcome, contract, found)
            if not outcome.holds:
                observer.begins(outcome.url)
        return outcome
    runs.judge_cleanup(outcome, contract, answers)
    outcome.left_behind = session.left_behind
    return outcome


def tasks_of(options: argparse.Namespace, plan: Plan, count: int) -> list[partial[Outcome]]:
    """What each of several processes does of a run."""
    share = argparse.Namespace(**vars(options))
    share.rate_limit = options.rate_limit and options.rate_limit / count
    return [partial(_try_shard, share, each) for each in shards.plans_of(plan, count)]


def _try_shard(options: argparse.Namespace, plan: Plan, observer: Observer) -> Outcome:
    """Try the part of a shard, in a process of its own."""
    use_cache_folder()
    contract = _contract(options.contract)
    with ending_signals():
        return _try(options, plan, contract, _departures(options.departures), observer)


def record(options: argparse.Namespace) -> int:
    """Call every operation through the SDK, and write what was sent and answered."""
    contract = _contract(options.contract)
    style = Style(sys.stdout, options.color)
    recorder = cassettes.Recorder()
    with _session(options, contract, recorder) as (target, session):
        recorder.start()
        missed = cassettes.record(target, session.accounts, contract, style.line)
        recorder.stop()
    source = options.source or target.base_url
    write(options.file, cassettes.text(recorder.exchanges, source))
    if not recorder.exchanges:
        raise CannotRun("nothing was recorded")
    style.line(f"{len(recorder.exchanges)} exchanges with {source} written to {options.file}")
    return BROKEN if missed else HOLDS


def replay(options: argparse.Namespace) -> int:
    """Replay a cassette through the SDK, strict and lenient."""
    contract = _contract(options.contract)
    known = _departures(options.departures)
    style = Style(sys.stdout, options.color)
    try:
        cassette = cassettes.read(options.file)
    except cassettes.CassetteError as error:
        raise CannotRun(str(error)) from None
    style.heading(f"{options.file}: recorded from {cassette.source}")
    result = cassettes.replay(contract, cassette)
    if not result.cases:
        raise CannotRun(f"{options.file}: holds no request of the contract: nothing was replayed")
    account = departures.account(contract, known, result.all_findings)
    for name, findings in sorted(account.explained.items()):
        style.line(f"{name}: {len(findings)} x, as listed")
    unexplained = LayerResult(result.layer, cases=result.cases, notes=result.notes)
    for finding in account.unexplained:
        unexplained.add(finding)
    style.text(result_text(unexplained))
    return HOLDS if unexplained.holds else BROKEN


def judge(options: argparse.Namespace) -> int:
    """Judge the reports of all shards as one run."""
    contract = _contract(options.contract)
    style = Style(sys.stdout, options.color)
    results: list[LayerResult] = []
    situations: frozenset[str] = frozenset()
    holds = True
    for path in options.reports:
        try:
            found, of_run, run_holds = data.read(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError, data.ReportError) as error:
            raise CannotRun(str(error)) from None
        results += found
        situations |= of_run
        holds = holds and run_holds
    if not any(each.statuses for each in results):
        raise CannotRun("the reports are of runs that tried nothing: there is nothing to judge")
    result = gate.judge(contract, results, situations=situations)
    style.text(result_text(result))
    return HOLDS if holds and result.holds else BROKEN


@contextmanager
def _session(
    options: argparse.Namespace,
    contract: Contract,
    hook: Hook,
    *,
    everywhere: Sequence[Hook] = (),
    shard: int = 1,
) -> Iterator[tuple[Target, RunSession]]:
    """The server, and the run's session on it. Raises CannotRun.

    The hooks that are for requests `everywhere` are called for those of the clean-up as well.
    """
    url = _url(options)
    credential = _credential(options.email, os.environ)
    spares = [email_of(SPARE, shard), *emails_of_many(), *emails_of_few()]
    guard = Guard(
        contract,
        emails_of(shard),
        spare={email: credential.password_of(email) for email in spares},
        absent=[email_of(ABSENT)],
        allow_global=options.allow_global,
        read_only=options.read_only,
    )
    limits = [*([RateLimit(options.rate_limit)] if options.rate_limit else []), *everywhere]
    try:
        with (
            Target(url, hooks=limits, timeout=options.timeout) as unguarded,
            Target(
                url,
                guard=guard,
                hooks=[*limits, hook],
                timeout=options.timeout,
                ends_run=True,
            ) as target,
            _found(unguarded, target, guard, contract, options.wait),
            run_session(
                target, guard, unguarded, credential, shard=shard, confirmed=options.yes
            ) as session,
        ):
            unguarded.ends_run = True
            try:
                yield target, session
            finally:
                unguarded.ends_run = False  # what the clean-up cannot do is reported by name
    except (Blocked, NoAgentserver, UrlError) as error:
        raise CannotRun(one_line(str(error))) from None
    except SetupFailed as error:
        # Before the credential has worked, it is as likely to be wrong as the server.
        counts = is_server_error if guard.administrator is None else always
        found = [preparation_failed(PREPARATION, each) for each in error.errors if is_fault(each)]
        raise CannotRun(one_line(str(error)), found, counts) from None
    except (AgentserverError, httpx.HTTPError) as error:
        findings = []
        if guard.administrator is not None and isinstance(error, AgentserverError):
            findings = [preparation_failed(PREPARATION, error)] if is_fault(error) else []
        raise CannotRun(f"{url}: {one_line(str(error))}", findings, always) from None


def _url(options: argparse.Namespace) -> str:
    """Where the server is. Raises CannotRun."""
    if options.url is None:
        raise CannotRun(
            "no URL: give it, or set AGENTSERVER_URL, or write `url` into agentserver-contract.toml"
        )
    try:
        url = base_url(options.url)
    except UrlError as error:
        raise CannotRun(str(error)) from None
    if not is_loopback(url) and not options.allow_remote:
        raise CannotRun(f"{url} is not on this machine: give --allow-remote to try it")
    return url


@contextmanager
def _found(
    unguarded: Target, target: Target, guard: Guard, contract: Contract, wait: float
) -> Iterator[None]:
    """Begin only where there is a server. Raises NoAgentserver."""
    find_server(unguarded, contract, wait=wait)
    withhold(unguarded, target, guard)
    yield


def _credential(email: str | None, environ: Mapping[str, str]) -> Credential:
    credential = Credential(
        email=email or environ.get("AGENTSERVER_EMAIL", ""),
        password=environ.get("AGENTSERVER_PASSWORD", ""),
        session=environ.get("AGENTSERVER_SESSION", ""),
        secret=environ.get("AGENTSERVER_CONTRACT_SECRET", ""),
    )
    if credential.session or (credential.email and credential.password):
        return credential
    raise CannotRun(
        "an administrator's credential is needed: set AGENTSERVER_EMAIL and AGENTSERVER_PASSWORD, "
        "or AGENTSERVER_SESSION"
    )


def _chosen(options: argparse.Namespace, contract: Contract) -> frozenset[str] | None:
    """The operations that are asked for; None where all are."""
    if not (options.operation or options.tag):
        return None
    named, tags = frozenset(options.operation or ()), frozenset(options.tag or ())
    existing = {operation.tag for operation in contract.operations.values()}
    for option, unknown in (
        ("--operation", named - contract.operations.keys()),
        ("--tag", tags - existing),
    ):
        if unknown:
            raise CannotRun(f"{option}: the contract has no {', '.join(sorted(unknown))}")
    return named | {each.id for each in contract.operations.values() if each.tag in tags}


def plan_of(options: argparse.Namespace, contract: Contract) -> Plan:
    """What is asked for. Raises CannotRun."""
    run_command = parsers()[1]["run"]
    quick = options.quick
    return Plan(
        seed=secrets.randbelow(2**32) if options.seed is None else options.seed,
        layers=options.layers,
        operations=_chosen(options, contract),
        examples=options.examples or (QUICK_EXAMPLES if quick else EXAMPLES),
        scenarios=options.scenarios or (QUICK_SCENARIOS if quick else SCENARIOS),
        boundaries=not quick,  # the layer of values has most of them
        model_runs=QUICK_MODEL_RUNS if quick else MODEL_RUNS,
        shard=options.shard,
        guarded=True,
        allow_global=options.allow_global,
        read_only=options.read_only,
        closed=options.closed,
        options=configuration.words(run_command, options, _NOT_IN_REPLAY),
        fail_fast=options.fail_fast,
        quick=quick,
    )


def job_count(options: argparse.Namespace, plan: Plan) -> int:
    """How many processes a run has. Raises CannotRun."""
    for option, is_given in (
        ("--shard", plan.shard != (1, 1)),
        ("--allow-global", plan.allow_global),
    ):
        if is_given and (options.jobs or 1) > 1:
            raise CannotRun(f"{option} takes one process: give --jobs 1, not {options.jobs}")
        if is_given:
            return 1
    if options.jobs is not None:
        return int(options.jobs)
    is_whole = not (plan.layers or plan.is_partial)
    return jobs.usual_count(is_quick=plan.is_quick) if is_whole else 1


def _existing(contract: Contract, session: RunSession) -> Examples:
    """Examples about the administrator, and a workspace if there is one."""
    administrator = session.accounts["admin"]
    with session.accounts.target.client(session=administrator.session) as client:
        own = [workspace.id for workspace in client.workspaces.list()]
        every = [workspace.id for workspace in client.admin.workspaces.list()]
    parameters = {"user_id": administrator.id}
    if known := [*own, *every]:
        parameters[PARAMETER] = known[0]
    return Examples(contract, parameters, {})


def _contract(path: Path | None) -> Contract:
    try:
        return contracts.load(path)
    except ContractError as error:
        raise CannotRun(str(error)) from None


def _departures_file(text: str) -> Path:
    """A file by its path, or that of a release by its name."""
    return departures.file_of(text) if text in departures.releases() else Path(text)


def _departures(path: Path | None) -> Sequence[Departure]:
    try:
        return departures.load(path) if path is not None else ()
    except DepartureError as error:
        raise CannotRun(str(error)) from None


def _layers(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in NAMES]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(NAMES)}")
    return names


def _shard(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    if number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count):
        return int(number), int(count)
    raise argparse.ArgumentTypeError(f"{text!r} is not like 1/2")


def _rate(text: str) -> float:
    return _positive(text.removesuffix("/s"))


def _duration(text: str) -> float:
    number = text.rstrip("ms")
    unit = text.removeprefix(number) or "s"
    if unit not in _SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 30s")
    return _positive(number) * _SECONDS[unit]


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number")
    return value


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive whole number")
    return int(text)
