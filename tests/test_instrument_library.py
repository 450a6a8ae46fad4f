"""Pure Python parts of the standard library give the same results when they are rewritten and watched."""

from __future__ import annotations

import ast
import importlib.util
import io
import sys
import types
from pathlib import Path

import pytest
from rewriting import CountingDriver, Covering, driven, rewrite, sites_in

from lab.discovery import Discovery

HERE = ast.parse(Path(__file__).with_name("rewriting_programs").joinpath("inspection.py").read_text(encoding="utf-8"))
TEXT = "The quick brown fox\n\tjumps over  the lazy dog. " * 4
VALUE = {"a": [1, 2.5, None, True, 'é\n"x"', {"b": [], "c": {}}], "long": list(range(20)), "text": TEXT}


def copied(name, blocked, rewritten):
    """A copy of a module that finds none of its C helpers; the real one stays as it is."""
    spec = importlib.util.find_spec(name)
    module = types.ModuleType(name)
    module.__file__, module.__package__ = spec.origin, spec.parent
    before = {each: sys.modules.get(each) for each in blocked}
    sys.modules.update(dict.fromkeys(blocked))
    try:
        exec(compile(Path(spec.origin).read_bytes(), spec.origin, "exec", dont_inherit=True), vars(module))
    finally:
        for each, real in before.items():
            sys.modules.pop(each)
            if real is not None:
                sys.modules[each] = real
    if rewritten:
        rewrite(vars(module))
    return module


def json_both_ways(json):
    decoder = json.JSONDecoder()
    decoder.scan_once = sys.modules["json.scanner"].py_make_scanner(decoder)
    text = json.dumps(VALUE, indent=2, sort_keys=True)
    broken = []
    for wrong in ('{"a": }', "[1, 2", '"\\x"', "{1: 2}", '{"a" 1}', "nul"):
        try:
            decoder.decode(wrong)
        except ValueError as error:
            broken.append(str(error))
    return text, decoder.decode(text), broken


def wrapped_text(textwrap):
    return (
        textwrap.wrap(TEXT, 17),
        textwrap.fill(TEXT, 30, initial_indent="* "),
        textwrap.dedent("  a\n    b\n"),
        textwrap.shorten(TEXT, 20),
    )


def differences(difflib):
    one, two = TEXT.split(), TEXT.replace("fox", "cat").replace("lazy", "").split()
    matcher = difflib.SequenceMatcher(None, TEXT, TEXT[::-1], autojunk=False)
    close = difflib.get_close_matches("appel", ["ape", "apple", "peach"])
    return list(difflib.unified_diff(one, two)), list(difflib.ndiff(one, two)), matcher.get_opcodes(), close


def heap(heapq):
    import random

    values = random.Random(3).choices(range(100), k=60)
    heapq.heapify(values)
    heapq.heappush(values, 5)
    popped = [heapq.heappop(values), heapq.heappushpop(values, 3), heapq.heapreplace(values, 7)]
    return (
        values,
        popped,
        heapq.nsmallest(3, values, key=lambda n: -n),
        heapq.nlargest(3, values),
        list(heapq.merge([1, 4], [2, 3])),
    )


def decimals(decimal):
    D = decimal.Decimal
    context = decimal.Context(prec=20)
    results = [
        D("1.10") + D(2),
        D(1) / D(7),
        D(2).sqrt(context),
        D("1e5").ln(context),
        D("-3.7").quantize(D(1)),
        D(10) ** -3,
    ]
    try:
        D(1) / D(0)
    except ZeroDivisionError as error:
        results.append(type(error).__name__)
    return list(map(str, results)), f"{D('1234.5678'):,.2f}"


def numbers_of(statistics):
    data = [1, 2, 2, 3.5, 8, 13]
    names = ("mean", "median", "mode", "stdev", "pvariance", "harmonic_mean", "quantiles", "multimode")
    return (
        [getattr(statistics, name)(data) for name in names],
        statistics.linear_regression(data, data),
        statistics.NormalDist(1, 2).cdf(3),
    )


def formatted(string):
    formatter = string.Formatter()
    template = string.Template("$a and ${b} $$")
    made = formatter.format("{0.real:>5} {k[x]!r} {2:{1}}", 5, 4, 3, k={"x": "y"}), string.capwords("a bc")
    return made, template.substitute(a=1, b=2), template.safe_substitute(a=1)


def parsed_arguments(argparse):
    parser = argparse.ArgumentParser(prog="prog", description=TEXT)
    parser.add_argument("files", nargs="*", type=str.upper)
    parser.add_argument("-n", "--number", type=int, default=3, help="a number, %(default)s")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--yes", action="store_true")
    group.add_argument("--no", action="append", choices=["a", "b"])
    sub = parser.parse_known_args(["x", "-n5", "--no", "a", "--no=b", "y", "--unknown"])
    errors = []
    for wrong in (["-n", "x"], ["--yes", "--no", "a"], ["--no", "c"]):
        parser.error = errors.append
        try:
            parser.parse_args(wrong)
        except TypeError as error:
            errors.append(type(error).__name__)
    return str(sub), parser.format_help(), errors


def tokens(tokenize):
    source = ast.unparse(HERE.body[-1]) + "\nx = f'{1}' if 0xFF else [\n 1]\n"
    return [tuple(token)[:4] for token in tokenize.generate_tokens(io.StringIO(source).readline)]


def unparsed(_ast):
    tree = ast.parse(ast.unparse(HERE))
    return ast.unparse(HERE), ast.dump(tree)[:5000], ast.literal_eval("{'a': [1, (2, -3)]}"), ast.get_docstring(HERE)


def data_classes(dataclasses):
    @dataclasses.dataclass(order=True, frozen=True)
    class Point:
        x: int
        y: int = dataclasses.field(default=0, compare=False)
        tags: list = dataclasses.field(default_factory=list, repr=False)

    class Child(Point):
        pass

    point = Point(1, 2)
    try:
        point.x = 5
    except dataclasses.FrozenInstanceError as error:
        refused = str(error)
    child = dataclasses.make_dataclass("Made", ["a", ("b", int, 3)])(1)
    other = dataclasses.replace(point, x=9)
    return (
        repr(point),
        point < other,
        dataclasses.asdict(other),
        dataclasses.astuple(point),
        refused,
        repr(child),
    )


def enumerations(enum):
    class Colour(enum.Enum):
        RED = 1
        GREEN = enum.auto()
        ALIAS = 1

        @property
        def lower(self):
            return self.name.lower()

    class Flags(enum.IntFlag):
        A = 1
        B = 2

    try:
        Colour(9)
    except ValueError as error:
        refused = str(error)
    made = enum.Enum("Made", "x y")
    members = [str(each) for each in Colour], Colour["ALIAS"].name, Colour(2).lower, refused
    return members, str(Flags.A | Flags.B), Flags(3) & Flags.A == 1, [each.value for each in made], repr(~Flags.A)


def configuration(configparser):
    parser = configparser.ConfigParser()
    parser.read_string("[a]\nx = 1\ny = %(x)s0\n long\n[b]\nz: yes\n# no\n")
    out = io.StringIO()
    parser.write(out)
    errors = []
    for wrong in ("x = 1", "[a]\n[a]", "[a]\nx", "[a]\nx=1\nx=2"):
        try:
            configparser.ConfigParser().read_string(wrong)
        except configparser.Error as error:
            errors.append(str(error))
    return (
        out.getvalue(),
        parser.getint("a", "x"),
        parser["a"]["y"],
        parser.getboolean("b", "z"),
        dict(parser["a"]),
        errors,
    )


def copies(copy):
    row = [1]
    value = {"a": [row, row, {2}], "b": (row, io)}
    deep = copy.deepcopy({"a": value["a"]})
    return deep, deep["a"][0] is deep["a"][1], copy.copy(value)["a"] is value["a"]


def pickled(pickle):
    out = io.BytesIO()
    pickle._Pickler(out, 4).dump(VALUE)
    return out.getvalue(), pickle._Unpickler(io.BytesIO(out.getvalue())).load()


def printed(pprint):
    return pprint.pformat(VALUE, width=40), pprint.pformat({(1, 2): {3}, "x": frozenset("a")}, compact=True)


def ordered(graphlib):
    sorter = graphlib.TopologicalSorter({"d": {"b", "c"}, "b": {"a"}, "c": {"a"}})
    try:
        graphlib.TopologicalSorter({1: {2}, 2: {1}}).prepare()
    except graphlib.CycleError as error:
        cycle = error.args[1]
    return [sorted(sorter.static_order())[0], cycle]


def fractions_of(fractions):
    F = fractions.Fraction
    return [str(F(3, 6) + F("0.25") ** 2), F(1.5).limit_denominator(3), F(7, 3) // 1, F(1, 3) < 0.5, round(F(7, 3), 1)]


def shell_words(shlex):
    return (
        shlex.split('a \'b c\' "d\\"e" # f', comments=True),
        shlex.join(["a b", "c"]),
        list(shlex.shlex("a=b;c", punctuation_chars=True)),
    )


def web_pages(parser):
    seen = []

    class Reader(parser.HTMLParser):
        def handle_starttag(self, tag, attrs):
            seen.append((tag, attrs))

        def handle_data(self, data):
            seen.append(data)

    Reader().feed("<p class='a' b>x &amp; y<br/><!-- c --><script>1<2</script></p>")
    return seen


LIBRARY = {
    wrapped_text: ("textwrap", ()),
    differences: ("difflib", ()),
    heap: ("heapq", ("_heapq",)),
    decimals: ("_pydecimal", ()),
    numbers_of: ("statistics", ("_statistics",)),
    formatted: ("string", ()),
    parsed_arguments: ("argparse", ()),
    tokens: ("tokenize", ()),
    data_classes: ("dataclasses", ()),
    enumerations: ("enum", ()),
    configuration: ("configparser", ()),
    copies: ("copy", ()),
    pickled: ("pickle", ()),
    printed: ("pprint", ()),
    ordered: ("graphlib", ()),
    fractions_of: ("fractions", ()),
    shell_words: ("shlex", ()),
    web_pages: ("html.parser", ()),
}
DISCOVERED = {json_both_ways: "json", unparsed: "ast", wrapped_text: "textwrap"}


@pytest.mark.parametrize("use", LIBRARY, ids=lambda use: use.__name__)
def test_rewritten_copy_of_a_library_gives_the_same_results(use):
    name, blocked = LIBRARY[use]
    expected = use(copied(name, blocked, rewritten=False))
    module = copied(name, blocked, rewritten=True)
    assert use(module) == expected
    driver = CountingDriver()
    with driven(driver):
        assert use(module) == expected
    assert driver.count > 50


@pytest.mark.parametrize("use", DISCOVERED, ids=lambda use: use.__name__)
def test_library_that_is_found_as_it_runs_gives_the_same_results(use):
    name = DISCOVERED[use]
    module = importlib.import_module(name)
    expected = use(module)
    code = use.__code__
    with Discovery((name, name.partition(".")[0])) as discovery:
        driver = Covering(discovery)
        discovery.cover(use)
        for _ in range(3):  # functions that no call announced are rewritten for the next turn
            with driven(driver):
                discovery.watch()
                got = use(module)
                discovery.unwatch()
            assert got == expected
            if not discovery.take_found():
                break
        assert driver.count > 50
        assert sites_in(use.__code__)
        assert not [told for told in discovery.uncontrolled if "could not be instrumented (" in told]
    assert use.__code__ is code
