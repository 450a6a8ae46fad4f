"""The catalogue as a static site, opened from the file system, with the evil-scheduler game on the page of a scenario.

`gathering` explores, hammers and charts one scenario in a process of its own; `building` asks it for what has changed
and writes the pages; `pages` says what is on them, `playing` packs graphs for the game, `glossary` has the words.
"""
