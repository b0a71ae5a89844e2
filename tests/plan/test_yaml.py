"""What YAML would do silently, and what it would cost."""

from __future__ import annotations

import pytest
import yaml

from orchestrator.plan import yaml_nodes
from orchestrator.plan.document import Item
from orchestrator.plan.yaml_guard import DEEPEST, MOST_VALUES
from orchestrator.plan.yaml_nodes import read_document


def refused(source):
    found = read_document(source)
    assert not isinstance(found, Item)
    return f"{found.spot.line}:{found.spot.column}: {found.told()}"


@pytest.fixture(params=[yaml.SafeLoader, yaml.CSafeLoader], ids=["python", "libyaml"])
def either_parser(request, monkeypatch):
    """PyYAML without its C parser must be as safe, if slower."""
    monkeypatch.setattr(yaml_nodes, "_Loader", request.param)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("", "1:1: the file is empty; a plan begins with 'clerk: 1'"),
        ("# nothing\n", "1:1: the file is empty; a plan begins with 'clerk: 1'"),
        ("- a\n", "1:1: a plan is a mapping of fields; begin it with 'clerk: 1'"),
        ("words\n", "1:1: a plan is a mapping of fields; begin it with 'clerk: 1'"),
        ("a: 1\n--- \nb: 1\n", "2:1: a second document begins; a plan is one"),
        ("a: \x00", "1:4: the file holds the control character U+0000; remove it"),
        ("a: 1\nb: \x1b[31m", "2:4: the file holds the control character U+001B; remove it"),
        ("a: x # \u202e", "1:8: the file holds the control character U+202E; remove it"),
        ("a: &x [*x]", "1:8: the alias '*x' stands inside of what it stands for"),
    ],
)
@pytest.mark.usefixtures("either_parser")
def test_a_file_that_is_no_plan_is_one_clear_error(source, told):
    assert refused(source) == told


@pytest.mark.parametrize(
    ("source", "place", "mend"),
    [
        ("a: do this: that", "1:11: no valid YAML", "write it as a block"),
        ("a: @x", "1:4: no valid YAML", "quote text that begins with '@'"),
        ("a:\n\t- b", "2:1: no valid YAML", "indent with spaces"),
        ("a: *b", "1:4: no valid YAML", "quote text that begins with '*'"),
        ("a: 'x", "1:6: no valid YAML", "close the quote"),
        ("a: [b", "2:1: no valid YAML", "close the bracket"),
        ("a: 1\n b: 2", "2:3: no valid YAML", ""),
    ],
)
def test_wrong_syntax_is_told_with_its_place_and_mend(source, place, mend):
    told = refused(source)
    assert told.startswith(place)
    assert mend in told


@pytest.mark.usefixtures("either_parser")
def test_an_alias_bomb_is_refused_before_it_expands():
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert f"more than {MOST_VALUES:,} values" in refused("\n".join(lines))


def test_aliases_that_nest_one_by_one_count_as_deep_as_they_are():
    lines = ["l0: &l0 [x]", *(f"l{n}: &l{n} [*l{n - 1}]" for n in range(1, 5000))]
    assert f"more than {DEEPEST} deep" in refused("\n".join(lines))


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
@pytest.mark.usefixtures("either_parser")
def test_depth_is_an_error_and_never_a_recursion(opening):
    assert f"more than {DEEPEST} deep" in refused("a:\n  " + opening * 200_000)


def test_the_greatest_depth_allowed_is_read():
    depth = DEEPEST - 1
    found = read_document("a: " + "[" * depth + "]" * depth)
    assert isinstance(found, Item)


def test_too_many_values_are_refused():
    assert "values" in refused("a: [" + "x," * MOST_VALUES + "]")


def test_an_alias_means_what_it_stands_for(plan_of, small):
    source = small.replace("[unit, e2e]", "&all [unit, e2e]") + (
        "  - {id: b, title: t, brief: b, done_when: *all}\n"
    )
    assert plan_of(source).tasks[1].done_when == ("unit", "e2e")


@pytest.mark.usefixtures("either_parser")
def test_equal_keys_are_told_with_both_lines(problems_of, small):
    (line,) = problems_of(small.replace("    brief:", "    title: Twice\n    brief:"))
    assert line == "p.yaml:9:5: task 'cart': 'title' is given twice; the first is on line 8"


def test_names_are_taken_as_written(plan_of, small):
    source = small.replace("unit:", "on:").replace("e2e:", "1.10:")
    source = source.replace("[unit]", '["on"]').replace("[unit, e2e]", '["on", "1.10"]')
    assert set(plan_of(source).checks) == {"on", "1.10"}


@pytest.mark.parametrize(
    ("written", "reading", "mend"),
    [
        ("no", "the truth value false", 'quote it: "no"'),
        ("On", "the truth value true", 'quote it: "On"'),
        ("1.10", "the number 1.1", 'quote it: "1.10"'),
        ("8080", "the number 8080", 'quote it: "8080"'),
        ("12:30", "the number 750", "quote it if it is text"),
        ("010", "the number 8", "quote it if it is text"),
        ("0x1F", "the number 31", "quote it if it is text"),
        (".inf", "the number inf", "quote it if it is text"),
        ("2001-01-01", "a date", "quote it if it is text"),
        ("9" * 5000, "a number", "quote it if it is text"),
    ],
)
@pytest.mark.usefixtures("either_parser")
def test_text_that_yaml_changes_is_told_with_what_it_became(
    problems_of, small, written, reading, mend
):
    (line,) = problems_of(small.replace("The cart", written))
    assert line.startswith(f"p.yaml:8:12: task 'cart': title is written {written[:40]}")
    assert f"YAML reads it as {reading};" in line
    assert mend in line
    assert len(line) < 300


@pytest.mark.parametrize("quote", ["'{}'", '"{}"', "|-\n      {}"])
@pytest.mark.parametrize("text", ["no", "1.10", "12:30", "2001-01-01", "~"])
def test_the_same_in_quotes_is_text(plan_of, small, text, quote):
    assert plan_of(small.replace("The cart", quote.format(text))).tasks[0].title == text


@pytest.mark.parametrize("written", ["1:30", "010", "0x10", "0b1"])
def test_a_number_written_strangely_is_not_believed(problems_of, small, written):
    (line,) = problems_of(small.replace("name: shop", f"name: shop\nparallel: {written}"))
    assert line.startswith(f"p.yaml:3:11: parallel is written {written} without quotes")


@pytest.mark.parametrize("tag", ["!!python/object:os.system", "!mine", "!!set", "!!binary"])
def test_tags_make_nothing(problems_of, small, tag):
    lines = problems_of(small.replace("The cart", f"{tag} x"))
    assert any("which means nothing here" in line for line in lines)


def test_merge_keys_and_lists_as_names_are_refused(problems_of, small):
    lines = problems_of(small + "<<: {a: b}\n[x]: 1\n")
    assert lines == [
        "p.yaml:11:1: '<<' is not understood here; write the fields out",
        "p.yaml:12:1: a list or mapping cannot be a name; write a word",
    ]


@pytest.mark.parametrize("escape", [r"\e[31m", r"\0", r"\u202E", r"\r", r"\x9b"])
def test_control_characters_do_not_come_in_by_escapes(problems_of, small, escape):
    lines = problems_of(small.replace("Make it.", f'"{escape}"') + f'"{escape}": 1\n')
    assert len(lines) == 2
    assert all("control character" in line and line.isprintable() for line in lines)
