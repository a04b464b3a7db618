# SPDX-License-Identifier: LGPL-2.1-or-later
"""Repairs and rollbacks that are wrong: each must be found."""

from host import DESTROYED, active, gives, start_begins
from repair import Repair
from rollback import Rollback

ALL = []


def broken(**budget):
    def add(kind):
        model = kind()
        ALL.append((Rollback if isinstance(model, Rollback) else Repair, budget, model))
        return kind
    return add


@broken(calls=1)
class NotRunning(Repair):
    """not running counts as our destroy"""

    def not_running(self, state):
        return gives(state, pc="e8", ours=True, call="")


@broken(calls=2)
class Void(Repair):
    """started though a start since has made the intent void"""

    def e8(self, state):
        return gives(state, pc="s1", intent="start", new=state.kept[1] if state.kept else state.d)


@broken(calls=1)
class Ghost(Repair):
    """an undefined guest is created from its XML"""

    def why_not_ours(self, state):
        return state.vm != "gone" and super().why_not_ours(state)

    def s3(self, state):
        if state.vm == "gone":
            return gives(start_begins(state, "ours", self.hook)[1], pc="s4", live="A")
        return super().s3(state)


@broken(calls=1, deaths=1)
class Pending(Repair):
    """pending obeys no reason"""

    def not_ended_by_us(self, state):
        return False

    def stopped(self, state):
        return False


@broken(calls=1)
class NoCompare(Repair):
    """no compare before the define"""

    def r1(self, state):
        if not state.d and not state.live:
            return self.replaced(state, -1)
        return gives(state, pc="r2", acts=state.acts - {"define"})


@broken(calls=1)
class MadeAgain(Repair):
    """a definition that our define has made again stays"""

    def r5(self, state):
        return self.replaced(state, 1)


@broken(calls=1)
class Devices(Repair):
    """nobody asks whether its devices come back"""

    def allowed(self, state):
        return True


@broken(calls=1)
class Live(Repair):
    """live changes are not compared"""

    def e45(self, state):
        return gives(state, pc="e5")


@broken(calls=1)
class LiveAtFirst(Repair):
    """live changes from before the first look are not looked for"""

    def w2(self, state):
        after = super().w2(state)
        return gives(after, seen=after.seen[:2] + (0,)) if len(after.seen) > 2 else after

    def e45(self, state):
        return gives(state, pc="e5")


@broken(calls=2)
class Ended(Repair):
    """nobody asks whether a destroy has ended our start"""

    @staticmethod
    def ended(state):
        return False


@broken(calls=1)
class Job(Repair):
    """jobs are not looked at"""

    @staticmethod
    def why_not_now(state, boot):
        return Repair.why_not_now(gives(state, job=""), boot)


@broken(calls=1)
class Migrated(Repair):
    """what libvirt learns of a migration after QEMU's end is not waited for"""

    def s1(self, state):
        return self.is_ours(state, "s2")


@broken(calls=1, deaths=1)
class NoGuard(Repair):
    """no guard, and no pending"""

    def dies(self, state):
        return list(super().dies(state))[-1:]

    def busy(self, state):
        return super().busy(gives(state, intent=""))

    def begins(self, state):
        return super().begins(gives(state, intent=""))


@broken(calls=1)
class NoWayBack(Repair):
    """a guest that does not start is not restored"""

    def a2(self, state):
        return gives(state, pc="a4")


# What the code did when this was written.


@broken(calls=1, restarts=1)
class Revived(Repair):
    """the connection is made anew within a replace"""

    def loses_connection(self, state):
        return state if state.pc in ("p", "r3") else super().loses_connection(state)


@broken(calls=2)
class Early(Repair):
    """a start that fails before the hook leaves the reason of our own destroy"""

    def stopped(self, state):
        return state.end == DESTROYED and not active(state)


@broken(calls=2)
class Retry(Repair):
    """between its tries nobody makes the claim void"""

    def a0(self, state):
        return gives(state, pc="a1", intent="end", acts=state.acts - {"start"})

    def stopped(self, state):
        return False


@broken(calls=2)
class Anew(Repair):
    """one that was undefined and defined anew is started"""

    @staticmethod
    def defined_anew(state):
        return False


@broken(deaths=1, calls=1)
class StartAtWork(Repair):
    """who comes after a worker that died in its start does not wait for that"""

    def f0(self, state):
        if not state.intent or state.vm == "gone":
            return self.end(state)
        return gives(state, pc="f1")


@broken(calls=2, deaths=1)
class GivesUp(Repair):
    """a start that has failed is not followed again"""

    def __init__(self):
        super().__init__(False)

    def failed(self, state):
        return self.wait(gives(state, followed=False), "previous")


@broken(calls=4)
class NoDoubt(Repair):
    """a start that its owner may have ended is never the policy's failure"""

    def __init__(self):
        super().__init__(False)

    def p1(self, state):
        return self.end(state) if self.may_be_owners(state) else super().p1(state)


@broken(restarts=1, calls=1)
class RestoredOnce(Repair):
    """what fails to be restored is not restored at the next try"""

    def a2(self, state):
        return gives(state, pc="a4") if state.tries > 1 else super().a2(state)


# The filter


@broken(calls=2)
class AnyFailure(Rollback):
    """rolled back whatever the start failed of"""

    def u0(self, state):
        return gives(state, pc="u1") if state.prev or state.kept else self.over(state, False)

    def u4(self, state):
        return gives(state, pc="u5")


@broken(calls=2)
class NotAtAll(Rollback):
    """not rolled back"""

    def u0(self, state):
        return self.over(state, False)


@broken(calls=1)
class NotAgain(Rollback):
    """a start as it was that libvirt ends is not tried again"""

    def u6(self, state):
        return self.started(state, "u9", "u7", "either")


@broken(calls=1)
class NoLook(Rollback):
    """nobody looks whether the guest that was started as it was stays up"""

    def u6(self, state):
        return self.started(state, "t9", "u4" if state.killed else "u7", "up")


@broken(calls=1)
class PolicyStaysOut(Rollback):
    """the policy stays out after both have failed"""

    def u7(self, state):
        return self.over(state, False)


@broken(calls=2, restarts=1)
class Memory(Rollback):
    """what was there before is kept in memory"""

    @staticmethod
    def forgets(state):
        return gives(Rollback.forgets(state), kept=())


@broken(calls=2)
class Unseen(Rollback):
    """destroys are not seen"""

    def not_there(self, state):
        return gives(state, destroy=())

    @staticmethod
    def did(state):
        return Rollback.destroyed(state)


@broken(calls=2)
class SaysSo(Rollback):
    """a destroy that found nothing says that it did, without another try"""

    def d3(self, state):
        return super().d3(state) if state.turn == "start" else self.last(state)


@broken(calls=2)
class FirstOnly(Rollback):
    """of a destroy that is tried again the start is not told"""

    def d1(self, state):
        state = gives(state, tries=state.tries + 1)
        return super().d1(state)

    @staticmethod
    def waits(state):
        return Rollback.waits(state) and state.tries < 2

    @staticmethod
    def did(state):
        return Rollback.did(state) if state.tries < 2 else Rollback.destroyed(state)


@broken(calls=2)
class NoTurn(Rollback):
    """an undefine does not wait for a start"""

    def v0(self, state):
        return gives(state, change_at=("v1",))

    def v2(self, state):
        return gives(state, kept=(), change_at=())
