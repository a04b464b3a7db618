# SPDX-License-Identifier: LGPL-2.1-or-later
"""The stored definition: src/cli/repair/repair_definition.c, wg_virt_replace, `repair --previous`."""

from host import DESTROYED, UNKNOWN, active, define, excuse, gives, previous, settled, undefine

IDLE = dict(pc="", role="", why=False, seen=(), prev="", new="", known=False, tries=0, then=())
# How often a loop is gone through: what happens the second time happens the eighth time.
TRIES = 2
REPLACING = ("r4", "r5", "r6", "r7")


class Definition:
    @staticmethod
    def end(state, **changes):
        return gives(state, **{**IDLE, **changes})

    @staticmethod
    def keeping(state):
        """What was there before is not kept yet."""
        return state.pc in ("k1", "k2") or (state.pc in REPLACING and state.then[0] == "k1")

    # the definition: repair_definition.c

    def corrected(self, state, done):
        return gives(state, pc=state.then[0], then=(), why=state.why or not done, prev="", new="",
                     known=False, tries=0)

    def c0(self, state):
        return self.corrected(state, False) if state.refused else gives(state, pc="c1")

    def c1(self, state):
        return gives(state, pc="c2") if state.d else self.corrected(state, False)

    def c2(self, state):
        prev = state.d or state.live
        if not prev or prev.isupper():
            return self.corrected(state, bool(prev))
        return gives(state, pc="r1", prev=prev, new=prev.upper(), then=("k1",) + state.then)

    def k1(self, state):
        return gives(state, pc="k2", kept=(state.prev, state.new))

    def k2(self, state):
        return self.corrected(gives(state, followed=True), True)

    # wg_virt_replace

    def r1(self, state):
        now = state.d or state.live
        if not now:
            return self.replaced(state, -1)
        if now != state.prev:
            return self.replaced(state, 0)
        return gives(state, pc="r2", acts=state.acts - {"define"})

    def r2(self, state):
        """How it ended, asked after what it is: one that is made anew in between knows of no end."""
        if not state.d:
            return self.replaced(state, 0)
        return gives(state, pc="p", known=state.vm != "off" or state.end != UNKNOWN)

    def p(self, state):
        if not state.d:
            return self.replaced(state, 0)
        return gives(state, pc="r3", acts=state.acts - {"undefine"})

    def r3(self, state):
        state = excuse(state, "define", "define" in state.acts)
        state = excuse(state, "undefine", active(state) and not state.d)
        unseen = state.vm == "gone" and not state.known
        state = excuse(state, "undefine, and daemon restarted", unseen)
        return gives(define(state, state.new), pc="r4",
                     acts=state.acts - {"define", "undefine", "start"})

    def r4(self, state):
        now = state.d or state.live
        state = excuse(state, "define before reading", "define" in state.acts)
        return gives(state, pc="r5", new=now) if now else self.replaced(state, -1)

    def r5(self, state):
        state = excuse(state, "undefine and start", "start" in state.acts and not state.edit)
        if state.known and state.vm == "off" and state.end == UNKNOWN:
            return gives(state, pc="r6")
        return self.replaced(state, 1)

    def r6(self, state):
        if (state.d or state.live) != state.new:
            return self.replaced(state, 1)
        return gives(excuse(state, "define before undoing", "define" in state.acts), pc="r7")

    def r7(self, state):
        state = excuse(state, "define before undoing", state.d != state.new)
        return self.replaced(undefine(state) if state.d else state, 0 if state.d else 1)

    def replaced(self, state, rc):
        then, rest = state.then[0], state.then[1:]
        state = gives(state, known=False, then=rest, prev=state.prev if then == "k1" else "")
        if then == "a3":
            new = state.new if rc > 0 else rest[0]
            return gives(state, pc="a3" if rc > 0 else "a4", then=(), new=new, refused=rc > 0)
        if rc > 0:
            return gives(state, pc=then)
        if then == "p3":
            return self.end(state, refused=False)
        state = gives(state, prev="", new="")
        if rc == 0 and state.tries + 1 < TRIES:
            return gives(state, pc="c1", tries=state.tries + 1)
        return self.corrected(state, False)

    # winguest repair --previous, after a start that has failed

    def p0(self, state):
        return gives(state, pc="p1") if settled(state) else None

    def p1(self, state):
        if state.vm != "off" or state.end == DESTROYED:
            return self.end(state)
        if self.may_be_owners(state) and not state.doubted:
            return self.end(state, doubted=True)
        return gives(state, pc="p2")

    @staticmethod
    def may_be_owners(state):
        return state.hushed

    def p2(self, state):
        """Refused first: the filter passes what was refused."""
        before = previous(state, state.d)
        if not before:
            return self.end(state)
        return gives(state, pc="r1", prev=state.d, new=before, then=("p3",), refused=True)

    def p3(self, state):
        return self.end(self.forgets(state))

    @staticmethod
    def forgets(state):
        return gives(state, kept=(), followed=False, doubted=False)
