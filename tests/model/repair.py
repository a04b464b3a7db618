# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the hook leaves behind: src/cli/repair*.c, src/common/marks.c. A step is a call of libvirt's, or
a file; its name is where a process stands before it."""

from accepted import REPAIR as ACCEPTED
from definition import IDLE, REPLACING, TRIES, Definition
from host import (CRASHED, DESTROYED, FAILED, OTHER, UNKNOWN, active, daemon_restarts,
                  destroy_begins, destroy_ends, excuse, gives, owners_begin, owners_go_on,
                  previous, settled, start_begins, start_ends, wrong_anywhere, wrong_at_rest)


class Repair(Definition):
    """cold_start = repair, or correct."""

    def __init__(self, restarts_guests=True):
        self.restarts_guests = restarts_guests
        self.met = set()

    # hooks

    def hook(self, operation, state):
        if operation == "prepare":
            intent = "" if state.intent != "again" else state.intent
            restoring = state.role == "previous" or "previous" in state.queue
            state = excuse(state, "started before it is restored", restoring)
            state = excuse(state, "started before it is kept", self.keeping(state))
            return gives(state, intent=intent, trying=state.followed and state.fresh,
                         unprepared=False)
        if operation == "release":
            return self.failed(gives(state, trying=False)) if state.trying else state
        if state.trying:
            state = self.forgets(gives(state, trying=False))
        if state.fresh and state.live.islower():
            state = self.wait(state, ("worker", state.id))
        return state

    def failed(self, state):
        """Still followed: whatever ends --previous, the next start that fails asks for it anew."""
        return self.wait(state, "previous")

    @staticmethod
    def wait(state, who):
        return gives(state, queue=state.queue | {who})

    # all that can happen

    def steps(self, state):
        yield from owners_begin(state, self.hook)
        yield from owners_go_on(state, self.hook)
        yield from self.of_libvirt(state)
        if state.pc:
            after = getattr(self, state.pc)(state)
            if after:
                yield f"{state.role} at {state.pc}", after
            if state.deaths:
                yield from self.dies(state)
        else:
            yield from self.begins(state)
        if state.restarts and not state.job:
            yield "daemon restarts", self.loses_connection(daemon_restarts(state))

    def begins(self, state):
        for who in state.queue:
            then = gives(state, queue=state.queue - {who})
            if who == "previous":
                yield "previous begins", gives(then, role=who, pc="p0")
            else:
                yield "worker begins", gives(then, role=who[0], pc="w0", seen=(who[1],))
        if state.intent and state.vm != "gone":
            yield "pending begins", gives(state, role="pending", pc="f0")

    def dies(self, state):
        dead = excuse(gives(state, deaths=state.deaths - 1, **IDLE), "killed in destroy",
                      state.pc == "e7")
        dead = excuse(dead, "undefine, and killed", state.pc in REPLACING and not state.edit)
        dead = excuse(dead, "start", state.pc in ("s3", "s4") and "start" in state.acts)
        dead = excuse(dead, "started before it is kept", self.keeping(state))
        dead = excuse(dead, "killed before destroy", state.pc in ("e4", "e45", "e5", "e6"))
        if state.role == "worker" and self.restarts_guests:
            yield f"worker dies at {state.pc}", gives(dead, role="guard", pc="f0")
        dead = excuse(dead, "all killed in start", state.pc in ("s3", "s4", "a0"))
        dead = excuse(dead, "killed before it is restored", state.role == "previous")
        yield f"all die at {state.pc}", excuse(dead, "all killed after destroy",
                                                  state.pc in ("e8", "e9"))

    def of_libvirt(self, state):
        """What libvirt goes on with for one of us that is dead."""
        if state.call and state.pc != "e7":
            did, after = destroy_ends(state, state.call)
            after = gives(after, call="", ours=did)
            yield "dead worker's destroy ends", excuse(after, "undefine", not after.d)
        if state.starter == "ours" and state.pc != "s4":
            window = state.killed and state.vm == "starting"
            yield "dead worker's start ends", excuse(start_ends(state, self.hook)[1],
                                                     "destroyed in a dead's start", window)

    def loses_connection(self, state):
        """A call that was at work fails, as does what uses the same connection without a look."""
        state = excuse(state, "started before it is kept", self.keeping(state))
        state = excuse(state, "killed before it is restored", state.role == "previous")
        if state.pc in ("r2", "p", "r3") + REPLACING:
            state = excuse(state, "undefine, and killed", state.pc in REPLACING and not state.edit)
            return self.replaced(state, -1)
        if state.pc == "e7":
            state = excuse(gives(state, ours=not active(state), acts=state.acts - {"undefine"}),
                           "undefine", not state.d)
        return gives(state, pc={"e7": "e9", "s4": "a0"}.get(state.pc, state.pc))

    def busy(self, state):
        waits = state.pc == "w3" and state.vm == "paused" and not state.starter
        return bool((state.pc and not waits) or state.queue or state.call or state.starter or
                    state.destroying or state.job or state.vm == "shutting" or
                    (state.intent and state.vm != "gone"))

    def wrong(self, state):
        fault = wrong_anywhere(state)
        if not fault and not self.busy(state):
            fault = wrong_at_rest(state) or self.stuck(state)
        return fault and self.excused(state, fault)

    @staticmethod
    def stuck(state):
        """Whether nobody would restore it after its next start."""
        if (state.starts == "old" and state.refusals and state.d.isupper() and
                not (state.followed and state.kept)):
            return "I6: does not start because of the policy, and nobody restores it"
        return None

    def excused(self, state, fault):
        """What delays a restoring is no excuse for one that never comes."""
        if fault.endswith("nobody restores it"):
            state = gives(state, excuses=state.excuses - {"started before it is restored",
                                                          "killed before it is restored"})
        windows = {name for name in state.excuses if fault[:2] in ACCEPTED.get(name, ((),))[0]}
        self.met |= windows
        return None if windows else fault

    # what a process sees

    def others(self, state):
        return self.end(state, intent="")

    @staticmethod
    def why_not_now(state, boot):
        return (state.vm != "on" or state.id != boot or not state.d or not state.fresh or
                bool(state.job) or state.moved or state.snaps or state.saved)

    @staticmethod
    def why_not_ours(state):
        return (state.vm == "gone" or active(state) or state.moved or state.end == OTHER or
                state.saved)

    @staticmethod
    def defined_anew(state):
        """A definition that its owner has removed and made since knows of no end."""
        return state.end == UNKNOWN and state.d != state.new

    def is_ours(self, state, pc):
        if self.why_not_ours(state):
            return self.others(state)
        if self.defined_anew(state):
            window = "edited, and daemon restarted"
            return self.others(excuse(state, window, "undefine" not in state.acts))
        return gives(state, pc=pc, seen=(), acts=state.acts - {"undefine"})

    def allowed(self, state):
        return state.starts != "never"

    # the worker: repair_restart.c

    def w0(self, state):
        if not settled(state):
            return None
        if not self.restarts_guests:
            return gives(state, pc="c0", then=("done",))
        return gives(state, pc="w1")

    def w1(self, state):
        if not active(state) or state.id != state.seen[0]:
            return self.end(state)
        return gives(state, pc="w2")

    def w2(self, state):
        if not state.live and not state.d:
            return self.end(state)
        return gives(state, pc="w3", seen=(state.seen[0], state.live or state.d, state.change))

    def w3(self, state):
        """A guest that was started paused belongs to its client until that resumes it."""
        paused = state.vm == "paused" and state.fresh and state.id == state.seen[0]
        return None if paused or not settled(state) else gives(state, pc="w4")

    def w4(self, state):
        if not active(state) or state.id != state.seen[0] or state.seen[1].isupper():
            return self.end(state)
        why = self.why_not_now(state, state.seen[0]) or state.own_boot == state.seen[0]
        return gives(state, pc="c0", why=why or not self.allowed(state), then=("n0",))

    def done(self, state):
        return self.end(state)

    def n0(self, state):
        return gives(state, pc="n1", why=state.why or self.why_not_now(state, state.seen[0]))

    def n1(self, state):
        """What it ran with when we first looked must be what it was defined with."""
        if state.why or state.seen[2] or not state.kept or state.kept[1] != (state.d or state.live):
            return self.end(state)
        return gives(state, pc="e0", prev="", new="", tries=0)

    def e0(self, state):
        return gives(state, pc="e1") if settled(state) else None

    def e1(self, state):
        if self.why_not_now(state, state.seen[0]):
            return self.end(state)
        return gives(state, pc="e3", acts=frozenset())

    def e3(self, state):
        return gives(state, pc="e4", intent="end", intent_id=state.seen[0])

    def e4(self, state):
        if self.why_not_now(state, state.seen[0]):
            return self.others(state)
        return gives(state, pc="e45", acts=frozenset())

    def e45(self, state):
        if state.seen[1:] != (state.live or state.d, state.change):
            return self.others(state)
        return gives(state, pc="e5", acts=state.acts - {"live"})

    def e5(self, state):
        if not active(state) or state.id != state.seen[0]:
            return self.not_running(state)
        return gives(state, pc="e6")

    def e6(self, state):
        if not active(state):
            return self.not_running(state)
        state = excuse(state, "another boot", state.id != state.seen[0])
        how, after = destroy_begins(state)
        return gives(self.takes_away(after), call=how, pc="e7")

    def takes_away(self, state):
        """What our destroy undoes that was there when we looked last is our fault."""
        undone = {"migrate": state.job in ("mig", "done"), "save": state.job == "save",
                  "suspend": state.vm == "paused", "shut": state.vm == "shutting",
                  "live": state.change > 0}
        for what in (what for what, is_so in undone.items() if is_so):
            if what in state.acts and what in ACCEPTED:
                self.met |= {what} if "I5" in ACCEPTED[what][0] else set()
                state = excuse(state, what, what == "shut")
            elif "destroy" not in state.acts:
                return gives(state, fault=f"I5: our destroy undoes a {what}")
        return state

    def not_running(self, state):
        return self.others(state)

    def e7(self, state):
        did, after = destroy_ends(state, state.call)
        if not did:
            return self.not_running(gives(after, call=""))
        after = gives(excuse(after, "another boot", state.id != state.seen[0]),
                      acts=after.acts - {"undefine"})
        return excuse(gives(after, call="", pc="e8", ours=True), "undefine", not state.d)

    def e8(self, state):
        """Not written anew: a start since has made it void."""
        if not state.intent:
            return self.others(state)
        return gives(state, pc="s1", intent="start", new=state.kept[1] if state.kept else state.d)

    def e9(self, state):
        if active(state) and state.id == state.seen[0]:
            return None if state.killed else self.others(state)
        if state.vm == "off" and state.end != DESTROYED:
            return gives(state, pc="e8")
        return self.others(excuse(state, "undefine", not state.d))

    # from its end to its start: repair_finish.c

    def s1(self, state):
        """libvirt knows of a migration's end some moments after QEMU: it is waited for."""
        if state.job == "done":
            return None
        return self.is_ours(state, "s2")

    def s2(self, state):
        if not state.intent:
            return self.others(state)
        return gives(state, pc="s3", intent="again", unprepared=True, acts=state.acts - {"start"})

    def s3(self, state):
        if state.starter or state.job:
            return None
        if state.vm != "off":
            return self.others(state)
        state = excuse(excuse(state, "start", "start" in state.acts), "undefine and define",
                       "undefine" in state.acts)
        begun, after = start_begins(state, "ours", self.hook)
        if begun:
            return gives(after, pc="s4")
        return self.not_started(state, state)

    def s4(self, state):
        ran, after = start_ends(state, self.hook)
        if not ran and self.ended(state):
            return self.others(after)
        return gives(after, pc="b1") if ran else self.not_started(state, after)

    @staticmethod
    def ended(state):
        """By somebody's destroy, as the error of the start tells (names_cause)."""
        return state.killed or state.vm != "starting"

    def not_started(self, before, state):
        if state.tries == TRIES:
            return self.others(excuse(state, "DOWN", before.starts == "none"))
        return gives(state, pc="a0", tries=state.tries + 1)

    def a0(self, state):
        """From here on a start of somebody else's makes it void again."""
        state = excuse(state, "start", "start" in state.acts)
        return gives(state, pc="a1", intent="retry")

    def stopped(self, state):
        """A failure before the hook leaves the reason of our own destroy."""
        return state.end == DESTROYED and not state.unprepared and not active(state)

    def a1(self, state):
        return self.others(state) if self.stopped(state) else self.is_ours(state, "a2")

    def a2(self, state):
        now = state.d or state.live
        before = previous(state, now)
        if not before:
            return gives(state, pc="a4")
        return gives(state, pc="r1", prev=now, then=("a3", state.new), new=before, refused=True)

    def a3(self, state):
        return self.forgets(gives(state, pc="a4"))

    def a4(self, state):
        return self.others(state) if self.stopped(state) else self.is_ours(state, "s2")

    def b1(self, state):
        return gives(state, pc="b2", own_boot=state.id if active(state) else state.own_boot)

    def b2(self, state):
        return self.others(state)

    # who comes after a dead worker

    def f0(self, state):
        if not state.intent or state.vm == "gone":
            return self.end(state)
        return gives(state, pc="f1") if state.intent != "again" or settled(state) else None

    def f1(self, state):
        up = active(state) and state.id == state.intent_id
        if state.intent == "end" and up:
            return gives(state, pc="f2", why=True)
        return self.finish(state, up)

    def f2(self, state):
        up = active(state) and state.id == state.intent_id
        if up and state.killed:
            return None
        return self.finish(gives(state, why=state.end != CRASHED), up)

    def not_ended_by_us(self, state):
        if state.intent == "end" and (state.role == "pending" or state.why):
            return True
        return state.intent in ("again", "retry") and self.stopped(state)

    def finish(self, state, up):
        if up or self.why_not_ours(state) or self.not_ended_by_us(state):
            return self.others(state)
        state = gives(state, why=False, new=state.kept[1] if state.kept else state.d)
        state = excuse(state, "all killed, and restored", not state.kept and state.end == UNKNOWN)
        if state.intent in ("again", "retry") and state.end == FAILED:
            return gives(state, pc="a0", tries=1)
        return gives(state, pc="s1", intent="start") if state.intent else self.others(state)
