"""Executions that are cut short end without a word from what runs when objects end."""

from __future__ import annotations

import threading
import weakref

import lab


class Item:
    """Can be referred to weakly."""


def test_a_callback_that_takes_a_lock_while_all_is_ended(carrier, monkeypatch):
    said = []
    monkeypatch.setattr("sys.unraisablehook", said.append)

    def setup():
        return {"lock": threading.Lock(), "gate": threading.Lock()}

    def alice(state):
        item = Item()

        def ended(_):
            with state["lock"]:
                pass

        state["reference"] = weakref.ref(item, ended)
        with state["gate"], state["gate"]:
            del item

    verdict = lab.explore(setup, {"alice": alice}, carrier=carrier)
    assert verdict.failure.kind == "deadlock"
    assert said == []
