"""What the programs of this folder share.  It is loaded and rewritten together with them."""


class Box:
    def __init__(self, **values):
        self.__dict__.update(values)


class Manager:
    """Notes how it is used; swallows the exceptions it is told to."""

    def __init__(self, log, name, swallow=(), fail=""):
        self.log, self.name, self.swallow, self.fail = log, name, swallow, fail

    def __enter__(self):
        self.log.append(f"enter {self.name}")
        if self.fail == "enter":
            raise LookupError(self.name)
        return self

    def __exit__(self, kind, error, trace):
        self.log.append(f"exit {self.name} {kind and kind.__name__}")
        if self.fail == "exit":
            raise ArithmeticError(self.name)
        return kind is not None and issubclass(kind, self.swallow)

    async def __aenter__(self):
        await pause()
        return self.__enter__()

    async def __aexit__(self, kind, error, trace):
        await pause()
        return self.__exit__(kind, error, trace)


class Awaitable:
    def __await__(self):
        got = yield "paused"
        return got


def pause():
    return Awaitable()


async def asynchronous_numbers(count, log=None):
    try:
        for number in range(count):
            await pause()
            yield number
    finally:
        if log is not None:
            log.append("numbers closed")


def run(coroutine, sent=(), thrown=None):
    """Drive a coroutine by hand: what it yields, then what it gives or raises."""
    steps = []
    values = iter(sent)
    try:
        steps.append(coroutine.send(None))
        while True:
            if thrown is not None and len(steps) == 2:
                error, thrown = thrown, None
                steps.append(coroutine.throw(error))
            else:
                steps.append(coroutine.send(next(values, len(steps))))
    except StopIteration as stop:
        return steps, "gave", stop.value
    except BaseException as error:
        return steps, "raised", repr(error)


def show(*arguments, **keywords):
    return arguments, sorted(keywords.items())


def failure(function, *arguments):
    try:
        return "gave", function(*arguments)
    except Exception as error:
        return type(error).__name__, str(error)
