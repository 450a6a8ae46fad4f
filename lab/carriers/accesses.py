"""What the hooks report of accesses and calls: which are decisions, and which objects turn out to be shared."""

from __future__ import annotations

import queue
import weakref
from functools import partial
from sys import getrefcount
from types import (
    BuiltinFunctionType,
    FrameType,
    FunctionType,
    GeneratorType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any, cast

from lab.carriers.actor import ALL_WRITES, COLD, Actor, Places
from lab.carriers.ownership import references_of_private
from lab.carriers.variables import Variables
from lab.discovery import Discovery, is_modelled
from lab.hooks import ABSENT
from lab.hooks import Accesses as Touched
from lab.instrument import Site
from lab.kinds import is_a, is_from_c, name_of_type
from lab.operations import (
    CONTENTS,
    OVER_NOTHING,
    contents,
    fills_itself,
    function_effect,
    is_container,
    is_iterator,
    is_taken,
    method_writes,
    only_keeps,
    printed,
    reads_arguments,
    taken,
)
from lab.virtual import Twins
from lab.virtual.callers import CARRIERS
from lab.virtual.local import LOCAL, TEXT

if TYPE_CHECKING:
    from lab.carriers.control import Control


class Accesses(Variables):
    """The driver behind the hooks (`lab.hooks.Driver`).

    A site is hot once an object that two actors touched, one of them writing, was
    touched there.  Only hot sites are decisions; at all others accesses are
    merely noted, so that an object that comes to be shared is noticed.
    """

    __slots__ = ("_private", "twins")

    def __init__(self, discovery: Discovery, steps: int) -> None:
        super().__init__(discovery, steps)
        self._private = references_of_private()
        self.twins = Twins(cast("Control", self))  # completed by the subclass, before anything runs

    # ------------------------------------------------------------ hooks: accesses

    def touch(
        self,
        owner: object,
        key: object,
        write: bool,
        site: Site,
        value: object = ABSENT,
        more: Touched = (),
    ) -> None:
        """Before an attribute, global or cell is read or written; ``more`` is touched in the same step."""
        if self.quiet:
            if self.unwinding:
                self._touch_unwinding()
            return
        actor = self.current
        if site not in self.hot:
            self._touch_cold(actor, owner, key, write, site)
            for access in more:
                self._mark(actor, *access, site)
            return
        place = (id(owner), key)
        actor.place = place
        actor.writes = write
        actor.site = site
        actor.more = () if not more and key not in self.class_names else self._places(key, write, more)
        live = self.live
        if len(live) > 1:
            if self.waiting:
                self._decide(actor)
            else:  # the same in short
                chosen = self.choose(live, actor)
                self.choices.append(chosen.index)
                if chosen is not actor:
                    if self.locals.met or actor is self.main:
                        self._hand_over(actor, chosen)
                    else:
                        if self.texts and self.texts.get(TEXT):
                            self.late = True
                        self.current = chosen
                        chosen.resume()
        touched = self.touched
        seen = touched.get(place, 0)
        if not seen and issubclass(type(owner), LOCAL):
            self.locals.meet(owner, actor, self.main)
            return
        self.last_decision = self.quiet_steps
        self.steps += 1
        if self.steps > self.next_look:
            self._look()
        if self.events is not None:
            self.events.append((actor, place, write, actor.more, "", False, False, site))
        if self.noted or more:
            if self.recorder is not None:
                self.recorder.access(actor, owner, key, write, site, value)
            if self.class_names or more or self.sharing is not None:
                self._mark_class(actor, owner, key, write, site)
                self._mark(actor, owner, key, write, site)
                for access in more:
                    self._mark(actor, *access, site)
                return
        touched[place] = seen | (actor.wrote if write else actor.read)
        if seen & COLD:
            self._compare(actor, seen, write)

    def _places(self, key: object, write: bool, more: Touched) -> Places:
        """What a step touches beside its first place."""
        places = [((id(owner), name), writes) for owner, name, writes in more]
        if key in self.class_names:
            places.append(((id(Accesses), key), write))
        return tuple(places)

    def _touch_cold(self, actor: Actor, owner: object, key: object, write: bool, site: Site) -> None:
        """An access at a site where nothing shared has been met yet: no decision, but it is noted."""
        self.quiet_steps += 1
        if self.quiet_steps - self.last_decision > _SPIN:
            self._spin(actor)
        if self.class_names or self.sharing is not None or (write and issubclass(type(owner), type)):
            self._mark_class(actor, owner, key, write, site)
            self._mark(actor, owner, key, write, site)
            return
        place = (id(owner), key)
        touched = self.touched
        seen = touched.get(place, 0)
        if seen:
            touched[place] = seen | (actor.wrote if write else actor.read) | COLD
            if seen & actor.others:
                self._compare(actor, seen, write)
        elif issubclass(type(owner), LOCAL):
            self.locals.meet(owner, actor, self.main)
        else:
            touched[place] = (actor.wrote if write else actor.read) | COLD

    def _spin(self, actor: Actor) -> None:
        """Nothing shared was touched for long: let others have a turn, and end what never ends."""
        if self.quiet_steps > 10 * self.step_limit or self.interrupted is not None:
            self._too_long()
        self._look_at_time()
        self.last_decision = self.quiet_steps
        if self.steps == self.steps_before:  # it did not even look at a lock
            self.busy, self.watchful = self.busy + 1, 0
            waits = self.busy >= self.patience
        else:
            self.steps_before, self.busy = self.steps, 0
            self.watchful += 1
            waits = self.watchful > 1 or not self.patience
        if waits and len(self.live) > 1:
            self.busy = self.watchful = 0
            self._give_way(actor)

    def _mark_class(self, actor: Actor, owner: object, key: object, write: bool, site: Site) -> None:
        """An attribute stored on a class may be read through any instance."""
        if write and issubclass(type(owner), type) and key not in self.class_names:
            self.class_names.add(key)
            self.suspicious = self.noted = True
        if key in self.class_names:
            self._mark(actor, Accesses, key, write, site)

    def _touch_unwinding(self) -> None:
        """Code that goes on although it was told to stop gives way now and then."""
        self.stubborn_steps += 1
        more = 10_000 if self.stubborn_steps <= 50_000 else 500  # to tidy up takes a while, but not for ever
        if self.stubborn_steps % more == 0 and self.current is not self.main:
            self._pass_to(self.main)
            self.main.resume()

    def _mark(self, actor: Actor, owner: object, key: object, write: bool, site: Site) -> None:
        place = (id(owner), key)
        seen = self.touched.get(place, 0)
        if not seen and issubclass(type(owner), LOCAL):
            self.locals.meet(owner, actor, self.main)
            return
        seen |= 0 if site in self.hot else COLD
        self.touched[place] = seen | (actor.wrote if write else actor.read)
        if seen & COLD:
            self._compare(actor, seen, write)
        if self.sharing is not None:
            self.sharing.note(actor, owner, key, write, site)

    def _compare(self, actor: Actor, seen: int, write: bool) -> None:
        """Notice a place that two actors touch, one of them writing, at a site that is not hot."""
        others = seen & actor.others
        if others and (write or others & ALL_WRITES):
            self.suspicious = True

    def whole(
        self, container: object, write: bool, site: Site, detail: object = ABSENT, also: tuple[object, ...] = ()
    ) -> None:
        """Before an operation on a container, which reads ``also`` in the same step."""
        if self.quiet:
            return
        if site.kind == "next" and getrefcount(container) <= self._private and is_iterator(type(container)):
            if type(container) in OVER_NOTHING and not also:
                return
            accesses = contents(container, write)[1:]  # nobody else can have it
        else:
            accesses = contents(container, write or (fills_itself(container) and site.kind == "item"))
        if self.behind:
            accesses += self._attributes(container, write, detail, site)
        for other in also:
            accesses += taken(other, False)
            if type(other) is GeneratorType:
                self._meet_generator(other)
        if accesses:
            (owner, key, writes), *more = accesses
            if type(owner) is GeneratorType:
                self._meet_generator(owner)
            self.touch(owner, key, writes, site, detail, tuple(more))

    def resumed(self, frame: FrameType, site: Site) -> None:
        """In a generator that goes on: until it yields, whoever else tells it to go on gets an error."""
        known = self.generators.get(id(frame))
        if known is not None and not self.quiet:
            generator = known()
            if generator is not None and generator.gi_frame is frame:
                self.touch(generator, CONTENTS, True, site)

    def _meet_generator(self, generator: GeneratorType[Any, Any, Any]) -> None:
        if generator.gi_frame is not None:
            self.generators[id(generator.gi_frame)] = weakref.ref(generator)

    # ------------------------------------------------------------ hooks: calls

    def call(self, function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
        """Before any call: cover Python code, replace controlled operations, note C ones."""
        kind = type(function)
        if kind is FunctionType:
            if function is site.seen and site.seen_by is self.era:
                return function
            twin = self.twins.function(function, site)
            if twin is not None:
                return twin
            self.discovery.cover(function)
            if arguments and is_modelled(function):
                self._c_arguments(False, arguments, site, False)
            elif function.__closure__ is None:  # else what it holds would live as long as it is remembered
                site.seen, site.seen_by = function, self.era
        elif kind is MethodType:
            inner = function.__func__
            if inner is site.seen and site.seen_by is self.era:
                return function
            twin = self.twins.method(function, inner, site)
            if twin is not None:
                return twin
            self.discovery.cover(function)
            if arguments and is_modelled(inner):
                self._c_arguments(False, arguments, site, False)
            else:
                site.seen, site.seen_by = inner, self.era
        elif kind in _C_CALLABLES:
            twin = self.twins.builtin(function, site)
            if twin is not None:
                return twin
            noted = site if site.stepped else site.of_given(function.__name__)
            if noted is not None and not self.quiet:
                self._c_call(function, function.__self__, arguments, noted)
            return self.twins.handed(function, arguments, site)
        elif kind is MethodDescriptorType or kind is WrapperDescriptorType:
            if arguments:
                twin = self.twins.descriptor(function, arguments[0], site)
                if twin is not None:
                    return twin
                noted = site if site.stepped else site.of_given(function.__name__)
                if noted is not None:
                    self._c_method(function.__name__, arguments[0], arguments[1:], noted)
                return self.twins.handed(function, arguments, site)
        elif is_a(function, type):
            if function is not site.seen or site.seen_by is not self.era:
                twin = self.twins.maker(function, arguments, site)
                if twin is not None:
                    return twin
                self.discovery.cover(function)
                site.seen, site.seen_by = function, self.era
            noted = site if site.stepped else site.of_given(name_of_type(function))
            if arguments and noted is not None and not self.quiet:
                self._c_arguments(maker_effect(function), arguments, noted, is_from_c(function))
            if is_from_c(function):
                return self.twins.handed(function, arguments, site)
        else:
            twin = self.twins.carrier(function, site) if kind in CARRIERS else None
            if twin is not None:
                return twin
            self.discovery.cover(function)
            noted = site.of_given("") if kind is partial else None
            if noted is not None and not self.quiet:
                self._c_partial(function, arguments, noted)
        return function

    def _c_partial(self, function: Any, arguments: tuple[Any, ...], site: Site) -> None:
        """C code calls C code, as in ``partial(log.append, 1)()``."""
        while type(function) is partial:
            arguments = (*function.args, *arguments)
            function = function.func
        if type(function) in _C_CALLABLES:
            self._c_call(function, function.__self__, arguments, site)
        elif arguments and type(function) in (MethodDescriptorType, WrapperDescriptorType):
            self._c_method(function.__name__, arguments[0], arguments[1:], site)
        elif is_a(function, type):
            self._c_arguments(maker_effect(function), arguments, site, is_from_c(function))

    def _c_call(self, function: Any, owner: object, arguments: tuple[Any, ...], site: Site) -> None:
        if type(owner).__name__ == "module" or owner is None:
            effect = function_effect(function)
            if effect is not None:
                if function.__name__ in _ATTRIBUTE_FUNCTIONS and len(arguments) > 1:
                    self.touch(arguments[0], arguments[1], _ATTRIBUTE_FUNCTIONS[function.__name__], site)
                elif function is print:
                    (owner, key, write), *more = printed(arguments)
                    self.touch(owner, key, write, site, ABSENT, tuple(more))
                else:
                    self._c_arguments(effect, arguments, site)
        else:
            self._c_method(function.__name__, owner, arguments, site)

    def _c_method(self, name: str, owner: object, arguments: tuple[Any, ...], site: Site) -> None:
        if self.quiet:
            return
        if name in _ATTRIBUTE_METHODS and arguments:
            self.touch(owner, arguments[0], _ATTRIBUTE_METHODS[name], site)
            return
        others = tuple(argument for argument in arguments if argument is not owner and is_taken(type(argument)))
        if is_container(type(owner)):
            write = method_writes(name) or (name == "__getitem__" and fills_itself(owner))
            self.whole(owner, write, site, (name, arguments), () if only_keeps(owner, name) else others)
        else:
            self._c_arguments(False, others, site)

    def _c_arguments(
        self, effect: bool | None, arguments: tuple[Any, ...], site: Site, calls_them: bool = True
    ) -> None:
        if effect is None or self.quiet:
            return
        touched = taken if calls_them else contents
        accesses = [access for argument in arguments for access in touched(argument, effect)]
        for argument in arguments if self.behind else ():
            accesses += self._attributes(argument, effect, None, site)
        if accesses:
            for argument in arguments:
                if type(argument) is GeneratorType:
                    self._meet_generator(argument)
            (owner, key, write), *more = accesses
            self.touch(owner, key, write, site, ABSENT, tuple(more))

    def awaited(self, thing: object, site: Site) -> None:
        """Before an ``await``; tasks are told apart by what they do between them."""

    def enter(self, manager: Any, site: Site) -> Any:
        """Before a ``with`` enters ``manager``."""
        guarded = self.twins.guard(manager, site)
        kind = type(manager)
        if guarded is manager and (kind is not site.seen or site.seen_by is not self.era):
            self.discovery.cover_manager(kind)
            site.seen, site.seen_by = kind, self.era
        return guarded

    def function_made(self, function: Any) -> None:
        """A closure or lambda was made from instrumented code."""
        self.discovery.function_made(function)


_SPIN = 1_000  # accesses to nothing shared in a row, which may be a loop that waits for others
_C_CALLABLES = {BuiltinFunctionType, MethodWrapperType, type(queue.SimpleQueue().get)}
"""C methods that know their class have a type of their own."""
_ATTRIBUTE_METHODS = {"__getattribute__": False, "__setattr__": True, "__delattr__": True}
_ATTRIBUTE_FUNCTIONS = {"getattr": False, "hasattr": False, "setattr": True, "delattr": True}


def maker_effect(kind: type) -> bool | None:
    """What the C code behind a class does with the arguments of a call; None if there is none."""
    if is_from_c(kind):
        return function_effect(kind)
    return False if is_modelled(kind) or reads_arguments(kind) else None
