"""Put a page together: one file with its style sheet and scripts inside, and a policy that allows nothing else.

The Content-Security-Policy names the digest of the one style sheet and of each script, so nothing that a program
under test calls itself can run, whatever the escaping of templates misses.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lab.report.lines import clip, printable

HOME = "lab.report.html"
"""The package whose folder holds the style sheet, the scripts and `templates`, among them ``base.html``."""

_IN_SCRIPTS = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


@functools.lru_cache(maxsize=8)
def environment(package: str = HOME) -> Environment:
    """The templates of ``package`` (a folder ``templates`` in it) and, behind them, of this one; all escape by default.

    The filters are ``text`` (one line, what cannot be printed spelt out), ``lines`` (the same of each line), ``short``
    (one line, in 200 characters) and ``data`` (JSON for a ``script`` element).
    """
    loaders = [PackageLoader(name) for name in dict.fromkeys((package, HOME))]
    found = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["text"] = lambda value: printable(str(value))
    found.filters["short"] = lambda value: clip(printable(str(value)), 200)
    found.filters["data"] = data
    found.filters["lines"] = lambda value: "\n".join(map(printable, str(value).split("\n")))
    return found


def page(
    template: str,
    *,
    package: str = HOME,
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
    connect: str = "'none'",
    **values: Any,
) -> str:
    """The page that ``template`` makes of ``values``; it extends ``base.html``.

    ``styles`` and ``scripts`` are files of ``package`` that are put into the page behind ``style.css``; a script
    that is not there is this package's, such as ``player.js``.  Each runs as a classic script when the page has
    been read, because modules are not loaded from a file.  ``connect`` is the policy's ``connect-src``.
    """
    style = "\n".join([_asset(HOME, "style.css"), *(_asset(package, name) for name in styles)])
    texts = [_asset(package, name) for name in scripts]
    policy = "; ".join(
        [
            "default-src 'none'",
            f"style-src {_digest(style)}",
            f"script-src {' '.join(map(_digest, texts)) or chr(39) + 'none' + chr(39)}",
            "img-src data:",
            f"connect-src {connect}",
            "base-uri 'none'",
            "form-action 'self'" if connect != "'none'" else "form-action 'none'",
        ]
    )
    given = {"policy": policy, "style": Markup(style), "scripts": [Markup(text) for text in texts]}
    return environment(package).get_template(template).render(**given, **values)


def data(value: Any) -> Markup:
    """``value`` as JSON that can stand inside a ``script`` element: nothing in it ends the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character, escape in _IN_SCRIPTS.items():
        text = text.replace(character, escape)
    # A lone surrogate, as in a file name that is not UTF-8, becomes JSON's own escape.
    return Markup(text.encode("utf-8", "backslashreplace").decode("utf-8"))


@functools.lru_cache(maxsize=32)
def _asset(package: str, name: str) -> str:
    for home in dict.fromkeys((package, HOME)):
        file = resources.files(home).joinpath(name)
        if file.is_file():
            return file.read_text(encoding="utf-8")
    raise FileNotFoundError(f"{package} has no {name}")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
