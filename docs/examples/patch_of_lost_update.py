import threading


class UnsafeCounter:
    def __init__(self):
        self.value = 0
        self._lock = threading.Lock()

    def increment(self):
        with self._lock:
            current = self.value
        with self._lock:
            self.value = current + 1
