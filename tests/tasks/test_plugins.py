"""Beside pytest-asyncio and anyio's plugin, where they are installed: their tests explore, and the lab's are left alone."""

import importlib.util

import pytest

pytest_plugins = ["pytester"]

INSIDE = """
    import asyncio
    import pytest
    import lab

    class Counter:
        value = 0

    async def add(counter):
        value = counter.value
        await asyncio.sleep(0)
        counter.value = value + 1

    def explored():
        found = lab.explore(Counter, {"a": add, "b": add}, outcome=lambda counter: counter.value, allowed={2})
        assert str(found.failure) == "outcome: outcome 1 (allowed: 2)"

    def test_plain():
        explored()

    MARK
    async def test_inside_of_a_loop():
        loop = asyncio.get_running_loop()
        explored()
        assert asyncio.get_running_loop() is loop
        await asyncio.sleep(0)
"""


def has(name):
    return importlib.util.find_spec(name) is not None


@pytest.mark.parametrize(
    ("plugin", "options", "mark"),
    [
        ("pytest_asyncio", ["-o", "asyncio_mode=auto"], ""),
        ("pytest_asyncio", ["-o", "asyncio_mode=strict"], "@pytest.mark.asyncio"),
        ("anyio", [], "@pytest.mark.anyio"),
    ],
)
def test_an_exploration_inside_of_their_tests(pytester, plugin, options, mark):
    if not has(plugin):
        pytest.skip(f"{plugin} is not installed")
    pytester.makepyfile(INSIDE.replace("MARK", mark))
    pytester.makeconftest("import pytest\n\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n")
    quiet = ["-o", "asyncio_default_fixture_loop_scope=function"] if plugin != "anyio" else []
    result = pytester.runpytest_subprocess(*options, *quiet)
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_a_scenario_of_tasks_is_the_labs_own(pytester, mode):
    if not has("pytest_asyncio"):
        pytest.skip("pytest_asyncio is not installed")
    pytester.mkdir("scenarios")
    pytester.makepyfile(
        **{
            "scenarios/lost": """
        import asyncio
        from lab import Scenario

        class Unsafe:
            value = 0

        class Fixed(Unsafe):
            pass

        async def add(counter):
            if type(counter) is Fixed:
                await asyncio.sleep(0)
            value = counter.value
            if type(counter) is Unsafe:
                await asyncio.sleep(0)
            counter.value = value + 1

        SCENARIO = Scenario(
            bug_class="atomicity violation", cwe=(362,), unsafe=Unsafe, fixed=Fixed, actors={"a": add, "b": add},
            outcome=lambda counter: counter.value, allowed={2: "both"}, forbidden={1: "one"},
        )
        """
        }
    )
    loop = ["-o", "asyncio_default_fixture_loop_scope=function"]
    result = pytester.runpytest_subprocess("-o", f"asyncio_mode={mode}", *loop, "scenarios", "-v")
    result.assert_outcomes(passed=4)
