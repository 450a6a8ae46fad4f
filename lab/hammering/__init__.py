"""What `lab.hammer` is made of: threads, noise, watching for hangs, and counting."""
