# SPDX-License-Identifier: LGPL-2.1-or-later
"""Breadth-first search through everything that can happen, so that what is found is as short as it
can be. A model is a function that gives (what happens, state after it) for each thing that can
happen next, and one that says what is wrong in a state, if anything is. States are tuples."""


def explore(first, steps, wrong, limit=2000000):
    """Returns (number of states, what is wrong or None, what happened until then)."""
    came = {state: None for state in first}
    now = list(came)
    while now:
        then = []
        for state in now:
            for what, after in steps(state):
                if after in came:
                    continue
                came[after] = (state, what)
                fault = wrong(after)
                if fault:
                    return len(came), fault, trace(came, after)
                then.append(after)
        if len(came) > limit:
            raise RuntimeError(f"more than {limit} states")
        now = then
    return len(came), None, []


def trace(came, state):
    happened = []
    while came[state]:
        state, what = came[state]
        happened.append(what)
    return happened[::-1]
