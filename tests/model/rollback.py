# SPDX-License-Identifier: LGPL-2.1-or-later
"""The filter's start, and its way back: hooks/filter/start.c, hooks/filter/turn.c. One start, one
destroy and one define or undefine at a time, each where it stands."""

from accepted import FILTER as ACCEPTED
from host import (CRASHED, OTHER, active, daemon_restarts, define, destroy_begins, destroy_ends,
                  excuse, gives, goes_off, owners_go_on, previous, start_begins, start_ends,
                  undefine, wrong_anywhere, wrong_at_rest)

IDLE = dict(pc="", prev="", new="", known=False, late=False)


class Rollback:
    def __init__(self):
        self.met = set()

    @staticmethod
    def hook(_, state):
        return state

    def steps(self, state):
        if state.calls:
            yield from self.calls(gives(state, calls=state.calls - 1))
        if state.starter != "owner":
            yield from owners_go_on(state, self.hook)
        for kind, at in (("start", state.pc), ("destroy", state.destroy[:1]),
                         ("change", state.change_at[:1])):
            if at:
                at = at if kind == "start" else at[0]
                after = getattr(self, at)(state)
                if after:
                    yield f"{kind} at {at}", after
        if state.late and active(state):
            yield "libvirt hears late of the end of the QEMU before", self.hears_late(state)
        if state.restarts:
            after = gives(daemon_restarts(self.forgets(state)), turn="", lost=False, destroy=(),
                          change_at=(), **IDLE)
            yield "daemon restarts", after

    @staticmethod
    def forgets(state):
        state = excuse(state, "killed before it is kept", state.pc == "t6")
        state = excuse(state, "killed before it is kept", state.change_at[:1] == ("x2",))
        return gives(state, want="either") if state.destroy else state

    def calls(self, state):
        if not state.pc:
            others = {"destroy"} if state.destroy else set()
            others |= {"change"} if state.change_at else set()
            yield "owner starts", gives(state, pc="t0", acts=frozenset(others))
        if not state.destroy:
            during = state.turn == "start" and state.pc not in ("t0", "t1")
            yield "owner destroys", self.other(state, "destroy",
                                               destroy=("d1", False, during, False))
        if not state.change_at:
            if state.d:
                yield "owner undefines", self.other(state, "change", change_at=("v0",))
            letter = chr(ord(max(state.edit, state.d.lower(), state.live.lower(), "a")) + 1)
            yield "owner defines anew", self.other(state, "change", change_at=("x0", letter))
        if state.vm == "on":
            yield "guest shuts down", self.other(state, "shut", vm="shutting", want="off")

    @staticmethod
    def other(state, what, **changes):
        return gives(state, acts=state.acts | {what}, **changes)

    @staticmethod
    def hears_late(state):
        """It knows the guest only. Later than we look at the guest it is not modelled."""
        if state.starter:
            return gives(state, late=False, killed=True)
        return goes_off(gives(state, late=False), OTHER if state.vm == "shutting" else CRASHED)

    @staticmethod
    def busy(state):
        return bool(state.pc or state.destroy or state.change_at or state.starter or
                    state.vm == "shutting")

    def wrong(self, state):
        fault = wrong_anywhere(state)
        if not fault and not self.busy(state):
            fault = wrong_at_rest(state)
        if not fault:
            return None
        windows = {name for name in state.excuses if fault[:2] in ACCEPTED.get(name, ((),))[0]}
        self.met |= windows
        return None if windows else fault

    # a start

    def over(self, state, ran, error=True):
        """@error: the client is told that it has failed."""
        undisturbed = not state.acts and error
        if not ran and undisturbed and state.starts in ("old", "both") and not state.known:
            state = gives(state, fault="I5: a start fails that would not have failed without us")
        elif not ran and undisturbed and state.d.islower():
            state = gives(state, fault="I7: the policy is not put back in")
        return gives(state, turn="" if state.turn == "start" else state.turn, lost=False, **IDLE)

    def t0(self, state):
        if active(state) or not state.d:
            return self.over(state, False, error=False)
        return gives(state, pc="t1")

    def t1(self, state):
        return None if state.turn else gives(state, pc="t2", turn="start", lost=False)

    def t2(self, state):
        if active(state) or not state.d:
            return self.over(state, False, error=False)
        return gives(state, pc="t3")

    def t3(self, state):
        if not state.d:
            return self.over(state, False)
        return gives(state, pc="t7") if state.d.isupper() else gives(state, pc="t4", prev=state.d)

    def t4(self, state):
        if state.d != state.prev:
            return gives(state, pc="t7", prev="")
        return gives(state, pc="t5")

    def t5(self, state):
        return gives(define(state, state.prev.upper()), pc="t6")

    def t6(self, state):
        new = state.d or state.live
        return gives(state, pc="t7", new=new, kept=(state.prev, new))

    def t7(self, state):
        return self.start(gives(state, acts=state.acts - {"destroyed"}), "t8", "u0")

    def start(self, state, pc, failed):
        if state.vm != "off" or state.starter:
            return gives(state, pc=failed)
        missing = state.known or state.starts == "none"
        begun, after = start_begins(state, "filter", self.hook)
        return gives(after, pc=pc if begun else failed, known=missing)

    def t8(self, state):
        after = self.started(state, "t9", "u0", "up")
        return gives(after, late=after.pc == "u0" and not state.killed)

    def started(self, state, ran_at, failed, want):
        missing = state.known or state.starts == "none"
        ran, after = start_ends(state, self.hook)
        if ran:
            return gives(after, pc=ran_at, want="off" if "destroyed" in state.acts else want)
        return gives(after, pc=failed, known=missing)

    def t9(self, state):
        return self.over(gives(state, kept=()), True)

    # and back

    def gives_up(self, state):
        return self.over(state, False)

    @staticmethod
    def waits(state):
        """A destroy has not returned from libvirt yet."""
        return state.destroy[:1] in (("d1",), ("d2",))

    def u0(self, state):
        if not state.prev and not state.kept:
            return self.over(state, False)
        if self.waits(state):
            return None
        return self.gives_up(state) if state.lost else gives(state, pc="u1")

    def u1(self, state):
        return self.over(state, False) if active(state) or not state.d else gives(state, pc="u2")

    def u2(self, state):
        if state.prev and state.d == state.new:
            return gives(state, pc="u3")
        before = previous(state, state.d)
        return gives(state, pc="u3", prev=before, new=state.d) if before else self.over(state, False)

    def u3(self, state):
        if state.d != state.new:
            return self.gives_up(state)
        return gives(define(state, state.prev), pc="u4")

    def u4(self, state):
        if self.waits(state):
            return None
        return gives(state, pc="u7" if state.lost else "u5")

    def u5(self, state):
        return self.start(state, "u6", "u7")

    def u6(self, state):
        """Once more if it has failed otherwise than the first one."""
        return self.started(state, "u9", "u4" if state.killed else "u7", "either")

    def u9(self, state):
        if state.late:
            return None
        if not active(state) and state.end == CRASHED:
            return gives(state, pc="u4")
        return gives(state, pc="t9", want="up" if state.want == "either" else state.want)

    def u7(self, state):
        return gives(state, pc="u8") if state.d == state.prev else self.over(state, False)

    def u8(self, state):
        return self.over(define(state, state.new), False)

    # a destroy: (where, it has ended a start's turn, one was at work when it began, last try, how)

    def d1(self, state):
        if not active(state):
            return self.not_there(state)
        how, after = destroy_begins(state)
        return gives(after, destroy=("d2",) + state.destroy[1:4] + (how,))

    def d2(self, state):
        did, after = destroy_ends(state, state.destroy[4])
        return self.did(after) if did else self.not_there(after)

    @staticmethod
    def did(state):
        return gives(Rollback.destroyed(state), lost=state.lost or state.turn == "start")

    @staticmethod
    def destroyed(state):
        """What its owner hears: no start that is at work may bring it up any more."""
        return gives(state, destroy=(), want="off", acts=state.acts | {"destroyed"})

    def not_there(self, state):
        ends = state.turn == "start"
        _, ended, during, last = state.destroy[:4]
        state = gives(state, lost=state.lost or ends, destroy=("d3", ended or ends, during, last))
        return self.last(state) if last else state

    def d3(self, state):
        """Once more even if that start is over by now: it may have succeeded."""
        _, ended, during, _ = state.destroy
        if not (ended or state.turn == "start"):
            return self.last(state)
        return gives(state, destroy=("d1", ended, during, state.turn != "start"))

    def last(self, state):
        if state.destroy[1]:
            return self.destroyed(state)
        if (state.destroy[2] and state.starts == "old" and state.want != "off" and
                state.acts == {"destroy"}):
            state = gives(state, fault="I5: a destroy fails that would not have failed without us")
        return gives(state, destroy=())

    # a definition

    def v0(self, state):
        return None if state.turn else gives(state, turn="undefine", change_at=("v1",))

    def v1(self, state):
        if state.starter:
            return None
        if not state.d:
            return gives(state, turn="", change_at=())
        want = state.want if active(state) else "off"
        return gives(undefine(state), edit="", want=want, change_at=("v2",))

    def v2(self, state):
        return gives(state, kept=(), turn="", change_at=())

    def x0(self, state):
        at = ("x1", state.change_at[1])
        return None if state.turn else gives(state, turn="define", change_at=at)

    def x1(self, state):
        letter = state.change_at[1]
        return gives(define(state, letter.upper()), edit=letter, change_at=("x2", letter))

    def x2(self, state):
        return gives(state, kept=(state.change_at[1], state.d), turn="", change_at=())
