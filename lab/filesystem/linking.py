"""`os.link` is two steps: what is linked is looked up first, and may have no name any more when it gets another one."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from lab.filesystem.opened import IS_TOLD
from lab.filesystem.stops import Stops

_open, _close, _fstat = os.open, os.close, os.fstat  # as they were before anything was put in their place
_PATH_ONLY = getattr(os, "O_PATH", None)


def link(stops: Stops) -> Callable[[Any], Callable[..., Any]]:
    """What makes the twin."""

    def of(real: Any) -> Callable[..., Any]:
        def call(
            src: Any,
            dst: Any,
            *,
            src_dir_fd: int | None = None,
            dst_dir_fd: int | None = None,
            follow_symlinks: bool = True,
        ) -> Any:
            named = {"src_dir_fd": src_dir_fd, "dst_dir_fd": dst_dir_fd, "follow_symlinks": follow_symlinks}
            one, other = stops.path(src, src_dir_fd), stops.path(dst, dst_dir_fd)
            follows = follow_symlinks and (src_dir_fd, dst_dir_fd) != (None, None)
            how = "l" if follows else "N"
            detail = f"to {stops.label(dst)}"
            if not stops.begun or _PATH_ONLY is None or not IS_TOLD:
                stops.step("links", stops.label(src), ((one, how + "M"), (other, "N+")), detail)
                with stops.known():
                    return real(src, dst, **named)
            stops.step("looks up", stops.label(src), ((one, how),))
            flags = _PATH_ONLY | os.O_CLOEXEC | (0 if follows else os.O_NOFOLLOW)
            with stops.known():
                try:
                    fd = _open(src, flags, dir_fd=src_dir_fd)
                except OSError:
                    return real(src, dst, **named)  # which raises the same
            try:
                found = _fstat(fd)
                effects = (((found.st_dev, found.st_ino), "M"), (other, "N+"))
                stops.step("links", stops.label(src), effects, detail)
                with stops.known():
                    return real(f"/proc/self/fd/{fd}", dst, src_dir_fd=fd, dst_dir_fd=dst_dir_fd)
            except OSError as error:
                raise OSError(error.errno, os.strerror(error.errno or 0), src, None, dst) from None
            finally:
                _close(fd)

        return call

    return of
