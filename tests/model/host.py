# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt, one guest and its owners, as far as they matter to us. Each call that libvirt answers
under the guest's lock is one step; what it does in several turns (start, destroy, migration, save)
is several. Read in libvirt 9.0: qemu_driver.c, qemu_process.c, virdomainobjlist.c.

A definition is a letter: the owner's n-th edit, a capital once the policy is in it. An early
failure of a start is one before libvirt calls the `prepare` hook: it leaves the shutoff reason of
the time before, and no other hook is called (qemuProcessInit)."""

from typing import NamedTuple

UNKNOWN, DESTROYED, FAILED, CRASHED, OTHER = "?", "destroyed", "failed", "crashed", "other"
ACTIVE = frozenset(("starting", "on", "paused", "shutting"))


class State(NamedTuple):
    # chosen at the beginning
    starts: str = "both"      # both, old: not with the policy, none: not now, never: not again
    early: bool = False       # how it fails if it does
    silent: bool = False      # QEMU says nothing of why
    # libvirt
    d: str = "a"              # the stored definition, "" if there is none
    vm: str = "starting"      # off, gone, or one of ACTIVE
    starter: str = "owner"    # whose start is at work
    id: int = 1               # of the last boot
    live: str = "a"           # what it was booted with
    fresh: bool = True
    end: str = UNKNOWN
    killed: bool = False      # QEMU was killed, and libvirt is not through with it
    job: str = ""             # mig, done, switched, resumed; save
    moved: bool = False       # libvirt knows that it was migrated away
    away: bool = False        # it runs on another host
    saved: str = ""           # a managed save of a guest that was booted with that
    snaps: bool = False
    change: int = 0           # live changes since its boot
    # owners
    paused: bool = False      # the start at work leaves it paused
    want: str = "off"         # up, off, away, either: what its owners' calls say
    edit: str = "a"           # their last definition, "" once they undefined it
    destroying: str = ""      # an owner's destroy at work: plain, starting
    calls: int = 2            # how many more they make
    deaths: int = 0           # how many more of our processes are killed
    restarts: int = 0         # how many more times the daemon is restarted
    acts: frozenset = frozenset()  # what owners did since we looked: see ACCEPTED
    excuses: frozenset = frozenset()  # the windows of ACCEPTED that were met
    fault: str = ""           # a call of an owner's failed because of us
    refusals: int = 0         # starts of owners that failed because of the policy
    # our process, at most one has the guest's lock, and what it knows
    pc: str = ""
    role: str = ""
    why: bool = False
    seen: tuple = ()
    prev: str = ""
    new: str = ""
    known: bool = False
    tries: int = 0
    then: tuple = ()
    call: str = ""            # a call of ours at work in libvirt: destroy plain or starting
    queue: frozenset = frozenset()  # processes that wait for the lock
    # the filter: the start at work is where pc says
    turn: str = ""            # who changes the guest: start, define, undefine
    lost: bool = False        # somebody's destroy has ended that start
    destroy: tuple = ()       # an owner's destroy: where it stands, and what it knows
    change_at: tuple = ()     # an owner's define or undefine: where it stands, and the letter
    late: bool = False        # libvirt has yet to hear of a failed QEMU's end, and ends the next one then
    # files
    intent: str = ""          # end, start, again
    intent_id: int = 0
    own_boot: int = 0
    kept: tuple = ()          # (previous, stored)
    followed: bool = False    # the hook is to follow its next cold start
    trying: bool = False      # it is following one
    doubted: bool = False     # one has ended as if by its owner
    refused: bool = False
    unprepared: bool = False  # our start has not come to the hook
    ours: bool = False        # it is off because we have ended it
    # QEMU's log
    hushed: bool = False      # it does not say why the last start has failed


def gives(state, **changes):
    return state._replace(**changes)


def excuse(state, window, met=True):
    return gives(state, excuses=state.excuses | {window}) if met else state


def active(state):
    return state.vm in ACTIVE


def goes_off(state, end):
    """Its QEMU is gone. Without a definition libvirt forgets all about it."""
    if state.d:
        return gives(state, vm="off", end=end, killed=False, live="", change=0, fresh=True)
    return gives(state, vm="gone", end=UNKNOWN, killed=False, live="", change=0, fresh=True,
                 moved=False, saved="", snaps=False)


def fails(state, definition):
    """Whether a boot of it would fail now."""
    return state.starts in ("none", "never") or (state.starts == "old" and definition.isupper())


def start_begins(state, who, hook):
    """Of a guest that is off. Returns (whether it got as far as to the hook, state)."""
    boots = state.saved or state.d
    if state.early and fails(state, boots):
        return False, state
    state = gives(state, vm="starting", starter=who, id=state.id + 1, live=boots, killed=False,
                  fresh=not state.saved, paused=False)
    return True, hook("prepare", state)


def start_ends(state, hook):
    """Returns (whether it runs, state). A destroy that had its turn first has left the reason."""
    if state.vm != "starting":
        return False, hook("release", gives(state, starter="", hushed=True))
    if state.killed or (state.id > 1 and fails(state, state.live)):
        state = goes_off(gives(state, starter="", hushed=state.killed or state.silent), FAILED)
        return False, hook("release", state)
    state = gives(state, vm="paused" if state.paused else "on", starter="", saved="", ours=False)
    return True, hook("started", state)


def destroy_begins(state):
    """Kills QEMU, before it waits for its turn. Returns (how, state)."""
    how = "starting" if state.vm == "starting" and not state.killed else "plain"
    return how, gives(state, killed=True)


def destroy_ends(state, how):
    """Ends whichever QEMU the guest has by now. Returns (whether it says that it did, state)."""
    if not active(state):
        return how == "starting", state
    return True, goes_off(state, DESTROYED)


def define(state, definition):
    if state.vm == "gone":
        return gives(state, vm="off", end=UNKNOWN, d=definition)
    return gives(state, d=definition)


def undefine(state):
    state = gives(state, d="")
    return state if active(state) else goes_off(state, UNKNOWN)


def settled(state):
    """No call changes the guest; a migration is not waited for."""
    return not state.starter and not state.destroying


def acted(state, what, **changes):
    return gives(state, calls=state.calls - 1, acts=state.acts | {what}, **changes)


def owners_begin(state, hook, filtered=False):
    """The calls that owners may make now and that do not fail at once."""
    if not state.calls or state.away:
        return
    quiet = not state.starter and not state.job
    up = state.vm in ("on", "paused")
    if state.vm == "off" and quiet and not filtered:
        yield from owner_starts(acted(state, "start"), hook)
    if active(state) and not state.destroying and not filtered:
        how, after = destroy_begins(acted(state, "destroy"))
        yield "owner destroys", gives(after, destroying=how)
    if state.d and quiet and not filtered:
        want = state.want if active(state) else "off"
        yield "owner undefines", gives(undefine(acted(state, "undefine")), edit="", want=want)
    if not filtered:
        letter = chr(ord(max(state.edit, state.d.lower(), state.live.lower(), "a")) + 1)
        yield "owner defines anew", gives(define(acted(state, "define"), letter), edit=letter)
    if not up or state.killed:
        return
    if state.vm == "on" and state.job in ("", "mig"):
        yield "guest shuts down", acted(state, "shut", vm="shutting", want="off")
    if not quiet:
        return
    yield "owner migrates", acted(state, "migrate", job="mig")
    if state.d:
        yield "owner saves", acted(state, "save", job="save")
        yield "owner snapshots", gives(state, calls=state.calls - 1, snaps=True)
    if not state.change:
        yield "owner changes it live", acted(state, "live", change=1)
    if state.vm == "on":
        yield "owner suspends", acted(state, "suspend", vm="paused")
    else:
        yield "owner resumes", gives(state, calls=state.calls - 1, vm="on")


def owner_starts(state, hook):
    boots = state.saved or state.d
    policy = fails(state, boots) and not fails(state, boots.lower())
    begun, after = start_begins(state, "owner", hook)
    if begun:
        yield "owner starts", after
    else:
        after = gives(after, refusals=state.refusals + (policy and not state.ours))
        yield "owner's start fails early", excuse(after, "started by both", state.ours)


def owners_go_on(state, hook):
    """What goes on by itself of what owners have begun, whatever others do."""
    if state.starter == "owner":
        policy = state.live.isupper() and state.starts == "old" and not state.killed
        ran, after = start_ends(state, hook)
        if ran:
            yield "owner's start succeeds", gives(after, want="up")
        else:
            after = gives(after, refusals=state.refusals + (policy and not state.ours))
            yield "owner's start fails", excuse(after, "started by both", state.ours)
    if state.destroying:
        did, after = destroy_ends(state, state.destroying)
        after = gives(after, destroying="")
        if did:
            yield "owner's destroy succeeds", gives(after, want="off")
        else:
            yield "owner's destroy fails", after
    if state.vm == "shutting" and not state.killed:
        yield "QEMU ends", goes_off(state, OTHER)
    if state.job:
        yield from job_goes_on(state)
    if state.starts == "none" and state.id > 1:
        yield "what it needs is there again", gives(state, starts="both")


def job_goes_on(state):
    lost = state.killed or state.vm not in ("on", "paused")
    if state.job == "mig":
        yield "migration is cancelled", gives(state, job="")
        if not lost:
            yield "QEMU has sent the guest", gives(state, job="done")
    elif state.job == "save":
        if lost:
            yield "save fails", gives(state, job="")
        elif state.d:
            after = goes_off(gives(state, job="", saved=state.live), OTHER)
            yield "save is done", gives(after, want="off")
    elif state.job == "done":
        yield "libvirt has learned that it is sent", gives(state, job="switched", moved=True)
    elif state.job == "switched":
        yield "guest runs over there", gives(state, job="resumed", away=True, want="away")
    elif lost:
        yield "migration ends", gives(state, job="")
    else:
        yield "migration ends", goes_off(gives(state, job=""), OTHER)


def daemon_restarts(state):
    """QEMU survives; one that was starting, or was killed, does not."""
    want = "either" if state.destroying else state.want
    state = excuse(state, "started by both", state.ours and state.starter == "owner")
    state = excuse(state, "migrated, and daemon restarted", state.moved)
    state = excuse(state, "daemon forgets a stop", state.want == "off" and state.end == DESTROYED)
    state = gives(state, restarts=state.restarts - 1, destroying="", call="", moved=False,
                  want=want)
    if state.vm == "starting" or state.killed:
        state = goes_off(gives(state, starter=""), CRASHED)
    elif state.vm == "off":
        state = gives(state, end=UNKNOWN)
    return gives(state, starter="")


def previous(state, now):
    """What a guest that is defined as now is to be again, "" if nothing: what was kept, or, if somebody
    has edited it since and has left the policy in it, that without the policy."""
    if not now or not state.kept:
        return ""
    return state.kept[0] if state.kept[1] == now else now.lower() if now != now.lower() else ""


def wrong_anywhere(state):
    if state.fault:
        return state.fault
    if state.away and active(state) and not state.job and not state.killed:
        return "I3: active on two hosts"
    return None


def wrong_at_rest(state):
    """Of a state in which nobody is at work."""
    if active(state) and state.want == "off":
        return "I1: runs, and its owner has stopped it"
    if active(state) and state.want == "away":
        return "I3: runs here, and was migrated away"
    if state.want == "up" and not active(state):
        return "I2: is down, and its owner wants it up"
    if state.d.lower() != state.edit:
        return f"I4: defined as '{state.d}', and its owner's last word was '{state.edit}'"
    if state.refusals > 1 + state.silent:
        return "I6: does not start because of the policy, again and again"
    return None
