"""The kinds of single values a plan is made of, each with its rule and its place in the schema.

Durations are seconds, sizes tokens, cost US dollars. What a value means is the field's affair
(``model``); nothing here knows of another value.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from orchestrator.plan.globs import check_glob
from orchestrator.plan.values import (
    LONGEST_SECONDS,
    MOST_TOKENS,
    NAME,
    check_branch,
    check_host,
    check_inside,
    check_lent,
    check_name,
    check_not_blank,
    check_one_line,
    check_variable,
    parse_duration,
    parse_tokens,
)

_DURATION_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST_SECONDS},
        {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?(ms|s|m|h)\s*$"},
    ]
}
_TOKENS_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "integer", "exclusiveMinimum": 0, "maximum": MOST_TOKENS},
        {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?[kM]\s*$"},
    ]
}

Text = Annotated[str, StringConstraints(min_length=1), AfterValidator(check_not_blank)]
Line = Annotated[Text, AfterValidator(check_one_line)]
Name = Annotated[
    str,
    AfterValidator(check_name),
    WithJsonSchema({"type": "string", "pattern": NAME.pattern}),
]
"""A name that is safe as a ref component, a folder and a word on the command line."""

Variables = dict[Annotated[str, AfterValidator(check_variable)], str]
Lent = Annotated[Text, AfterValidator(check_lent)]
Variable = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"),
]
Remote = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"),
]
"""The name of one of git's remotes; never a URL."""
Host = Annotated[Text, AfterValidator(check_host)]
Branch = Annotated[Text, AfterValidator(check_branch)]
Glob = Annotated[Text, AfterValidator(check_glob)]
Inside = Annotated[Text, AfterValidator(check_inside)]
Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(gt=0, le=LONGEST_SECONDS),
    WithJsonSchema(_DURATION_SCHEMA),
]
Tokens = Annotated[
    int,
    BeforeValidator(parse_tokens),
    Field(gt=0, le=MOST_TOKENS),
    WithJsonSchema(_TOKENS_SCHEMA),
]
Attempts = Annotated[int, Field(ge=1, le=100)]
Dollars = Annotated[float, Field(gt=0)]


class Strict(BaseModel):
    """Base of all plan models."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
