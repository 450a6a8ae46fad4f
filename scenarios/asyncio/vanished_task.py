"""Vanished task: nobody keeps the task, and it is collected as garbage in the middle of its work.

The loop keeps what is ready and what has a timer; a task that waits for something else is kept by whatever will wake
it.  Here that is a mailbox, which the post office knows only by a weak reference, so that it vanishes with its owner.
Its owner is the task.  The two hold each other, and nobody else holds either:

    alice   starts a task that waits for a letter in its mailbox
    bob     does something that has garbage collected, and those two are some
    alice   posts the letter: no mailbox is left
    task    is gone; "Task was destroyed but it is pending!" stands in the log, if anybody looks

Garbage is collected at any moment, so the letter is lost once in a thousand times, under load.  Whoever starts a task
keeps it until it has ended.
"""

import asyncio
import gc
import weakref

from lab import Scenario


class UnsafePost:
    def __init__(self):
        self.mailboxes = weakref.WeakSet()
        self.read = []

    async def wait_for_letter(self):
        mailbox = asyncio.Queue()
        self.mailboxes.add(mailbox)
        self.read.append(await mailbox.get())

    def open_mailbox(self):
        asyncio.create_task(self.wait_for_letter())  # noqa: RUF006  # that is the bug

    def deliver(self, letter):
        for mailbox in self.mailboxes:
            mailbox.put_nowait(letter)


class StillUnsafePost(UnsafePost):
    def __init__(self):
        super().__init__()
        self.tasks = weakref.WeakSet()

    def open_mailbox(self):
        self.tasks.add(asyncio.create_task(self.wait_for_letter()))  # a list of tasks that keeps none


class FixedPost(UnsafePost):
    def __init__(self):
        super().__init__()
        self.tasks = set()

    def open_mailbox(self):
        task = asyncio.create_task(self.wait_for_letter())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


async def alice(post):
    post.open_mailbox()
    await asyncio.sleep(0)  # by now the task waits
    await asyncio.sleep(0)
    post.deliver("hello")


async def bob(post):
    gc.collect(0)  # whatever makes objects may set it off


def letters_read(post):
    return len(post.read)


SCENARIO = Scenario(
    bug_class="task collected as garbage",
    cwe=(911, 825),
    unsafe=UnsafePost,
    still_unsafe=StillUnsafePost,
    fixed=FixedPost,
    actors={"alice": alice, "bob": bob},
    outcome=letters_read,
    allowed={1: "the letter is read"},
    forbidden={0: "the letter is lost, and the task with it"},
    symptoms={"leak": "the task was destroyed while it waited"},
    seen_in=(
        "CPython: a task that nobody keeps ends with GeneratorExit when garbage is collected (issue 91887)",
        "HAP-python: tasks were collected before they had ended (pull request 460)",
    ),
    hint="Who holds a strong reference to the task while it waits?",
    review=("`create_task()` whose result is dropped.", "Tasks in a `WeakSet`.", "A local variable is no reference."),
)
