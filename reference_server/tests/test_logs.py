"""What the log shows, in both forms."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from agentserver_reference import logs

LOGGER = logging.getLogger(logs.LOGGER)


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """The logging of the test run as it was."""
    root = logging.getLogger()
    handlers, level, own = root.handlers[:], root.level, LOGGER.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    LOGGER.setLevel(own)


def shown(form: str, level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    logs.configure(form, level, stream)
    return stream


def fail() -> None:
    try:
        raise RuntimeError("broken\nin two lines")
    except RuntimeError:
        LOGGER.exception("failed", extra={"event_fields": {"request_id": "r"}})


def test_json_is_an_object_a_line_also_for_a_failure() -> None:
    stream = shown("json")
    logs.event(LOGGER, logging.INFO, "answered", request_id="r", status=200)
    fail()
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first["time"].endswith("Z")
    del first["time"]
    assert first == {"level": "info", "message": "answered", "request_id": "r", "status": 200}
    assert (second["level"], second["request_id"]) == ("error", "r")
    assert "RuntimeError: broken" in second["traceback"]


def test_the_human_form_is_a_line_with_its_fields() -> None:
    stream = shown("human")
    logs.event(LOGGER, logging.WARNING, "answered", request_id="r", status=200)
    assert stream.getvalue().endswith(" warning answered request_id=r status=200\n")
    fail()
    assert "RuntimeError: broken" in stream.getvalue()


def test_the_level_hides_what_is_below_it() -> None:
    stream = shown("human", "warning")
    logs.event(LOGGER, logging.INFO, "hidden")
    logs.event(LOGGER, logging.WARNING, "seen")
    assert "hidden" not in stream.getvalue()
    assert "seen" in stream.getvalue()


def test_what_libraries_warn_of_is_shown_in_the_same_form() -> None:
    stream = shown("json")
    logging.getLogger("uvicorn.error").warning("careful")
    logging.getLogger("uvicorn.error").info("chatter")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["careful"]


def test_uvicorn_does_not_repeat_that_a_response_broke_off() -> None:
    stream = shown("json")
    logging.getLogger("uvicorn.error").error("ASGI callable returned without completing response.")
    assert stream.getvalue() == ""


@pytest.mark.parametrize(("level", "heard"), [("debug", True), ("warning", True), ("error", False)])
def test_libraries_are_heard_from_warnings_up_where_the_level_lets_them(
    level: str, heard: bool
) -> None:
    stream = shown("human", level)
    library = logging.getLogger("some.library")
    library.info("all is well")
    library.warning("odd")
    assert ("odd" in stream.getvalue()) is heard
    assert "all is well" not in stream.getvalue()
