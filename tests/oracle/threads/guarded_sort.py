import heapq
import threading
from collections import Counter
from functools import total_ordering


@total_ordering
class Task:
    def __init__(self, rank):
        self.rank = rank

    def __eq__(self, other):
        return self.rank == other.rank

    def __lt__(self, other):
        return self.rank < other.rank


class Board:
    def __init__(self):
        self.lock = threading.RLock()
        self.tasks = [Task(2)]
        self.counts = Counter()
        self.seen = []


def setup():
    return Board()


def add(rank):
    def actor(board):
        with board.lock:
            heapq.heappush(board.tasks, Task(rank))
            board.counts += Counter([rank % 2])
            board.tasks.sort(key=lambda task: -task.rank)

    return actor


def look(board):
    with board.lock:
        board.seen.append(max(board.tasks).rank)
        board.seen.append(board.counts.most_common(1))


ACTORS = [add(1), add(3), look]


def outcome(board):
    return repr(([task.rank for task in board.tasks], sorted(board.counts.items()), board.seen))
