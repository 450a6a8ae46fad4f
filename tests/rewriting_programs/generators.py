"""Generators, coroutines, asynchronous generators and a real event loop."""

# ruff: noqa: C416 -- odd code is what is tested here

import asyncio
import inspect
import types

from common import Manager, asynchronous_numbers, failure, pause, run, show


def case_generators():
    log = []

    def simple(n):
        try:
            for i in range(n):
                got = yield i
                log.append(("got", got))
        except KeyError as error:
            log.append(("caught", repr(error)))
            yield "after"
        except GeneratorExit:
            log.append("closing")
            raise
        finally:
            log.append("finally")
        return "result"

    def delegating(n):
        with Manager(log, "g", (LookupError,)):
            result = yield from simple(n)
            log.append(result)
            yield show(1, (yield "inner"), *((yield "star") or ""))
        yield from [1, 2]
        return "delegated"

    def feed(generator, *commands):
        out = []
        for command, value in commands:
            try:
                out.append(getattr(generator, command)(*value))
            except BaseException as error:
                out.append(repr(error))
        return out

    send, throw, close = "send", "throw", "close"
    results = [
        feed(simple(2), (send, (None,)), (send, (5,)), (send, (6,)), (send, (7,))),
        feed(simple(2), (send, (None,)), (throw, (KeyError(1),)), (send, (1,)), (send, (1,))),
        feed(simple(2), (send, (None,)), (throw, (ValueError(1),)), (send, (1,))),
        feed(simple(2), (send, (None,)), (close, ()), (send, (1,))),
        feed(simple(2), (close, ()), (throw, (ValueError(1),))),
        feed(simple(2), (throw, (ValueError(1),)), (send, (None,))),
        feed(
            delegating(1),
            (send, (None,)),
            (send, (1,)),
            (send, (2,)),
            (send, ("xy",)),
            (send, (3,)),
            (send, (4,)),
            (send, (5,)),
        ),
        feed(delegating(2), (send, (None,)), (throw, (KeyError(1),)), (send, (1,)), (send, (2,)), (close, ())),
        feed(delegating(2), (send, (None,)), (throw, (OSError(1),)), (send, (1,))),
        feed(delegating(2), (send, (None,)), (close, ())),
        feed(delegating(2), (send, (1,))),
        list(simple(3)),
        [*delegating(0)],
    ]

    def stops():
        raise StopIteration(3)
        yield

    def states():
        generator = simple(1)
        yield inspect.getgeneratorstate(generator)
        next(generator)
        yield inspect.getgeneratorstate(generator), sorted(inspect.getgeneratorlocals(generator))
        generator.close()
        yield inspect.getgeneratorstate(generator)

    outer = delegating(2)
    next(outer)
    delegate = outer.gi_yieldfrom.__name__
    outer.close()
    return results, failure(list, stops()), list(states()), delegate, log


def case_coroutines():
    log = []

    async def work(n):
        async with Manager(log, "a", (KeyError,)) as manager:
            log.append(await pause())
            if n == 1:
                raise KeyError
            if n == 2:
                return manager.name
            async for i in asynchronous_numbers(3, log):
                if i == 1 and n == 3:
                    break
                log.append(i)
            else:
                log.append("all")
        return show([x async for x in asynchronous_numbers(2)], *[await pause() for _ in range(2)], k=await pause())

    async def nested():
        try:
            return await work(0), await asyncio.wait_for(work(2), None)
        finally:
            log.append("nested finally")

    async def raising():
        async with Manager(log, "x", (), "exit"):
            await pause()

    async def entering():
        async with Manager(log, "y", (), "enter"):
            await pause()

    results = [run(work(n)) for n in range(4)]
    results += [run(work(0), thrown=ValueError("thrown")), run(work(0), thrown=KeyError("thrown"))]
    results += [run(nested(), thrown=GeneratorExit()), run(raising()), run(entering())]
    return results, log


def case_asynchronous_comprehensions_inside_calls():
    async def inside():
        return [
            show([x async for x in asynchronous_numbers(2)]),
            show(1, {x async for x in asynchronous_numbers(2)}, *[x async for x in asynchronous_numbers(2)]),
            "-".join([str(x) async for x in asynchronous_numbers(3) if x]),
            show(k={x: await pause() async for x in asynchronous_numbers(2)}),
            [[y async for y in asynchronous_numbers(x)] for x in range(3)],
            [[y for y in range(x)] async for x in asynchronous_numbers(3)],
            [x async for x in (y async for y in asynchronous_numbers(2))],
            [await pause() for _ in range(2)],
            show(
                *[show([x async for x in asynchronous_numbers(1)])], **{"a": [x async for x in asynchronous_numbers(1)]}
            ),
            max([x async for x in asynchronous_numbers(3)], key=lambda n: -n),
        ]

    async def failing():
        return show(1, [1 / x async for x in asynchronous_numbers(2)], k=2)

    return run(inside()), run(failing()), run(inside(), thrown=OSError("thrown"))


def case_asynchronous_generators():
    log = []

    async def use():
        numbers = asynchronous_numbers(5, log)
        first = await anext(numbers)
        second = await numbers.asend(None)
        await numbers.aclose()
        other = asynchronous_numbers(5, log)
        await anext(other)
        try:
            await other.athrow(KeyError("thrown"))
        except KeyError as error:
            log.append(repr(error))
        return first, second, await anext(asynchronous_numbers(0), "default")

    return run(use()), log


def case_real_event_loop():
    async def worker(queue, out):
        while (item := await queue.get()) is not None:
            await asyncio.sleep(0)
            out.append(item)
            queue.task_done()

    async def main():
        queue, out = asyncio.Queue(), []
        lock = asyncio.Lock()
        async with asyncio.TaskGroup() as group:
            group.create_task(worker(queue, out))
            for n in range(3):
                async with lock:
                    await queue.put(n)
            await queue.put(None)
        try:
            async with asyncio.timeout(0.001):
                await asyncio.sleep(60)
        except TimeoutError:
            out.append("timeout")
        return out, await asyncio.gather(*[asyncio.sleep(0, n) for n in range(3)])

    return asyncio.run(main())


def case_coroutine_kinds():
    async def coroutine():
        return 1

    async def generator():
        yield 1

    @types.coroutine
    def old():
        return (yield 5)

    async def uses():
        return await old()

    made = coroutine()
    made.close()
    kinds = [
        inspect.iscoroutinefunction(coroutine),
        inspect.isasyncgenfunction(generator),
        inspect.isgeneratorfunction(old),
    ]
    return kinds, run(uses(), ["sent"]), failure(lambda: made.send(None))
