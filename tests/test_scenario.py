"""A scenario checks itself when it is defined: every mistake is told in one line with its remedy."""

import pytest

from lab import Scenario
from lab.errors import InvalidType, InvalidValue, LabError
from lab.scenario import KINDS, Variant, story


class Counter:
    def __init__(self):
        self.value = 0


def add_one(counter):
    counter.value += 1


def final_value(counter):
    return counter.value


FIELDS = {
    "bug_class": "atomicity violation",
    "unsafe": Counter,
    "fixed": Counter,
    "actors": {"alice": add_one, "bob": add_one},
    "outcome": final_value,
    "allowed": {2: "both counted"},
}


def defined(**changes):
    fields = {**FIELDS, **changes}
    return Scenario(**{name: value for name, value in fields.items() if value is not MISSING})


MISSING = object()


def takes_two(one, other):
    pass


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        # unknown and missing fields
        ({"alowed": {}}, InvalidType, "unknown field 'alowed'; did you mean allowed?"),
        (
            {"zzz": 1},
            InvalidType,
            "unknown field 'zzz'; the fields are bug_class, unsafe, fixed, actors, cwe, still_unsafe, variants, "
            "outcome, allowed, forbidden, symptoms, check, teardown, trace, carrier, order, cancel, on, crash, needs, seen_in, hint, review",
        ),
        ({"bug_class": MISSING}, InvalidType, "field 'bug_class' is missing; add bug_class="),
        ({"unsafe": MISSING}, InvalidType, "field 'unsafe' is missing; add unsafe="),
        ({"fixed": MISSING}, InvalidType, "field 'fixed' is missing; add fixed="),
        ({"actors": MISSING}, InvalidType, "field 'actors' is missing; add actors="),
        # words
        ({"bug_class": ""}, InvalidType, "bug_class='': give a few words, such as 'atomicity violation'"),
        ({"bug_class": None}, InvalidType, "bug_class=None: give a few words, such as 'atomicity violation'"),
        ({"cwe": 362}, InvalidType, "cwe=362: give a tuple of CWE numbers, such as (366, 362)"),
        ({"cwe": ("CWE-362",)}, InvalidType, "cwe=('CWE-362',): give a tuple of CWE numbers, such as (366, 362)"),
        ({"cwe": (0,)}, InvalidType, "cwe=(0,): give a tuple of CWE numbers, such as (366, 362)"),
        ({"cwe": (True,)}, InvalidType, "cwe=(True,): give a tuple of CWE numbers, such as (366, 362)"),
        (
            {"seen_in": "a pool"},
            InvalidType,
            "seen_in='a pool': give a tuple of strings; one string needs a comma behind it",
        ),
        ({"review": (1,)}, InvalidType, "review=(1,): give a tuple of strings; one string needs a comma behind it"),
        ({"trace": "queue"}, InvalidType, "trace='queue': give a tuple of strings; one string needs a comma behind it"),
        ({"hint": None}, InvalidType, "hint=None: give a string"),
        # outcomes and symptoms
        ({"allowed": {1, 2}}, InvalidType, "allowed={1, 2}: give a dict of outcome -> description"),
        ({"allowed": {2: None}}, InvalidType, "allowed={2: None}: give a dict of outcome -> description"),
        ({"forbidden": None}, InvalidType, "forbidden=None: give a dict of outcome -> description"),
        ({"symptoms": ["leak"]}, InvalidType, "symptoms=['leak']: give a dict of kind of failure -> description"),
        (
            {"symptoms": {"deadlok": "both wait"}},
            InvalidValue,
            "symptoms: 'deadlok' is no kind of failure; did you mean deadlock?",
        ),
        (
            {"symptoms": {3: "three"}},
            InvalidValue,
            f"symptoms: 3 is no kind of failure; choose from {', '.join(KINDS)}",
        ),
        ({"forbidden": {2: "no"}}, InvalidValue, "forbidden: outcome 2 is also in allowed; keep one"),
        (
            {"allowed": None},
            InvalidValue,
            "nothing tells right from wrong; add allowed=, forbidden=, symptoms= or check=",
        ),
        ({"outcome": None}, InvalidValue, "allowed= is given without outcome=; add outcome=, a function of the state"),
        # variants
        ({"variants": ["fixed_b"]}, InvalidType, "variants=['fixed_b']: give a dict of name -> function"),
        *(
            (
                {"variants": {name: Counter}},
                InvalidValue,
                f"variants: {name!r} does not say what it is; call it fixed_..., unsafe_... or still_unsafe_..., in "
                "letters, digits and underscores",
            )
            for name in ("broken", "fixed", "unsafe", "fixed_", "fixed/../../x", "fixed_a b", "fixed_é", 7)
        ),
        # callables
        ({"unsafe": 3}, InvalidType, "unsafe=3 cannot be called; give a function that takes no arguments"),
        ({"fixed": None}, InvalidType, "fixed=None cannot be called; give a function that takes no arguments"),
        (
            {"fixed": add_one},
            InvalidType,
            "fixed: add_one() is called with no arguments, but: missing a required argument: 'counter'; "
            "give a function that needs none, such as a lambda that fills them in",
        ),
        (
            {"still_unsafe": "Counter"},
            InvalidType,
            "still_unsafe='Counter' cannot be called; give a function that takes no arguments",
        ),
        (
            {"variants": {"fixed_b": 3}},
            InvalidType,
            "fixed_b=3 cannot be called; give a function that takes no arguments",
        ),
        (
            {"actors": {"alice": takes_two}},
            InvalidType,
            "actors['alice']: takes_two() is called with the state, but: missing a required argument: 'other'; "
            "give a function of the state alone, such as a lambda that fills in the rest",
        ),
        ({"actors": [None]}, InvalidType, "actors[0]=None cannot be called; give a function that takes the state"),
        ({"actors": add_one}, InvalidType, None),
        ({"actors": {}}, InvalidValue, "actors is empty: give at least one function of the state"),
        ({"actors": {"": add_one}}, InvalidValue, "actors: the name '' cannot be shown; use a short word"),
        ({"check": "ok"}, InvalidType, "check='ok' cannot be called; give a function that takes the state"),
        ({"teardown": 1}, InvalidType, "teardown=1 cannot be called; give a function that takes the state"),
    ],
)
def test_a_mistake_is_told_in_one_line(changes, kind, message):
    with pytest.raises(LabError) as caught:
        defined(**changes)
    assert type(caught.value) is kind
    if message is None:  # the function's repr has an address
        assert str(caught.value).startswith("Scenario: actors=<function add_one at 0x")
        assert str(caught.value).endswith(">: give a dict of name -> function, or a list of functions")
    else:
        assert str(caught.value) == f"Scenario: {message}"


def test_positional_arguments_are_refused():
    with pytest.raises(InvalidType) as caught:
        Scenario("atomicity violation", Counter, Counter, {})
    assert str(caught.value) == (
        "Scenario takes keyword arguments only, such as Scenario(bug_class=..., unsafe=..., ...)"
    )


def test_variants_come_in_reading_order():
    scenario = defined(still_unsafe=Counter, variants={"fixed_b": Counter, "unsafe_b": Counter})
    variants = scenario.every_variant()
    assert [variant.name for variant in variants] == ["unsafe", "still_unsafe", "fixed_b", "unsafe_b", "fixed"]
    assert [variant.must_fail for variant in variants] == [True, True, False, True, False]


def test_what_exploring_and_hammering_share():
    scenario = defined(forbidden={1: "one lost"}, symptoms={"exception": "it broke"})
    assert scenario.options() == {
        "check": None,
        "outcome": final_value,
        "allowed": {2: "both counted"},
        "forbidden": {1: "one lost"},
        "teardown": None,
        "cancel": False,
    }
    program = scenario.program(Variant("unsafe", Counter))
    assert program.setup is Counter
    assert program.actors == (("alice", add_one), ("bob", add_one))
    assert dict(program.descriptions) == {2: "both counted", 1: "one lost"}


def test_each_of_four_fields_tells_right_from_wrong():
    def check(counter):
        return counter.value == 2

    for field in ({"allowed": {2: "ok"}}, {"forbidden": {1: "lost"}}, {"symptoms": {"leak": "a"}}, {"check": check}):
        assert defined(**{"allowed": None, **field})


def test_the_story_is_the_docstring():
    class Module:
        __doc__ = "Lost update: a title.\n\n    An example.\n\n    The end.\n"

    assert story(Module) == ("Lost update: a title.", "An example.\n\nThe end.")
    Module.__doc__ = None
    assert story(Module) == ("", "")
