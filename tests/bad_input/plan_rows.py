"""Plans that must be refused: a name, the file, where it is told, and with which words.

``SMALL`` is right; a row changes one line of it or is a file of its own.
"""

from __future__ import annotations

SMALL = """\
clerk: 1
name: shop
agent: sh
agents:
  sh: {type: command, run: "true"}
checks:
  unit: {run: "true"}
  e2e: {kind: e2e, run: "true", needs: [unit]}
tasks:
  - id: cart
    title: The cart
    brief: Make it.
    done_when: [unit, e2e]
"""


def changed(old: str, new: str) -> bytes:
    assert SMALL.count(old) == 1, old
    return SMALL.replace(old, new).encode("utf-8", "surrogatepass")


def added(line: str) -> bytes:
    """``SMALL`` with a line for the whole plan."""
    return (SMALL + line + "\n").encode()


def task(line: str) -> bytes:
    """``SMALL`` with a line for its task."""
    return (SMALL + "    " + line + "\n").encode()


def _bomb() -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    return "\n".join(lines).encode()


Row = tuple[str, bytes, tuple[str, ...]]

FILES: tuple[Row, ...] = (
    ("empty", b"", ("empty", "clerk: 1")),
    ("only_comments", b"# nothing\n", ("empty",)),
    ("only_spaces", b"  \n\n", ("empty",)),
    ("null", b"null\n", ("mapping",)),
    ("text", b"hello\n", ("mapping",)),
    ("number", b"1\n", ("mapping",)),
    ("list", b"- clerk: 1\n", ("mapping",)),
    ("two_documents", SMALL.encode() + b"---\n" + SMALL.encode(), ("second document",)),
    ("document_end_and_more", SMALL.encode() + b"...\nmore: 1\n", ("one document",)),
    ("alias_bomb", _bomb(), ("100,000 values",)),
    ("alias_in_itself", b"clerk: &a [*a]\n", ("inside of what it stands for",)),
    ("unknown_alias", added("more: *nowhere"), ("alias",)),
    ("depth_of_lists", b"clerk: " + b"[" * 20_000, ("deep",)),
    ("depth_of_mappings", b"{a: " * 20_000, ("deep",)),
    ("depth_of_blocks", b"".join(b" " * n + b"a:\n" for n in range(300)), ("deep",)),
    ("depth_of_dashes", b"- " * 20_000 + b"x", ("deep",)),
    ("too_large", b"#" * 1_000_001, ("1 MB", "split")),
    ("huge", b"a" * 50_000_000, ("1 MB",)),
    ("latin_1", changed("The cart", "Käse").decode().encode("latin-1"), ("UTF-8",)),
    ("utf_16", SMALL.encode("utf-16"), ("UTF-8",)),
    ("utf_16_without_mark", SMALL.encode("utf-16-le"), ("U+0000",)),
    ("utf_32", SMALL.encode("utf-32"), ("UTF-8",)),
    ("cut_in_a_letter", SMALL.encode() + b"# \xc3", ("UTF-8",)),
    ("overlong", SMALL.encode() + b"# \xc0\xaf", ("UTF-8",)),
    ("surrogate", changed("The cart", "\ud800"), ("UTF-8",)),
    ("nul", changed("The cart", "The\0cart"), ("U+0000",)),
    ("escape", changed("The cart", "\x1b]52;c;AA==\x07"), ("U+001B",)),
    ("c1", changed("The cart", "\x9b31m"), ("U+009B",)),
    ("bidi", changed("The cart", "\u202etrac"), ("U+202E",)),
    ("line_separator", changed("The cart", "a\u2028b"), ("U+2028",)),
    ("elf", b"\x7fELF\x02\x01\x01", ("U+007F",)),
    ("gzip", b"\x1f\x8b\x08\x00", ("UTF-8",)),
    ("json_with_comments", b'{"clerk": 1, // no\n}', ()),
    ("tab_indent", changed("  unit:", "\tunit:"), ("spaces",)),
    ("directive", b"%YAML 9.9\n---\n" + SMALL.encode(), ("YAML",)),
    ("unclosed_quote", changed("title: The cart", 'title: "The cart'), ("quote",)),
    ("unclosed_bracket", changed("[unit, e2e]", "[unit, e2e"), ()),
    ("colon_in_text", changed("The cart", "The: cart: now"), ("quote",)),
    ("at_sign", changed("The cart", "@home"), ("quote",)),
    ("percent", changed("The cart", "%home"), ("quote",)),
    ("merge_conflict", b"<<<<<<< HEAD\n" + SMALL.encode() + b"=======\n", ()),
    ("template", changed("The cart", "{{ title }}"), ()),
)

YAML: tuple[Row, ...] = (
    ("equal_keys", added("name: other"), ("'name' is given twice", "line 2")),
    ("equal_checks", changed("  unit:", '  unit: {run: "x"}\n  unit:'), ("given twice", "line 7")),
    ("equal_keys_in_a_task", task("title: Again"), ("given twice", "line 11")),
    ("equal_keys_quoted", added('"name": other'), ("given twice",)),
    ("merge_key", task("<<: {approve: true}"), ("'<<'", "write the fields out")),
    ("list_as_name", added("[a, b]: 1"), ("cannot be a name",)),
    ("mapping_as_name", added("{a: b}: 1"), ("cannot be a name",)),
    ("python_object", task("agent: !!python/object:os.system {}"), ("tag", "remove it")),
    ("python_apply", task("agent: !!python/object/apply:os.system [id]"), ("tag",)),
    ("python_name", task("agent: !!python/name:os.system"), ("tag",)),
    ("own_tag", task("agent: !secret x"), ("tag",)),
    ("binary_tag", task("agent: !!binary aGk="), ("tag",)),
    ("set_tag", task("after: !!set {a}"), ("tag",)),
    ("ordered_tag", task("after: !!omap [a: b]"), ("tag",)),
    ("lying_int_tag", task("priority: !!int high"), ()),
    ("lying_float_tag", added("budget: {cost: !!float cheap}"), ()),
    ("lying_bool_tag", task("approve: !!bool maybe"), ()),
    ("norway", changed("name: shop", "name: no"), ("truth value", 'quote it: "no"')),
    ("on_as_text", changed("The cart", "on"), ("truth value",)),
    ("version_as_text", changed("name: shop", "name: 1.10"), ("the number 1.1",)),
    ("sexagesimal", changed("The cart", "12:30"), ("750",)),
    ("sexagesimal_duration", added("budget: {wall: 1:30}"), ("quote",)),
    ("octal", changed("name: shop", "name: 0777"), ("511",)),
    ("octal_number", task("priority: 010"), ("decimal",)),
    ("hexadecimal", task("priority: 0x10"), ("decimal",)),
    ("binary", task("priority: 0b11"), ("decimal",)),
    ("exponent", changed("name: shop", "name: 1.0e+3"), ("1000",)),
    ("lying_null_tag", task("agent: !!null sh"), ("tag",)),
    ("date", changed("The cart", "2001-01-01"), ("a date",)),
    ("time", changed("The cart", "2001-01-01 10:00:00"), ("a date",)),
    ("date_that_is_none", changed("The cart", "2001-99-99"), ("a date",)),
    ("tilde", changed("name: shop", "name: ~"), ("empty",)),
    ("null_word", changed("name: shop", "name: null"), ("empty",)),
    ("nan", added("budget: {cost: .nan}"), ()),
    ("infinity", added("budget: {cost: .inf}"), ()),
    ("minus_infinity", added("budget: {cost: -.inf}"), ()),
    ("endless_number", task("priority: " + "9" * 5000), ()),
    ("number_of_twenty_digits", task("priority: 99999999999999999999"), ()),
    ("endless_float", added("budget: {cost: 1." + "1" * 5000 + "}"), ()),
    ("escape_by_escape", changed("The cart", '"\\e[31m"'), ("U+001B",)),
    ("nul_by_escape", changed("Make it.", '"\\0"'), ("U+0000",)),
    ("surrogate_by_escape", changed("Make it.", '"\\uD800"'), ()),
    ("beyond_unicode_by_escape", changed("Make it.", '"\\UFFFFFFFF"'), ()),
    ("name_with_escape", added('"\\e": 1'), ("control character",)),
)

RULES: tuple[Row, ...] = (
    ("no_version", changed("clerk: 1\n", ""), ("clerk is missing",)),
    ("version_2", changed("clerk: 1", "clerk: 2"), ("clerk",)),
    ("version_true", changed("clerk: 1", "clerk: true"), ("clerk",)),
    ("version_float", changed("clerk: 1", "clerk: 1.0"), ("write clerk: 1",)),
    ("version_text", changed("clerk: 1", 'clerk: "1"'), ("clerk",)),
    ("no_name", changed("name: shop\n", ""), ("name is missing",)),
    ("no_tasks", SMALL[: SMALL.index("tasks:")].encode(), ("tasks is missing",)),
    ("empty_tasks", (SMALL[: SMALL.index("tasks:")] + "tasks: []\n").encode(), ("tasks is empty",)),
    ("null_tasks", (SMALL[: SMALL.index("tasks:")] + "tasks:\n").encode(), ("tasks is empty",)),
    ("null_task", added("  -"), ("task 2",)),
    ("task_that_is_text", added("  - cart"), ("task 2",)),
    ("no_criteria", changed("    done_when: [unit, e2e]\n", ""), ("done_when", "criteria")),
    ("empty_criteria", changed("[unit, e2e]", "[]"), ("done_when", "criteria")),
    ("unknown_criterion", changed("[unit, e2e]", "[unti]"), ("did you mean 'unit'?",)),
    ("criterion_twice", changed("[unit, e2e]", "[unit, unit]"), ("twice",)),
    ("unknown_field", added("agnet: x"), ("did you mean 'agent'?",)),
    ("unknown_field_of_a_task", task("atfer: []"), ("did you mean 'after'?",)),
    ("unknown_field_of_a_check", changed("needs:", "need:"), ("did you mean 'needs'?",)),
    ("unknown_field_far_off", added("zzz: 1"), ("there are:",)),
    ("field_in_capitals", changed("name:", "Name:"), ("did you mean 'name'?",)),
    ("unknown_dependency", task("after: [crat]"), ("names 'crat'",)),
    ("self_dependency", task("after: [cart]"), ("itself",)),
    ("dependency_twice", task("after: [x, x]"), ("twice",)),
    (
        "cycle",
        task("after: [pay]")
        + b"  - {id: pay, title: P, brief: B, done_when: [unit], after: [ship]}\n"
        + b"  - {id: ship, title: S, brief: B, done_when: [unit], after: [cart]}\n",
        ("cart -> pay -> ship -> cart",),
    ),
    ("check_cycle", changed('unit: {run: "true"}', "unit: {run: x, needs: [e2e]}"), ("circle",)),
    ("check_needs_itself", changed("needs: [unit]", "needs: [e2e]"), ("itself",)),
    ("same_id_twice", added("  - {id: cart, title: A, brief: B, done_when: [unit]}"), ("line 10",)),
    ("id_upwards", changed("id: cart", "id: ../../x"), ("is no name",)),
    ("id_option", changed("id: cart", "id: -rf"), ("is no name",)),
    ("id_at", changed("id: cart", 'id: "@"'), ("is no name",)),
    ("id_empty", changed("id: cart", 'id: ""'), ("is no name",)),
    ("id_dot", changed("id: cart", "id: ."), ("is no name",)),
    ("id_dots", changed("id: cart", "id: a..b"), ("'..'",)),
    ("id_lock", changed("id: cart", "id: a.lock"), ("'.lock'",)),
    ("id_hidden", changed("id: cart", "id: .git"), ("is no name",)),
    ("id_capitals", changed("id: cart", "id: Cart"), ("small letters",)),
    ("id_space", changed("id: cart", "id: a b"), ("is no name",)),
    ("id_slash", changed("id: cart", "id: a/b"), ("is no name",)),
    ("id_newline", changed("id: cart", 'id: "a\\n"'), ("is no name",)),
    ("id_unicode", changed("id: cart", "id: ünï"), ("is no name",)),
    ("id_look_alike", changed("id: cart", "id: c\u0430rt"), ("is no name",)),
    ("id_long", changed("id: cart", "id: " + "a" * 300), ("is no name",)),
    ("id_zero_width", changed("id: cart", "id: ca\u200brt"), ("is no name",)),
    ("name_upwards", changed("name: shop", "name: ../x"), ("is no name",)),
    ("name_long", changed("name: shop", "name: " + "a" * 64), ("63",)),
    ("check_upwards", changed("  unit:", "  ../unit:"), ("is no name",)),
    ("agent_upwards", changed("  sh:", "  ../sh:"), ("is no name",)),
    ("title_of_two_lines", changed("The cart", '"a\\nb"'), ("one line",)),
    ("title_blank", changed("The cart", '"  "'), ("white space",)),
    ("brief_empty", changed("Make it.", '""'), ("is empty",)),
    ("brief_blank", changed("Make it.", '" \\n "'), ("white space",)),
    ("run_blank", changed('unit: {run: "true"}', 'unit: {run: " "}'), ("white space",)),
    ("target_ref", added("target: refs/heads/main"), ("cannot be a branch",)),
    ("target_option", added("target: --all"), ("cannot be a branch",)),
    ("target_range", added("target: a..b"), ("cannot be a branch",)),
    ("target_reflog", added('target: "main@{1}"'), ("cannot be a branch",)),
    ("target_head", added("target: HEAD"), ("cannot be a branch",)),
    ("target_spaces", added("target: my main"), ("cannot be a branch",)),
    ("target_ours", added("target: clerk/shop/cart"), ("target",)),
    ("target_long", added("target: " + "a" * 300), ("cannot be a branch",)),
    ("glob_upwards", task('touches: ["**/../.."]'), ("as git lists it",)),
    ("glob_absolute", task("touches: [/etc/passwd]"), ()),
    ("glob_home", task('touches: ["~/x"]'), ()),
    ("glob_open_bracket", task('touches: ["src/["]'), ()),
    ("glob_braces", task('touches: ["src/{a,b}"]'), ()),
    ("glob_negated", task('touches: ["!src"]'), ()),
    ("glob_backslash", task("touches: ['src\\x']"), ()),
    ("glob_empty", task('touches: [""]'), ("empty",)),
    ("glob_nul", task('touches: ["a\\0b"]'), ("U+0000",)),
    ("protect_upwards", added("protect: [../x]"), ()),
    ("copy_absolute", added("worktree: {copy: [/etc/shadow]}"), ("leaves the repository",)),
    ("copy_upwards", added("worktree: {copy: [a/../../b]}"), ("leaves the repository",)),
    ("copy_git", added("worktree: {copy: [.git/config]}"), (".git",)),
    ("share_git", added("worktree: {share: [.git]}"), (".git",)),
    ("share_all", added("worktree: {share: [.]}"), ()),
    ("share_home", added('worktree: {share: ["~"]}'), ("leaves the repository",)),
    ("env_equals", added('worktree: {env: {"A=B": x}}'), ("A=B",)),
    ("env_empty_name", added('worktree: {env: {"": x}}'), ("env",)),
    ("env_of_git", added("worktree: {env: {GIT_DIR: /x}}"), ("GIT_DIR",)),
    ("env_number", added("worktree: {env: {PORT: 80}}"), ('quote it: "80"',)),
    ("duration_words", added("budget: {wall: soon}"), ("write 500ms",)),
    ("duration_zero", added("budget: {wall: 0s}"), ("more than 0",)),
    ("duration_negative", added("budget: {wall: -5m}"), ("-5m",)),
    ("duration_of_years", added("budget: {wall: 9999h}"), ("at most",)),
    ("duration_huge", added("budget: {wall: 99999999999999h}"), ("is not a duration",)),
    ("duration_days", added("budget: {wall: 1d}"), ("write 500ms",)),
    ("duration_full_width", added("budget: {wall: \uff15m}"), ("is not a duration",)),
    ("tokens_zero", added("budget: {tokens: 0}"), ("more than 0",)),
    ("tokens_words", added("budget: {tokens: many}"), ("400k",)),
    ("tokens_many", added("budget: {tokens: 9999M}"), ("at most",)),
    ("tokens_fraction", added("budget: {tokens: 1.5}"), ("whole number",)),
    ("cost_zero", added("budget: {cost: 0}"), ("more than 0",)),
    ("cost_negative", added("budget: {cost: -1}"), ("more than 0",)),
    ("attempts_zero", added("budget: {attempts: 0}"), ("at least 1",)),
    ("attempts_many", added("budget: {attempts: 101}"), ("at most 100",)),
    ("parallel_zero", added("parallel: 0"), ("at least 1",)),
    ("parallel_many", added("parallel: 65"), ("at most 64",)),
    ("merge_unknown", added("merge: atuo"), ("did you mean 'auto'?",)),
    ("kind_unknown", changed("kind: e2e", "kind: e3e"), ("did you mean 'e2e'?",)),
    ("report_unknown", changed('"true", needs', '"x {report}", report: junti, needs'), ("junit",)),
    ("agent_later", changed("type: command", "type: codex"), ("later",)),
    ("report_misspelt", changed('"true", needs', '"x {reprot}", needs'), ("{report}",)),
    ("agent_unknown", changed("agent: sh", "agent: hs"), ("did you mean 'sh'?",)),
    ("agent_type_unknown", changed("type: command", "type: comand"), ("did you mean 'command'?",)),
    ("agent_without_line", changed(', run: "true"}\nch', "}\nch"), ("needs 'run'",)),
    ("agent_of_no_package", changed("type: command", 'type: "no.such:Agent"'), ("no.such",)),
    ("agent_of_no_class", changed("type: command", 'type: "os:NoAgent"'), ("NoAgent",)),
    ("agent_that_is_none", changed("type: command", 'type: "os:getcwd"'), ("os:getcwd",)),
    ("agent_placeholder", changed('run: "true"}\nch', 'run: "x {taks}"}\nch'), ("{task}",)),
    ("agent_in_quotes", changed('run: "true"}\nch', "run: \"x '{task}'\"}\nch"), ("quoted",)),
    ("agent_with_a_script", changed("type: command", "type: command, script: x"), ("script",)),
    ("replay_without_script", changed("type: command, run", "type: replay, model"), ("script",)),
    ("service_needs", added("services: {web: {run: x, needs: [bd]}, db: {run: x}}"), ("'db'",)),
    ("service_port", added("services: {web: {run: 'x {port.wbe}'}}"), ("'web'",)),
    (
        "service_circle",
        added("services: {a: {run: x, needs: [b]}, b: {run: x, needs: [a]}}"),
        ("a circle",),
    ),
    ("service_ready", added("services: {web: {run: x, ready: {within: 2s}}}"), ("exactly one",)),
    ("service_url", added("services: {web: {run: x, ready: {http: localhost}}}"), ("http://",)),
    ("service_tcp", added("services: {web: {run: x, ready: {tcp: here}}}"), ("127.0.0.1:8080",)),
    ("variants_later", task("variants: 3"), ("later version",)),
)

ROWS = (*FILES, *YAML, *RULES)
