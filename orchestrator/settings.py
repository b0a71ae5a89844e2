"""How the engine works on this machine; what it works on is the plan's affair.

From weakest to strongest: defaults, ``settings.toml`` in the state folder, the environment
(``CLERK_VERIFY_SLOTS=2``). Each source is validated alone, so that an error names the one to
mend. Read once at the door; frozen after.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from orchestrator.allowance import Allowance
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails

FILE_NAME = "settings.toml"
PREFIX = "CLERK_"

_GIBIBYTE = 1 << 30

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "bool": "true or false",
    "string": "text in quotes",
}
_BOUNDS = {"greater_than_equal": "at least {ge:g}", "literal_error": "{expected}"}

_Count = Annotated[int, Field(ge=1)]
_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _half_of_memory() -> int:
    """Half of what the machine has, and never less than a compiler needs."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(_GIBIBYTE, whole // 2)


def _database_url(url: str) -> str:
    """A URL that means the same wherever a command is run."""
    if "://" not in url or (url.startswith("sqlite:") and not url.startswith("sqlite:////")):
        raise ValueError("a URL like sqlite:////folder/clerk.db or postgresql+psycopg://host/name")
    return url


def _webhook_url(url: str) -> str:
    """An address that a message can be posted to."""
    parts = urlsplit(url)
    if not (parts.scheme in {"http", "https"} and parts.hostname):
        raise ValueError("a URL like https://host/path")
    return url


class Settings(BaseModel):
    """The settings of one machine and repository."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database: Annotated[str, AfterValidator(_database_url)] = Field(
        description="SQLAlchemy URL of the state; a file in the state folder by default."
    )
    database_backed_up: bool = Field(
        False, description="Leave to bring up the tables of an older version on a server."
    )
    sandbox: Literal["auto", "bubblewrap", "landlock", "none"] = Field(
        "auto", description="What sessions and checks run in; auto: the strongest that holds."
    )
    verify_slots: _Count = Field(
        default_factory=_cores, description="Checks that run at once; the cores by default."
    )
    update_checkout: bool = Field(
        False, description="Whether the user's clean checkout of the target follows a merge."
    )
    digest_tokens: _Count = Field(1500, description="Most tokens of a digest.")
    prompt_tokens: _Count = Field(6000, description="Most tokens of a prompt.")
    log_bytes: _Count = Field(50_000_000, description="Most bytes kept of one log.")
    grace_seconds: _Seconds = Field(
        5.0, description="Time a process has to end after it was asked, before it is killed."
    )
    memory_bytes: _Count = Field(
        default_factory=_half_of_memory,
        description="Most memory that the processes of one session or check hold together.",
    )
    memory_reserve_bytes: Annotated[int, Field(ge=0)] = Field(
        _GIBIBYTE // 2,
        description="Memory that must be available for one more check to start beside another.",
    )
    disk_bytes: _Count = Field(
        20 * _GIBIBYTE, description="Most disk that the files of one session or check take."
    )
    disk_reserve_bytes: Annotated[int, Field(ge=0)] = Field(
        _GIBIBYTE, description="Disk that sessions and checks must leave free."
    )
    audit_inputs: bool = Field(
        False, description="Whether checks with inputs run once more without the rest of the tree."
    )
    cache_entries: _Count = Field(
        20_000, description="Most verdicts kept for reuse; those longest unused go first."
    )
    cache_bytes: _Count = Field(
        _GIBIBYTE // 4, description="Most bytes of verdicts kept for reuse."
    )
    bell: bool = Field(True, description="Whether the dashboard rings when a person is needed.")
    notify: Literal["none", "desktop", "osc9", "osc777"] = Field(
        "none",
        description="How else a person is called: by notify-send, or by the dashboard's terminal.",
    )
    webhook: Annotated[str, AfterValidator(_webhook_url)] | None = Field(
        None, description="URL that is sent what a person is needed for, as JSON."
    )
    theme: Literal["dark", "light"] = Field("dark", description="The dashboard's theme.")
    pr_poll_seconds: Annotated[float, Field(ge=30, allow_inf_nan=False)] = Field(
        60.0, description="Time between two looks at a pull request; at least 30."
    )
    idle_exit_seconds: _Seconds = Field(
        600.0, description="Time after which a background engine without work ends; 0 never."
    )

    @property
    def allowance(self) -> Allowance:
        """What one job may take of this machine."""
        return Allowance(self.memory_bytes, self.disk_bytes, self.disk_reserve_bytes)


def load_settings(state_dir: Path, environ: Mapping[str, str]) -> Settings:
    """The settings for ``state_dir``, an absolute path.

    An empty variable counts as unset. Other ``CLERK_`` variables are let alone, as sessions have
    some, unless one looks like a misspelt setting. Raises UsageError with every problem.
    """
    default = {"database": f"sqlite:///{state_dir / 'clerk.db'}"}
    from_file = _read_file(state_dir / FILE_NAME, default)
    from_environ = _read_environ(environ, default)
    return Settings.model_validate(default | from_file | from_environ)


def _read_file(path: Path, default: Mapping[str, Any]) -> dict[str, Any]:
    """What the file sets; an absent one sets nothing."""
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} cannot be read: it is no file; move it away")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except RecursionError as error:
        raise UsageError(f"{path} is not TOML that settings need: it is nested too deep") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from error
    try:
        Settings.model_validate({**default, **values}, strict=True)
    except ValidationError as error:
        raise UsageError("\n".join(_told(f"{path}: ", str, e) for e in error.errors())) from error
    return values


def _read_environ(environ: Mapping[str, str], default: Mapping[str, str]) -> dict[str, Any]:
    """What the environment sets, as values of the right types."""
    texts = {
        name.removeprefix(PREFIX).lower(): text
        for name, text in environ.items()
        if name.startswith(PREFIX) and text
    }
    known = {name: text for name, text in texts.items() if name in Settings.model_fields}
    problems = [_misspelt(name) for name in texts.keys() - known.keys() if _similar(name)]
    try:
        settings = Settings.model_validate_strings({**default, **known})
    except ValidationError as error:
        problems += [_told("", _variable, e) for e in error.errors()]
    if problems:
        raise UsageError("\n".join(sorted(problems)))
    return settings.model_dump(include=set(known))


def _told(source: str, shown: Any, error: ErrorDetails) -> str:
    """One problem in a line: where, what was written, and the mend."""
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"{source}there is no setting {name!r}{_similar(name)}"
    return f"{source}{shown(name)} is {_cut(error['input'])}; it must be {_wanted(error)}"


def _wanted(error: ErrorDetails) -> str:
    """What may be written instead, in words of ours and not of the library."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in _BOUNDS:
        return _BOUNDS[kind].format(**context)
    return _KINDS.get(kind.partition("_")[0], "") or str(context.get("error") or error["msg"])


def _cut(value: object, most: int = 80) -> str:
    written = repr(value)
    return written if len(written) <= most else written[: most - 1] + "…"


def _variable(name: str) -> str:
    return PREFIX + name.upper()


def _misspelt(name: str) -> str:
    return f"there is no setting {_variable(name)}{_similar(name, _variable)}"


def _similar(name: str, shown: Any = str) -> str:
    near = difflib.get_close_matches(name, Settings.model_fields, n=1, cutoff=0.8)
    return f"; did you mean {shown(near[0])}?" if near else ""
